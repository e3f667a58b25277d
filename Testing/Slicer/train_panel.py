"""The fixture `trainer`: the panel of BrainFMTrain, open, its setup complete, with a stand-in for the engine."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import module_bed
import pytest
import qt
from BrainFMLib.Dependencies import Dependencies
from BrainFMLib.EngineProcess import EngineProcess
from BrainFMLib.Widgets import SetupPanel
from BrainFMTrainLib.RunList import readRun
from BrainFMTrainLib.TrainerProcess import TrainerProcess

WORKER = Path(__file__).parent / "workers" / "train_worker.py"
QUICK_S, SLOW_S = 20, 60
NAMES = ("anna", "berta", "carla")


def write_dataset(folder: Path) -> Path:
    """The small files of a prepared data set."""
    (folder / "subjects").mkdir(parents=True)
    (folder / "dataset.json").write_text(json.dumps({"format_version": 1}))
    (folder / "split.json").write_text(json.dumps({"train": NAMES[:2], "validation": NAMES[2:], "test": []}))
    for name in NAMES:
        info = {"name": name, "scheme": "freesurfer", "contrasts": ["T1"], "targets": ["segmentation", "distance"]}
        (folder / "subjects" / f"{name}.json").write_text(json.dumps(info))
    return folder


def delete(folder: Path) -> None:
    """Delete a folder at once, although a process writes into it."""
    shutil.rmtree(folder.rename(folder.with_name("deleted")), ignore_errors=True)


def worker_command(*options: object) -> list[str]:
    """Program and first arguments of the stand-in."""
    return [sys.executable, str(WORKER), *(str(option) for option in options)]


class Trainer:
    """The open module, driven as a user does it."""

    def __init__(self, widget, pump):
        self.widget, self.module, self.ui, self.pump = widget, widget.module, widget.ui, pump
        self.behave()

    def behave(self, *options: object) -> None:
        """Let the stand-in behave as told from now on."""
        command = worker_command(*options)
        self.module.controller.command = command
        self.module.controller.estimate.makeEngine = lambda: EngineProcess(command)
        self.module.training.state.worker.makeEngine = lambda: EngineProcess(command, finalEvent="")
        self.module.data.check.makeEngine = lambda: EngineProcess(command)
        self.module.preview.worker.makeEngine = lambda: EngineProcess(command, finalEvent="")
        self.module.preview.ranges.description.makeEngine = lambda: EngineProcess(command, finalEvent="description")

    def choose(self, dataset: Path, runs: Path, name: str = "run", steps: int = 0) -> None:
        """Fill the form."""
        self.ui.dataFolderEdit.currentPath = str(dataset)
        self.ui.runsFolderEdit.currentPath = str(runs)
        self.ui.nameEdit.text = name
        self.ui.stepsEdit.text = str(steps or "")

    def until(self, condition, timeout_s: float = QUICK_S) -> None:
        """Wait for something."""
        assert self.pump(condition, timeout_s), (self.notice, self.ui.trainingStatusLabel.text, self.ui.runLabel.text)

    def start(self) -> None:
        """Press Start training and wait until it is started."""
        assert self.ui.trainingStartButton.enabled, self.ui.trainingStatusLabel.text
        module_bed.press(self.ui.trainingStartButton)
        self.until(lambda: bool(TrainerProcess.running()), SLOW_S)

    def wait_for_step(self, step: int, timeout_s: float = SLOW_S) -> None:
        """Wait until the followed run is that far."""
        follower = self.module.follower
        self.until(lambda: (follower.facts.step or 0) >= step, timeout_s)

    def ended(self, timeout_s: float = SLOW_S) -> str:
        """Wait for the end of the training; return the state of the followed run."""
        self.until(lambda: not TrainerProcess.running(), timeout_s)
        return readRun(self.module.follower.folder).seen.state.state

    def states(self) -> dict[str, str]:
        """Name -> state of the listed runs."""
        table = self.ui.runsTable
        return {table.item(row, 0).text(): table.item(row, 1).text() for row in range(table.rowCount)}

    @property
    def notice(self) -> str:
        """What the panel says in its message; "" if there is none."""
        return self.ui.noticeLabel.text if module_bed.shown(self.ui.noticeFrame) else ""


@pytest.fixture
def dataset(tmp_path):
    return write_dataset(tmp_path / "data set")


@pytest.fixture
def trainer(monkeypatch, open_module, pump):
    """The module's panel, ready to train; whatever still trains at the end is killed."""
    qt.QSettings().remove("BrainFM")
    health = module_bed.says(module_bed.HEALTH_LINE)
    monkeypatch.setattr(SetupPanel, "Dependencies", lambda: Dependencies(command=health))
    trainer = Trainer(open_module("BrainFMTrain"), pump)
    trainer.until(lambda: trainer.module.setup.ready)
    yield trainer
    if trainer.widget.module is not None:
        trainer.widget.cleanup()
    end_trainings(pump)


def end_trainings(pump) -> None:
    """Kill what still trains."""
    for process in TrainerProcess.running():
        process.kill()
    pump(lambda: [process.look() for process in TrainerProcess.running()] == [], 5)
