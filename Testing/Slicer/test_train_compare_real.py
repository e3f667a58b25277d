"""From a training to a model that BrainFM runs, and beside another one, with the engine itself."""

import json
import os
import subprocess

import module_bed
import pytest
from BrainFMEngine.models.listing import list_facts
from BrainFMLib.EngineCommand import engineEnvironment, pythonExecutable
from BrainFMLib.EngineProcess import EngineProcess
from BrainFMTrainLib import CompareNodes, CompareViews
from BrainFMTrainLib.TrainerProcess import TrainerProcess
from test_train_real import boxes  # noqa: F401
from train_panel import trainer  # noqa: F401

pytestmark = pytest.mark.gui
LONG_S = 240
MAKE_PHANTOM = """
import sys
import numpy as np
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.image.write import write_image
away = np.sqrt(sum(axis**2 for axis in np.meshgrid(*[np.linspace(-1, 1, 24)] * 3)))
grid = Grid((24,) * 3, np.diag([8.0, 8, 8, 1]))
write_image(sys.argv[1], np.clip(1.1 - away, 0, None).astype(np.float32) * 600, grid)
"""


def engine(*words: object) -> subprocess.CompletedProcess:
    """Run the engine as a user does at a shell."""
    command = [pythonExecutable(), *(str(word) for word in words)]
    environment = {**os.environ, **engineEnvironment()}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_quick_training_becomes_a_model_with_a_card_that_runs_and_is_compared(
    trainer,  # noqa: F811
    boxes,  # noqa: F811
    tmp_path,
    monkeypatch,
    dialogs,
):
    monkeypatch.setenv("BRAINFM_HOME", str(tmp_path / "home"))
    ui, module = trainer.ui, trainer.module
    module.controller.command = None
    module.controller.estimate.makeEngine = module.compare.run.makeEngine = EngineProcess
    trainer.choose(boxes, tmp_path / "runs", "quick one", steps=2)
    ui.presetComboBox.currentIndex = 2
    ui.deviceComboBox.currentIndex = [choice.name for choice in module.training._devices].index("cpu")
    module_bed.press(ui.trainingStartButton)
    trainer.until(lambda: bool(TrainerProcess.running()), LONG_S)
    assert trainer.ended(LONG_S) == "finished", trainer.notice
    trainer.until(lambda: ui.useButton.enabled)
    for title in ("My first network", "My first network"):
        dialogs.answer(title)
        module_bed.press(ui.useButton)
        trainer.until(lambda: "new model" in trainer.notice, LONG_S)
        assert not module.manager.busy
        module_bed.press(ui.noticeCloseButton)
    rows = {row.name: row for row in module.manager.list() if row.state == "installed"}
    assert {name: row.title for name, row in rows.items()} == {
        "my-first-network": "My first network",
        "my-first-network-2": "My first network 2",
    }
    card = dict(rows["my-first-network"].card)
    assert card["recipe"] == "brainfm (quick)" and card["steps"] == "2 of 2" and card["seed"]
    assert card["trained_on"] == "2 subjects of the data set boxes" and "loss" in card["scores"]
    assert "not recorded" in card["licence"] and "Research use only" in card["use"] and card["date"]
    assert str(tmp_path) not in json.dumps(card)
    told = engine("-m", "BrainFMEngine", "models", "show", "my-first-network").stdout
    assert "# My first network" in told and "Research use only" in told
    scan, results = tmp_path / "phantom.nii", tmp_path / "out"
    assert engine("-c", MAKE_PHANTOM, scan).returncode == 0
    asked = ("predict", scan, "-o", results, "--model", "my-first-network", "--device", "cpu", "--tasks", "t1,seg")
    predicted = engine("-m", "BrainFMEngine", *asked)
    assert predicted.returncode == 0 and (results / "phantom" / "phantom_dseg.nii.gz").exists(), predicted.stderr
    _compare(trainer)


def _compare(trainer) -> None:  # noqa: F811
    """The new model beside the run's last weights, on the subject that was held out."""
    ui, panel = trainer.ui, trainer.module.compare
    ui.compareCollapsibleButton.collapsed = False
    titles = lambda box: [box.itemText(index) for index in range(box.count)]  # noqa: E731
    trainer.until(lambda: any("last weights" in title for title in titles(ui.compareFirstComboBox)))
    first, second = titles(ui.compareFirstComboBox), titles(ui.compareSecondComboBox)
    ui.compareFirstComboBox.currentIndex = first.index("My first network")
    ui.compareSecondComboBox.currentIndex = next(n for n, title in enumerate(second) if "last weights" in title)
    trainer.until(lambda: "third (validation)" in titles(ui.compareSubjectComboBox))
    ui.compareInputComboBox.currentIndex = titles(ui.compareInputComboBox).index("painted like T1")
    module_bed.press(ui.compareButton)
    trainer.until(lambda: not panel.run.running, LONG_S)
    trainer.until(lambda: CompareViews.isShown() or bool(trainer.notice))
    assert not trainer.notice and ui.compareScoresTable.rowCount >= 3
    same = [row.difference for row in panel.result.scores]
    assert max(abs(value) for value in same) < 1e-2  # the same weights, once rounded to half precision
    nodes = [CompareNodes.nodeOf(column, "dseg") for column in ("first", "second", "reference")]
    assert all(node.GetImageData().GetDimensions() == (40, 36, 38) for node in nodes)


def test_the_choices_are_those_of_the_engine():
    """The painted inputs that the form offers are those that the engine knows."""
    from BrainFMTrainLib.CompareChoices import inputChoices
    from BrainFMTrainLib.DatasetRows import SubjectRow

    known = engine("-c", "from BrainFMEngine.evaluation.synthetic import KINDS; print(','.join(KINDS))").stdout.strip()
    if not known:
        pytest.skip("no PyTorch here (name a Python that has it in BRAINFM_PYTHON)")
    offered = [choice.name for choice in inputChoices(SubjectRow("a", labels=True, contrasts=("T2",)))]
    assert offered == ["real T2", *(f"synthetic {kind}" for kind in known.split(","))]


def test_what_comes_with_brainfm_has_a_card():
    """Also without a training."""
    card = next(dict(facts.card) for facts in list_facts() if facts.name == "compact")
    assert card["licence"] == "Apache-2.0" and "T1w" in card["makes"] and card["weights"].startswith("SHA-256")
