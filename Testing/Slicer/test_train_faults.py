"""What may befall a training, with real processes: Slicer is killed, the disk is full, folders vanish, two Slicers."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import module_bed
import pytest
from BrainFMLib.EngineCommand import engineEnvironment
from BrainFMTrainLib.RunList import readRun
from BrainFMTrainLib.TrainerProcess import TrainerProcess
from train_panel import dataset, delete, trainer, worker_command  # noqa: F401

pytestmark = [
    pytest.mark.gui,
    pytest.mark.skipif(os.name == "nt", reason="signals and limits of POSIX; Windows deletes no open folder"),
]
SESSION = Path(__file__).parent / "workers" / "train_session.py"
START_S = 60
LIMIT = 'ulimit -f 8; exec "$@"'
"""A few kB a file: then writing fails as on a full disk."""


def logged(folder: Path) -> list[int]:
    """Steps in a run's log."""
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [row["step"] for row in rows if "loss" in row]


def select(trainer, name: str) -> None:  # noqa: F811
    """Click on a run's row."""
    table = trainer.ui.runsTable
    trainer.until(lambda: name in trainer.states())
    row = next(index for index in range(table.rowCount) if table.item(index, 0).text() == name)
    table.setCurrentCell(row, 0)
    assert trainer.module.follower.folder.name == name


@pytest.fixture
def other_slicer(dataset, tmp_path):  # noqa: F811
    """Another Slicer that has started two trainings."""
    words = [sys.executable, str(SESSION), str(dataset), str(tmp_path / "runs")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, env={**os.environ, **engineEnvironment()}, text=True)
    assert process.stdout is not None
    assert any(line.strip() == "started" for line in process.stdout), "the other Slicer did not start"
    yield process
    process.kill()
    process.wait()
    for run in (tmp_path / "runs").iterdir():
        if readRun(run).alive:
            os.kill(readRun(run).seen.state.pid, 9)


def test_a_slicer_that_is_killed_and_one_that_comes_back(trainer, dataset, other_slicer, tmp_path):  # noqa: F811
    """Two Slicers follow the same runs; the one that started them is killed; the other finds what became of them."""
    runs = tmp_path / "runs"
    trainer.choose(dataset, runs)
    trainer.until(lambda: trainer.states() == {"stops": "running", "goes-on": "running"})
    select(trainer, "stops")
    trainer.wait_for_step(5)
    assert trainer.ui.stopButton.enabled and not trainer.ui.resumeButton.enabled
    other_slicer.kill()
    other_slicer.wait()
    trainer.until(lambda: trainer.states() == {"stops": "stopped", "goes-on": "running"})
    assert "saved" in trainer.ui.runLabel.text and trainer.ui.resumeButton.enabled and not trainer.notice
    assert logged(runs / "stops") == list(range(1, readRun(runs / "stops").seen.state.step + 1))
    select(trainer, "goes-on")
    trainer.wait_for_step(5)
    before = trainer.module.follower.facts.step
    trainer.wait_for_step(before + 5)
    module_bed.press(trainer.ui.stopButton)
    trainer.until(lambda: trainer.states() == {"stops": "stopped", "goes-on": "stopped"})


def test_a_full_disk_is_told_and_the_run_goes_on_later(trainer, dataset, tmp_path):  # noqa: F811
    trainer.module.controller.command = ["sh", "-c", LIMIT, "sh", *worker_command()]
    trainer.choose(dataset, tmp_path / "runs", steps=100)
    trainer.start()
    assert trainer.ended() == "failed"
    trainer.until(lambda: "log.jsonl cannot be written: File too large" in trainer.notice)
    assert "Check free disk space" in trainer.notice
    trainer.until(lambda: trainer.states() == {"run": "failed"} and trainer.ui.resumeButton.enabled)
    assert "cannot be written" in trainer.ui.runLabel.text
    failed = logged(tmp_path / "runs" / "run")
    assert failed == list(range(1, len(failed) + 1)) and len(failed) < 100
    trainer.behave("--delay", 0.001)
    module_bed.press(trainer.ui.resumeButton)
    trainer.until(lambda: bool(TrainerProcess.running()))
    assert trainer.ended() == "finished" and not trainer.notice
    assert logged(tmp_path / "runs" / "run") == list(range(1, 101))


def test_a_folder_that_vanishes_while_its_run_goes_on(trainer, dataset, tmp_path):  # noqa: F811
    trainer.behave("--delay", 2)  # long enough to be seen to go on
    trainer.choose(dataset, tmp_path / "runs", steps=3000)
    trainer.start()
    trainer.wait_for_step(1)
    delete(tmp_path / "runs" / "run")
    trainer.until(lambda: "Its process goes on" in trainer.ui.runLabel.text)
    assert "was deleted" in trainer.ui.runLabel.text and "run" in trainer.states()
    assert trainer.ui.plotButton.enabled and not trainer.ui.resumeButton.enabled
    module_bed.press(trainer.ui.stopButton)
    trainer.until(lambda: not TrainerProcess.running())
    trainer.until(lambda: "annot read or write" in trainer.notice)
    trainer.until(lambda: not trainer.states() and not trainer.ui.stopButton.enabled)


def test_a_folder_that_vanishes_while_a_foreign_run_is_followed(trainer, dataset, tmp_path):  # noqa: F811
    words = [*worker_command(), "train", str(dataset), "-o", str(tmp_path / "runs" / "foreign"), "--set", "steps=2000"]
    other = subprocess.Popen(words, env={**os.environ, **engineEnvironment()}, stdout=subprocess.DEVNULL)
    try:
        trainer.choose(dataset, tmp_path / "runs")
        trainer.until(lambda: trainer.module.follower is not None, 20)
        trainer.wait_for_step(5)
        delete(tmp_path / "runs")
        trainer.until(lambda: "was deleted" in trainer.ui.runLabel.text and not trainer.states())
        assert not trainer.ui.stopButton.enabled and not trainer.ui.resumeButton.enabled and not trainer.notice
    finally:
        other.kill()
        other.wait()


def test_resume_asks_for_a_data_set_that_is_gone(trainer, dataset, tmp_path, dialogs):  # noqa: F811
    trainer.choose(dataset, tmp_path / "runs", steps=400)
    trainer.start()
    trainer.wait_for_step(5)
    module_bed.press(trainer.ui.stopButton)
    assert trainer.ended() == "stopped"
    moved = dataset.rename(tmp_path / "moved data")
    trainer.until(lambda: trainer.ui.resumeButton.enabled)
    module_bed.press(trainer.ui.resumeButton)
    assert "is gone" in trainer.notice and str(dataset) in trainer.notice and not TrainerProcess.running()
    dialogs.answer(str(tmp_path / "runs"))
    module_bed.press(trainer.ui.noticeActionButton)
    assert "no data set in" in trainer.notice
    module_bed.press(trainer.ui.resumeButton)
    dialogs.answer(str(moved))
    trainer.behave("--delay", 0.001)
    module_bed.press(trainer.ui.noticeActionButton)
    trainer.until(lambda: bool(TrainerProcess.running()))
    assert trainer.ended() == "finished"
    assert readRun(tmp_path / "runs" / "run").seen.state.dataset == str(moved)


def test_resume_needs_no_choice_of_a_data_set(trainer, dataset, tmp_path):  # noqa: F811
    trainer.choose(dataset, tmp_path / "runs", steps=400)
    trainer.start()
    trainer.wait_for_step(5)
    module_bed.press(trainer.ui.stopButton)
    assert trainer.ended() == "stopped"
    trainer.ui.dataFolderEdit.currentPath = ""
    trainer.until(lambda: trainer.ui.resumeButton.enabled)
    trainer.behave("--delay", 0.001)
    module_bed.press(trainer.ui.resumeButton)
    trainer.until(lambda: bool(TrainerProcess.running()))
    assert trainer.ended() == "finished" and not trainer.notice
    assert readRun(tmp_path / "runs" / "run").seen.state.dataset == str(dataset)


def test_one_damaged_run_does_not_hide_the_others(trainer, dataset, tmp_path):  # noqa: F811
    """Whatever its state file holds; it goes on from its checkpoints with the data set that is chosen."""
    runs = tmp_path / "runs"
    trainer.behave("--delay", 0.001)
    trainer.choose(dataset, runs, steps=20)
    trainer.start()
    assert trainer.ended() == "finished"
    state = json.loads((runs / "run" / "run.json").read_text())
    for name, wrong in (("one", {"step": "abc"}), ("two", {"heartbeat_monotonic": "x"}), ("three", {"started": None})):
        (runs / name / "checkpoints").mkdir(parents=True)
        (runs / name / "checkpoints" / "last.pt").touch()
        (runs / name / "run.json").write_text(json.dumps({**state, **wrong}))
    damaged = dict.fromkeys(("one", "two", "three"), "cannot be read")
    trainer.until(lambda: trainer.states() == {"run": "finished", **damaged})
    select(trainer, "two")
    trainer.until(lambda: trainer.ui.resumeButton.enabled and trainer.ui.openFolderButton.enabled)
    assert "may be damaged" in trainer.ui.runLabel.text and "Resume goes on" in trainer.ui.runLabel.text


def test_a_run_that_died_unsaved_says_so_and_is_starting_when_it_is_resumed(trainer, dataset, tmp_path):  # noqa: F811
    trainer.behave("--delay", 0.05)
    trainer.choose(dataset, tmp_path / "runs", steps=2000)
    trainer.start()
    trainer.until(lambda: "It is starting" in trainer.ui.runLabel.text or trainer.module.follower.row.alive)
    assert "run.json" not in trainer.ui.runLabel.text
    trainer.wait_for_step(2)
    os.kill(trainer.module.follower.row.seen.state.pid, 9)
    trainer.until(lambda: trainer.states() == {"run": "died"} and trainer.ui.resumeButton.enabled)
    assert "Resume goes on from the last checkpoint" in trainer.notice and "1 mm grid" not in trainer.notice
    shutil.rmtree(tmp_path / "runs" / "run" / "checkpoints", ignore_errors=True)
    shutil.rmtree(tmp_path / "runs" / "run" / "model", ignore_errors=True)
    trainer.until(lambda: "begins it anew" in trainer.ui.runLabel.text)
    seen = []
    trainer.module.section.panel.onResume(tmp_path / "runs" / "run")
    trainer.until(lambda: bool(TrainerProcess.running()))
    trainer.until(lambda: seen.append(trainer.ui.runLabel.text) or trainer.module.follower.row.alive)
    assert not any("deleted" in text for text in seen), seen


def test_a_second_start_and_a_hasty_second_stop_do_no_harm(trainer, dataset, tmp_path):  # noqa: F811
    trainer.behave("--delay", 0.05)
    trainer.choose(dataset, tmp_path / "runs", steps=2000)
    trainer.start()
    first = trainer.module.follower.folder
    trainer.module.controller._launch(first, trainer.module.training.request().arguments(), False)
    assert len(TrainerProcess.running()) == 1 and "is going on" in trainer.notice
    assert trainer.ui.nameEdit.text != "run" and trainer.ui.trainingStartButton.enabled
    trainer.wait_for_step(2)
    module_bed.press(trainer.ui.stopButton)
    module_bed.press(trainer.ui.stopButton)
    assert trainer.ended() == "stopped"
