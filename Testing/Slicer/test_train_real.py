"""BrainFMTrain with the engine itself, where BRAINFM_PYTHON names a Python with PyTorch."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import module_bed
import numpy as np
import pytest
import slicer
from BrainFMLib.EngineCommand import pythonExecutable
from BrainFMLib.EngineProcess import EngineProcess
from BrainFMTrainLib import SampleViews
from BrainFMTrainLib.TrainerProcess import TrainerProcess
from train_panel import delete, trainer  # noqa: F401

pytestmark = pytest.mark.gui
TESTING = Path(__file__).resolve().parents[1]
LONG_S = 240
SCREENSHOT_COLLAPSED = ("preview", "data")
MAKE_DATASET = """
import sys
from dataclasses import replace
from pathlib import Path
from boxes import box_subject
from BrainFMEngine.dataset.dataset import create_dataset, write_split, write_subject
from BrainFMEngine.dataset.info import SubjectInfo
from BrainFMEngine.dataset.split import Split
folder = Path(sys.argv[1])
create_dataset(folder)
names = ("first", "second", "third")
for name in names:
    subject = replace(box_subject(("T1",)), name=name)
    info = SubjectInfo(name, "boxes", name, sources={}, scheme=subject.scheme.name, shape=subject.shape)
    write_subject(folder, subject, info)
write_split(folder, Split(train=names[:2], validation=names[2:], test=()))
"""


@pytest.fixture
def boxes(tmp_path):
    """A prepared data set of three boxes."""
    code = "import importlib.util as util, sys; sys.exit(util.find_spec('torch') is None)"
    if subprocess.run([pythonExecutable(), "-c", code], check=False).returncode:
        pytest.skip("no PyTorch here (name a Python that has it in BRAINFM_PYTHON)")
    paths = os.pathsep.join(str(path) for path in (TESTING, TESTING.parent / "BrainFM"))
    command = [pythonExecutable(), "-c", MAKE_DATASET, str(tmp_path / "boxes")]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": paths})
    return tmp_path / "boxes"


def test_the_real_engine_checks_trains_stops_resumes_and_gives_a_model(trainer, boxes, tmp_path, monkeypatch, dialogs):  # noqa: F811
    monkeypatch.setenv("BRAINFM_HOME", str(tmp_path / "home"))
    ui, module = trainer.ui, trainer.module
    module.controller.command = None
    module.controller.estimate.makeEngine = module.data.check.makeEngine = EngineProcess
    trainer.choose(boxes, tmp_path / "runs", "real", steps=5000)
    trainer.until(lambda: ui.dataTable.rowCount == 3)
    module_bed.press(ui.dataCheckButton)
    trainer.until(lambda: not module.data.check.running, LONG_S)
    assert "problems" in ui.dataSummaryLabel.text and "boxes" not in trainer.notice
    ui.presetComboBox.currentIndex = 2
    ui.deviceComboBox.currentIndex = [choice.name for choice in module.training._devices].index("cpu")
    module_bed.press(ui.trainingStartButton)
    trainer.until(lambda: bool(TrainerProcess.running()), LONG_S)
    trainer.wait_for_step(2, LONG_S)
    second = TrainerProcess(module.follower.folder, module.training.request().resumeArguments(module.follower.folder))
    trainer.until(lambda: second.outcome is not None, LONG_S)
    assert second.outcome.state == "failed" and "in use for training" in second.outcome.message, second.outcome.details
    module_bed.press(ui.stopButton)
    assert trainer.ended(LONG_S) == "stopped"
    trainer.until(lambda: ui.resumeButton.enabled)
    saved = module.follower.row.seen.state.step
    module_bed.press(ui.resumeButton)
    trainer.until(lambda: bool(TrainerProcess.running()), LONG_S)
    trainer.wait_for_step(saved + 1, LONG_S)
    module_bed.press(ui.stopButton)
    assert trainer.ended(LONG_S) == "stopped", trainer.notice
    lines = [json.loads(line) for line in (tmp_path / "runs" / "real" / "log.jsonl").read_text().splitlines()]
    steps = [line["step"] for line in lines if "loss" in line]
    assert steps == list(range(1, len(steps) + 1)) and len(steps) > saved
    trainer.until(lambda: ui.useButton.enabled)
    dialogs.answer("real")
    module_bed.press(ui.useButton)
    trainer.until(lambda: "new model" in trainer.notice, LONG_S)
    assert [row.name for row in module.manager.list() if row.state == "installed"] == ["real"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows ends processes in another way")
def test_the_real_engine_is_killed_goes_on_and_loses_its_folder(trainer, boxes, tmp_path):  # noqa: F811
    ui, module = trainer.ui, trainer.module
    module.controller.command = None
    module.controller.estimate.makeEngine = EngineProcess
    run = tmp_path / "runs" / "real"
    trainer.choose(boxes, tmp_path / "runs", "real", steps=5000)
    ui.presetComboBox.currentIndex = 2
    ui.deviceComboBox.currentIndex = [choice.name for choice in module.training._devices].index("cpu")
    module_bed.press(ui.trainingStartButton)
    trainer.until(lambda: bool(TrainerProcess.running()), LONG_S)
    trainer.wait_for_step(3, LONG_S)
    trainer.until(lambda: "processor" in ui.resourcesLabel.text and "GB" in ui.resourcesLabel.text, LONG_S)
    os.kill(module.follower.row.seen.state.pid, signal.SIGKILL)
    trainer.until(lambda: "ended the engine" in trainer.notice, LONG_S)
    trainer.until(lambda: trainer.states() == {"real": "died"} and ui.resumeButton.enabled)
    ui.dataFolderEdit.currentPath = ""
    reached = module.follower.facts.step
    module_bed.press(ui.resumeButton)
    trainer.until(lambda: bool(TrainerProcess.running()), LONG_S)
    trainer.until(lambda: module.follower.row.alive and module.follower.row.seen.state.state == "running", LONG_S)
    trainer.until(lambda: (module.follower.facts.step or 0) > reached, LONG_S)
    steps = module.follower.curves.points("loss")[0]
    assert steps.tolist() == list(range(1, len(steps) + 1)), "no step is shown twice"
    delete(run)
    trainer.until(lambda: not TrainerProcess.running(), LONG_S)
    trainer.until(lambda: "was deleted or moved" in trainer.notice)
    trainer.until(lambda: not trainer.states())
    assert not run.exists(), "nothing is made again"


def test_the_real_preview_and_a_picture_of_the_module(trainer, boxes, tmp_path, screenshot, dialogs):  # noqa: F811
    """Samples of the sample head; the same seed gives the same. Then a short training, for the screenshot."""
    ui, module = trainer.ui, trainer.module
    module.controller.command = None
    module.controller.estimate.makeEngine = EngineProcess
    module.preview.worker.makeEngine = lambda: EngineProcess(finalEvent="")
    ui.seedLockButton.checked = ui.outlineCheckBox.checked = True
    ui.sizeSpinBox.value, ui.samplesSpinBox.value, ui.coronalCheckBox.checked = 96, 3, True
    ui.deviceComboBox.currentIndex = [choice.name for choice in module.training._devices].index("cpu")
    taken = []
    for _round in range(2):
        module_bed.press(ui.generateButton)
        trainer.until(lambda: module.preview.worker.busy)
        trainer.until(lambda: not module.preview.worker.busy and not module.preview.display.busy, LONG_S)
        assert not trainer.notice
        taken.append([slicer.util.arrayFromVolume(SampleViews.sampleNode(index)).copy() for index in range(3)])
    assert all(np.array_equal(first, again) for first, again in zip(*taken, strict=True))
    assert taken[0][0].shape == (96, 96, 96) and not np.array_equal(taken[0][0], taken[0][2])
    dialogs.answer(str(tmp_path / "mine.json"))
    module_bed.press(ui.saveRecipeButton)
    trainer.until(lambda: "The recipe is in" in trainer.notice, LONG_S)
    assert json.loads((tmp_path / "mine.json").read_text())["generator"]["shape"] == [96, 96, 96]
    module_bed.press(ui.noticeCloseButton)
    runs = Path(slicer.app.temporaryPath) / "runs"
    trainer.choose(boxes, runs, "first", steps=60)
    ui.presetComboBox.currentIndex = 2
    module_bed.press(ui.trainingStartButton)
    trainer.until(lambda: bool(TrainerProcess.running()), LONG_S)
    trainer.wait_for_step(30, LONG_S)
    for name in ("preview", "data", "training", "runs"):
        getattr(ui, f"{name}CollapsibleButton").collapsed = name in SCREENSHOT_COLLAPSED
    trainer.pump(timeout_s=0.5)
    path = screenshot("train")
    shutil.rmtree(runs, ignore_errors=True)
    assert path.stat().st_size > 30_000
