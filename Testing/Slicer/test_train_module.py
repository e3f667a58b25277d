"""BrainFMTrain as a user drives it: check, start, watch, stop, resume, follow the runs of others, use the result."""

import json
import os
import shutil
import signal
import subprocess
import sys

import module_bed
import pytest
import slicer
from BrainFMLib.EngineCommand import engineEnvironment
from BrainFMTrainLib import TrainingController
from BrainFMTrainLib.TrainerProcess import TrainerProcess
from train_panel import dataset, trainer, worker_command  # noqa: F401

pytestmark = pytest.mark.gui


def chart():
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLPlotChartNode")


def legend():
    """Names of the curves of the first chart."""
    count = chart().GetNumberOfPlotSeriesNodes() if chart() is not None else 0
    return [chart().GetNthPlotSeriesNode(index).GetName() for index in range(count)]


def start_elsewhere(dataset, folder, *options):  # noqa: F811
    """A training of another process."""
    words = [*worker_command(*options), "train", str(dataset), "-o", str(folder), "--set", "steps=2000"]
    return subprocess.Popen(words, env={**os.environ, **engineEnvironment()}, stdout=subprocess.DEVNULL)


def test_opening_loads_no_torch(trainer, open_module):  # noqa: F811
    heavy = {"torch", "nibabel", "SimpleITK"}
    before = heavy & set(sys.modules)  # tests of the engine may have run in this process
    slicer.util.selectModule("")
    trainer.widget.cleanup()
    open_module("BrainFMTrain")
    assert heavy & set(sys.modules) == before


def test_first_look_says_what_to_do(trainer):  # noqa: F811
    assert "data set" in trainer.ui.trainingStatusLabel.text
    assert not trainer.ui.trainingStartButton.enabled and not trainer.ui.stopButton.enabled
    assert trainer.ui.recipeComboBox.count == 19 and trainer.ui.presetComboBox.count == 3
    assert "no runs" in trainer.ui.runLabel.text and not trainer.notice


def test_a_data_set_is_listed_and_checked(trainer, dataset, tmp_path):  # noqa: F811
    trainer.behave("--problems")
    trainer.choose(dataset, tmp_path / "runs")
    table = trainer.ui.dataTable
    trainer.until(lambda: table.rowCount == 3)
    assert [table.item(0, column).text() for column in (0, 1, 2, 3, 9)] == ["anna", "training", "✓", "✓", ""]
    module_bed.press(trainer.ui.dataCheckButton)
    trainer.until(lambda: "problems" in trainer.ui.dataSummaryLabel.text)
    assert "exchanged" in table.item(0, 9).text() and table.item(1, 9).text() == "none"
    assert "No subject is for validation" in trainer.ui.dataSummaryLabel.text


def test_a_folder_that_is_no_data_set_is_told(trainer, tmp_path):  # noqa: F811
    trainer.choose(tmp_path, tmp_path / "runs")
    assert "dataset.json" in trainer.ui.dataSummaryLabel.text
    assert not trainer.ui.dataCheckButton.enabled and not trainer.ui.trainingStartButton.enabled


def test_a_training_from_start_to_end(trainer, dataset, tmp_path):  # noqa: F811
    trainer.choose(dataset, tmp_path / "läufe", steps=60)
    trainer.start()
    trainer.wait_for_step(20)
    assert "Step" in trainer.ui.factsLabel.text and "learning rate 0.0005" in trainer.ui.factsLabel.text
    assert trainer.ended() == "finished"
    trainer.wait_for_step(60)
    trainer.until(lambda: legend() == ["total", "total, validation", "T1w", "segmentation, Dice"])
    rows = lambda: chart().GetNthPlotSeriesNode(0).GetTableNode().GetTable().GetNumberOfRows()  # noqa: E731
    trainer.until(lambda: rows() == 60)
    layout = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    before = layout.GetViewArrangement()
    module_bed.press(trainer.ui.plotButton)
    assert layout.GetViewArrangement() != before
    trainer.module.exit()
    assert layout.GetViewArrangement() == before
    trainer.until(lambda: trainer.states() == {"run": "finished"})
    assert not trainer.ui.resumeButton.enabled and trainer.ui.useButton.enabled
    assert trainer.ui.nameEdit.text.startswith("brainfm-") and trainer.ui.trainingStartButton.enabled


def test_stop_saves_and_resume_goes_on(trainer, dataset, tmp_path):  # noqa: F811
    trainer.choose(dataset, tmp_path / "runs", steps=400)
    trainer.start()
    trainer.wait_for_step(5)
    module_bed.press(trainer.ui.stopButton)
    assert "saves and stops" in trainer.ui.runLabel.text and trainer.ui.stopButton.text == "End at once"
    assert trainer.ended() == "stopped"
    trainer.until(lambda: trainer.ui.resumeButton.enabled)
    stopped = json.loads((tmp_path / "runs" / "run" / "run.json").read_text())["step"]
    trainer.behave("--delay", 0.001)
    module_bed.press(trainer.ui.resumeButton)
    trainer.until(lambda: bool(TrainerProcess.running()))
    assert trainer.ended() == "finished"
    trainer.wait_for_step(400)
    rows = [json.loads(line) for line in (tmp_path / "runs" / "run" / "log.jsonl").read_text().splitlines()]
    steps = [row["step"] for row in rows if "loss" in row]
    assert steps == list(range(1, 401)) and 5 <= stopped < 400


def test_a_run_of_another_process_is_followed_and_stopped(trainer, dataset, tmp_path):  # noqa: F811
    other = start_elsewhere(dataset, tmp_path / "runs" / "foreign")
    try:
        trainer.choose(dataset, tmp_path / "runs")
        trainer.until(lambda: trainer.module.follower is not None, 20)
        trainer.wait_for_step(10)
        assert trainer.states() == {"foreign": "running"} and not trainer.ui.resumeButton.enabled
        module_bed.press(trainer.ui.stopButton)
        trainer.until(lambda: other.poll() is not None, 20)
        trainer.until(lambda: trainer.states() == {"foreign": "stopped"} and trainer.ui.resumeButton.enabled)
    finally:
        other.kill()
        other.wait()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows ends processes in another way")
def test_a_killed_run_says_so_and_can_be_resumed(trainer, dataset, tmp_path):  # noqa: F811
    other = start_elsewhere(dataset, tmp_path / "runs" / "foreign")
    trainer.choose(dataset, tmp_path / "runs")
    trainer.until(lambda: trainer.module.follower is not None, 20)
    trainer.wait_for_step(3)
    other.send_signal(signal.SIGKILL)
    other.wait()
    trainer.until(lambda: trainer.states() == {"foreign": "died"} and trainer.ui.resumeButton.enabled)
    assert "without saving" in trainer.ui.runLabel.text


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows ends processes in another way")
def test_an_own_training_that_is_killed_is_told(trainer, dataset, tmp_path):  # noqa: F811
    trainer.choose(dataset, tmp_path / "runs", steps=1000)
    trainer.start()
    trainer.wait_for_step(3)
    os.kill(trainer.module.follower.row.seen.state.pid, signal.SIGKILL)
    trainer.until(lambda: "ended the engine" in trainer.notice)
    trainer.until(lambda: trainer.ui.resumeButton.enabled and trainer.states() == {"run": "died"})
    assert "Resume goes on" in trainer.notice and "Resume" in trainer.ui.runLabel.text


def test_stop_pressed_twice_ends_a_training_that_does_not_listen(trainer, dataset, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(TrainingController, "HASTE_SECONDS", 0.0)
    trainer.behave("--deaf")
    trainer.choose(dataset, tmp_path / "runs", steps=100_000)
    trainer.start()
    trainer.wait_for_step(3)
    module_bed.press(trainer.ui.stopButton)
    assert trainer.ui.stopButton.text == "End at once"
    module_bed.press(trainer.ui.stopButton)
    trainer.until(lambda: not TrainerProcess.running() and trainer.states() == {"run": "died"})
    trainer.until(lambda: trainer.ui.resumeButton.enabled)
    assert not trainer.notice


def test_a_run_whose_folder_is_deleted_is_told(trainer, dataset, tmp_path):  # noqa: F811
    trainer.choose(dataset, tmp_path / "runs")
    trainer.start()
    trainer.wait_for_step(3)
    assert trainer.ended() == "finished"
    shutil.rmtree(tmp_path / "runs")
    trainer.until(lambda: "was deleted" in trainer.ui.runLabel.text and not trainer.states())
    assert "after step 20" in trainer.ui.runLabel.text and legend()
    assert not trainer.ui.resumeButton.enabled and not trainer.ui.stopButton.enabled


def test_two_trainings_in_one_folder_are_refused_with_the_engines_sentence(trainer, dataset, tmp_path):  # noqa: F811
    trainer.behave("--refuse")
    trainer.choose(dataset, tmp_path / "runs")
    trainer.start()
    trainer.until(lambda: "in use for training by process 7" in trainer.notice)
    assert not (tmp_path / "runs" / "run").exists()


def test_a_failure_is_told_in_the_engines_words(trainer, dataset, tmp_path):  # noqa: F811
    trainer.behave("--nan-at", 5)
    trainer.choose(dataset, tmp_path / "runs")
    trainer.start()
    trainer.until(lambda: "not finite three times" in trainer.notice)
    assert "Lower the learning rate" in trainer.notice


def test_too_little_memory_is_told_before_anything_starts(trainer, dataset, tmp_path):  # noqa: F811
    trainer.behave("--little")
    trainer.choose(dataset, tmp_path / "runs")
    module_bed.press(trainer.ui.trainingStartButton)
    trainer.until(lambda: "Memory may be too little" in trainer.notice)
    assert not TrainerProcess.running() and "900.0 GB" in trainer.notice
    module_bed.press(trainer.ui.noticeActionButton)
    assert TrainerProcess.running() and trainer.ended() == "finished"


def test_estimate_alone_starts_nothing(trainer, dataset, tmp_path):  # noqa: F811
    trainer.choose(dataset, tmp_path / "runs")
    module_bed.press(trainer.ui.estimateButton)
    trainer.until(lambda: "5.3 million" in trainer.ui.trainingStatusLabel.text)
    assert not TrainerProcess.running() and not (tmp_path / "runs").exists()


def test_a_training_outlives_the_module_and_the_scene(trainer, dataset, tmp_path, open_module, pump):  # noqa: F811
    trainer.choose(dataset, tmp_path / "runs", steps=3000)
    trainer.start()
    trainer.wait_for_step(3)
    trainer.until(lambda: chart() is not None)
    slicer.mrmlScene.Clear(0)
    trainer.until(lambda: chart() is not None)
    trainer.widget.cleanup()
    assert TrainerProcess.running()[0].outcome is None
    from BrainFMTrainLib.Widget import TrainWidget

    again = trainer.widget.module = trainer.module = TrainWidget(trainer.ui)
    assert pump(lambda: again.follower is not None and (again.follower.facts.step or 0) > 3, 10)
    module_bed.press(trainer.ui.stopButton)
    assert trainer.ended() == "stopped"


def test_a_reload_leaves_trainings_alone(trainer, dataset, tmp_path, pump):  # noqa: F811
    trainer.choose(dataset, tmp_path / "runs", steps=3000)
    trainer.start()
    trainer.wait_for_step(3)
    (process,) = TrainerProcess.running()
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0].startswith("BrainFMTrain")}
    try:
        trainer.widget.onReload()
        again = slicer.modules.brainfmtrain.widgetRepresentation().self().module
        assert type(again) is not type(trainer.module) and process.outcome is None
        assert pump(lambda: again.follower is not None and (again.follower.facts.step or 0) > 3, 10)
        module_bed.press(again.ui.stopButton)
        assert pump(lambda: process.outcome is not None, 10) and process.outcome.state == "done"
    finally:
        for name in [name for name in sys.modules if name.split(".")[0].startswith("BrainFMTrain")]:
            del sys.modules[name]
        sys.modules.update(before)
