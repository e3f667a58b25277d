"""Faults in mid-run: nothing breaks, nothing leaks, and what happened is said in the panel."""

import gc
import os
import weakref
from pathlib import Path

import child_processes
import module_bed
import pytest
import qt
import slicer
from BrainFMLib import StepRunner
from BrainFMLib.ResultSet import ResultSet
from module_panel import folder, panel, setup  # noqa: F401

pytestmark = pytest.mark.gui
RUNS = int(os.environ.get("BRAINFM_RUNS", "8"))


def started(panel, *behaviour, volume=None):  # noqa: F811
    """Start a run and wait until the engine is at work."""
    panel.behave(*behaviour)
    panel.choose(volume or module_bed.head("Victim"))
    panel.apply()
    panel.until(lambda: panel.logic.prediction is not None and panel.logic.prediction.state == "running")
    panel.pump(timeout_s=0.3)


def no_children(panel):  # noqa: F811

    panel.until(lambda: not child_processes.of_this_test())


def test_f1_input_deleted_in_mid_run(panel):  # noqa: F811
    started(panel, "--seconds", 1, "slow-progress")
    slicer.mrmlScene.RemoveNode(panel.ui.inputSelector.currentNode())
    outcome = panel.wait()
    assert outcome.state == "done"
    (found,) = ResultSet.all(slicer.mrmlScene)
    assert found.get("T1w").GetName() == "Victim_T1w"
    assert found.inputNode is None
    assert panel.set == found


def test_f1_input_deleted_while_it_is_exported(panel):  # noqa: F811
    panel.choose(module_bed.head("Victim"))
    panel.apply()
    slicer.mrmlScene.RemoveNode(panel.ui.inputSelector.currentNode())
    assert panel.wait().state in ("done", "failed")


def test_f2_result_deleted_then_run_again(panel):  # noqa: F811
    volume = module_bed.head()
    panel.run(volume)
    slicer.mrmlScene.RemoveNode(panel.set.get("T2w"))
    panel.pump(timeout_s=0.6)
    assert panel.run().state == "done"
    assert ResultSet.of(volume).get("T2w") is not None


def test_f2_all_results_deleted_in_a_layout(panel):  # noqa: F811
    panel.run(module_bed.head())
    panel.set.remove()
    panel.until(lambda: panel.set is None)
    assert not panel.ui.resultsCollapsibleButton.enabled


@pytest.mark.parametrize("state", ["exporting", "running", "importing"])
def test_f3_scene_closed_in_mid_run(panel, state):  # noqa: F811
    panel.behave("--seconds", 1, "slow-progress")
    panel.choose(module_bed.head())
    panel.apply()
    panel.until(lambda: panel.logic.prediction is not None and panel.logic.prediction.state == state)
    slicer.mrmlScene.Clear(0)
    outcome = panel.wait(4)
    panel.pump(timeout_s=1.5)
    assert outcome.state == "cancelled"
    assert "scene was closed" in panel.notice
    assert not ResultSet.all(slicer.mrmlScene)
    no_children(panel)


def test_f3_other_scene_loaded_in_mid_run(panel, tmp_path):  # noqa: F811
    module_bed.head("Other")
    assert slicer.mrmlScene.WriteToMRB(str(tmp_path / "other.mrb"))
    started(panel, "hang")
    assert slicer.mrmlScene.ReadFromMRB(str(tmp_path / "other.mrb"), True)
    assert panel.wait(4).state == "cancelled"
    assert not ResultSet.all(slicer.mrmlScene)


def test_f4_scripts_cannot_start_a_second_run(panel):  # noqa: F811
    started(panel, "--seconds", 1, "slow-progress")
    with pytest.raises(RuntimeError, match="already running"):
        panel.logic.processAsync(module_bed.head("Second"))
    panel.module.apply()
    assert panel.wait().state == "done"
    assert len(ResultSet.all(slicer.mrmlScene)) == 1


def test_f4_cleanup_in_mid_run(panel, open_module):  # noqa: F811
    started(panel, "hang")
    panel.widget.cleanup()
    no_children(panel)
    panel.until(lambda: not module_bed.run_folders())
    assert panel.logic.prediction.state == "discarded"
    panel.pump(timeout_s=0.5)
    assert not ResultSet.all(slicer.mrmlScene)


def test_f5_module_left_in_mid_run(panel):  # noqa: F811
    started(panel, "--seconds", 1, "slow-progress")
    fourUp = slicer.app.layoutManager().layout
    slicer.util.selectModule("")
    assert panel.module.parameters is None
    assert panel.pump(lambda: not panel.module.controller.busy, 20)
    assert len(ResultSet.all(slicer.mrmlScene)) == 1
    assert slicer.app.layoutManager().layout == fourUp
    slicer.util.selectModule("BrainFM")
    assert panel.set is not None
    assert panel.ui.applyButton.text == "Apply"


def test_f8_slicer_quits_in_mid_run(panel, tmp_path):  # noqa: F811
    started(panel, "--pids", tmp_path / "pids", "grandchild")
    panel.until((tmp_path / "pids").is_file)
    slicer.app.aboutToQuit.emit()
    no_children(panel)
    assert not module_bed.run_folders(), [list(path.rglob("*")) for path in module_bed.run_folders()]
    panel.widget.cleanup()


def test_f9_a_crash_after_the_last_line_loses_nothing(panel):  # noqa: F811
    panel.behave("late-crash")
    assert panel.run(module_bed.head()).state == "done"


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        ("fail", "scan has no intensities"),
        ("crash", "crashed"),
        ("killed", "memory ran out"),
        ("silent-exit-0", "without a result"),
        ("no-files", "no results"),
        ("missing-package", "missing or damaged"),
        ("usage-error", ""),
    ],
)
def test_f9_every_end_is_a_sentence_in_the_panel(panel, behaviour, says):  # noqa: F811
    panel.choose(module_bed.head())
    before = module_bed.nodes()
    panel.behave(behaviour)
    panel.apply()
    outcome = panel.wait()
    assert outcome.state == "failed"
    assert says in panel.notice
    assert len(panel.notice) > 20 and "exit" not in panel.notice.lower()
    assert module_bed.nodes() == before
    module_bed.press(panel.ui.noticeCopyButton)
    assert says in qt.QApplication.clipboard().text()
    kept = outcome.keptFolder
    assert (kept is not None) == ("crash" in behaviour or behaviour == "killed")
    if kept is not None:
        assert str(kept) in panel.notice
        module_bed.remove(kept)
    module_bed.press(panel.ui.noticeCloseButton)
    assert not panel.notice
    panel.behave("succeed")
    assert panel.run().state == "done"


def test_f9_program_that_cannot_be_started(panel):  # noqa: F811
    from BrainFMLib.EngineProcess import EngineProcess

    panel.logic.makeEngine = lambda: EngineProcess(["/no/such/python"])
    assert panel.run(module_bed.head()).state == "failed"
    assert "could not be started" in panel.notice


def test_f9_damaged_results(panel):  # noqa: F811
    panel.results.path("T2w.nii").write_bytes(b"no image")
    panel.choose(module_bed.head())
    before = module_bed.nodes()
    panel.apply()
    assert panel.wait().state == "failed"
    assert "cannot be loaded" in panel.notice
    assert module_bed.nodes() == before


def test_temporary_folder_without_room(panel, monkeypatch):  # noqa: F811
    from BrainFMLib import RunFolder

    usage = type("Usage", (), {"free": 1000})()
    monkeypatch.setattr(RunFolder.shutil, "disk_usage", lambda path: usage)
    assert panel.run(module_bed.head()).state == "failed"
    assert "GB are free" in panel.notice


def megabytes() -> float:
    """Memory of this process."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return 0.0
    return next(int(line.split()[1]) / 1000 for line in status.read_text().splitlines() if line.startswith("VmRSS"))


@pytest.mark.timeout(60 + 20 * RUNS)
def test_f14_runs_in_a_row_leave_nothing(panel):  # noqa: F811
    volume = module_bed.head()
    panel.run(volume)
    panel.pump(timeout_s=0.5)
    before, observers = module_bed.nodes(), volume.HasObserver("AnyEvent")
    gone, memory = [], []
    for _ in range(RUNS):
        panel.run()
        gone.append(weakref.ref(panel.logic.prediction))
        gc.collect()
        memory.append(megabytes())
    panel.pump(timeout_s=0.5)
    gc.collect()
    assert module_bed.nodes() == before
    assert volume.HasObserver("AnyEvent") == observers
    assert sum(reference() is not None for reference in gone) <= 2
    panel.until(lambda: not module_bed.run_folders())
    grown = memory[-1] - memory[RUNS // 2]
    print(f"\n{RUNS} runs: {memory[0]:.0f} MB after the first, {memory[-1]:.0f} MB at the end")
    assert grown < 20 + 0.5 * RUNS, memory


def test_steps_that_are_stopped_from_within_end(pump):
    told, closed = [], []

    def steps():
        try:
            yield from range(5)
        finally:
            closed.append(True)

    def step(index):
        told.append(index)
        if index == 2:
            runner.stop()

    runner = StepRunner.StepRunner(steps(), step, told.append, told.append)
    pump(timeout_s=0.2)
    assert told == [0, 1, 2] and closed and not runner.running
