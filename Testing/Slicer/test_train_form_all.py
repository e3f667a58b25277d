"""The window "All settings", with a stand-in and with the engine itself, and the recipe files that it writes."""

import json
import os
import subprocess
import sys

import module_bed
import pytest
import qt
from BrainFMLib.EngineCommand import engineCommand, engineEnvironment, pythonExecutable
from BrainFMLib.EngineProcess import EngineProcess
from BrainFMTrainLib.TrainerProcess import TrainerProcess
from test_train_real import boxes  # noqa: F401
from train_panel import dataset, trainer  # noqa: F401

pytestmark = pytest.mark.gui
LONG_S = 60


class Window:
    """The window, driven as a user does it."""

    def __init__(self, trainer, timeout_s=10):  # noqa: F811
        self.trainer, self.panel = trainer, trainer.module.training
        module_bed.press(trainer.ui.allSettingsButton)
        self.window = self.panel.buttons.window
        self.ui, self.timeout_s = self.window.ui, timeout_s
        self.settle()

    def settle(self):
        """Wait until the engine has answered and all rows are there."""
        state = self.panel.state
        done = lambda: state.description and not state.waiting and not state.worker.busy and not self.window.filling  # noqa: E731
        assert self.trainer.pump(done, self.timeout_s), (state.problem, self.problem)

    def set(self, path, text):
        """Choose a row and write its value."""
        self.window.select(path)
        if module_bed.shown(self.ui.valueComboBox):
            texts = [self.ui.valueComboBox.itemText(row) for row in range(self.ui.valueComboBox.count)]
            self.ui.valueComboBox.currentIndex = texts.index(text)
        else:
            self.ui.valueEdit.text = text
            module_bed.key(self.ui.valueEdit, qt.Qt.Key_Return)

    def row(self, path):
        """Texts of a row, and whether it is marked."""
        item = self.window._items[path]
        return item.text(1), item.text(2), item.font(0).bold()

    def paths(self):
        """Rows that are shown."""
        return [path for path, item in self.window._items.items() if not item.isHidden()]

    @property
    def problem(self):
        return self.ui.problemLabel.text


def test_every_value_is_there_with_its_explanation_and_can_be_changed(trainer, dataset, tmp_path):  # noqa: F811
    trainer.choose(dataset, tmp_path)
    window = Window(trainer)
    assert window.row("steps") == ("20 000", "20 000", False) and window.row("objective.weights.T1")[0] == "5"
    window.set("steps", "2000")
    window.set("checkpointing", "yes")
    window.settle()
    assert window.row("steps") == ("2000", "20 000", True) and "What steps means" not in window.ui.helpLabel.text
    assert "What checkpointing means." in window.ui.helpLabel.text and "The recipe says no." in window.ui.helpLabel.text
    assert window.row("schedule.decay_steps")[0] == "1000", "follows the steps"
    assert trainer.ui.stepsEdit.text == "2000" and "2 changed" in trainer.ui.settingsCollapsibleButton.text
    arguments = window.panel.request().arguments()
    assert "steps=2000" in arguments and "checkpointing=true" in arguments
    trainer.ui.stepsEdit.text = "300"
    window.settle()
    assert window.row("steps")[0] == "300"
    window.window.select("steps")
    module_bed.press(window.ui.resetValueButton)
    assert window.row("steps") == ("20 000", "20 000", False) and trainer.ui.stepsEdit.text == ""
    module_bed.press(window.ui.resetAllButton)
    assert not window.panel.state.changes and window.row("checkpointing")[0] == "no"


def test_the_window_is_full_although_the_engine_has_told_long_before(trainer, dataset, tmp_path):  # noqa: F811
    trainer.choose(dataset, tmp_path)
    state = trainer.module.training.state
    trainer.until(lambda: state.description is not None and not state.waiting and not state.worker.busy)
    module_bed.press(trainer.ui.allSettingsButton)
    window = trainer.module.training.buttons.window
    trainer.until(lambda: window.ui.settingsTree.topLevelItemCount > 0)


def test_wrong_values_are_said_where_they_are_written(trainer):  # noqa: F811
    window = Window(trainer)
    window.set("steps", "soon")
    assert "“soon” is not a number" in window.problem and not window.panel.state.changes
    window.set("samples", "0")
    assert trainer.pump(lambda: "Give 1 or more" in window.problem, 10)
    assert "Give 1 or more" in window.panel.request().recipeProblem()
    window.set("samples", "3")
    assert trainer.pump(lambda: not window.panel.state.problem and not window.problem, 10)


def test_words_find_settings_and_changed_ones_can_be_shown_alone(trainer):  # noqa: F811
    window = Window(trainer)
    everything = window.paths()
    window.ui.findEdit.text = "learning rate"
    assert window.paths() == [] or window.paths() == ["optimizer.learning_rate"]
    window.ui.findEdit.text = "means rate"
    assert window.paths() == ["optimizer.learning_rate"]
    window.ui.findEdit.text = ""
    assert window.paths() == everything
    window.set("seed", "5")
    window.ui.changedOnlyCheckBox.checked = True
    window.settle()
    assert window.paths() == ["seed"]


def test_the_window_goes_with_the_module_and_comes_again(trainer):  # noqa: F811
    window = Window(trainer)
    assert window.window.dialog.visible
    module_bed.press(window.ui.closeButton)
    assert not window.window.dialog.visible
    module_bed.press(trainer.ui.allSettingsButton)
    assert window.window.dialog.visible
    trainer.widget.cleanup()
    assert window.panel.buttons.window is None


def test_without_an_engine_the_window_says_so_and_training_is_not_held_up(trainer, dataset, tmp_path):  # noqa: F811
    state = trainer.module.training.state
    state.worker.stop()
    state.worker.makeEngine = lambda: EngineProcess([sys.executable, "-c", "raise SystemExit(3)"], finalEvent="")
    trainer.choose(dataset, tmp_path, steps=30)
    trainer.ui.recipeComboBox.currentIndex = 1
    module_bed.press(trainer.ui.allSettingsButton)
    problem = trainer.module.training.buttons.window.ui.problemLabel
    trainer.until(lambda: bool(state.worker.fault))
    assert problem.text == state.worker.fault and not state.problem
    assert trainer.ui.trainingStartButton.enabled and "steps=30" in trainer.module.training.request().arguments()


@pytest.fixture
def real(trainer):  # noqa: F811
    """The panel with the engine itself."""
    code = "import importlib.util as util, sys; sys.exit(util.find_spec('torch') is None)"
    if subprocess.run([pythonExecutable(), "-c", code], check=False).returncode:
        pytest.skip("no PyTorch here (name a Python that has it in BRAINFM_PYTHON)")
    worker = trainer.module.training.state.worker
    worker.stop()
    worker.makeEngine = lambda: EngineProcess(finalEvent="")
    trainer.module.training.state.reload()
    return trainer


def shown(*arguments) -> bytes:
    """What `brainfm recipes show` prints."""
    command = [*engineCommand(), "recipes", "show", *arguments]
    return subprocess.run(command, env={**os.environ, **engineEnvironment()}, check=True, capture_output=True).stdout


def test_recipes_of_the_real_engine_go_round_unchanged(real, tmp_path, dialogs, screenshot):
    real.ui.presetComboBox.currentIndex = 2
    window = Window(real, LONG_S)
    assert (
        len(window.paths()) > 150 and window.row("generator.corruption_changes.noise.std")[0] == "follows the severity"
    )
    window.set("steps", "200")
    window.set("schedule.kind", "cosine")
    window.set("generator.corruption_changes.noise.std", "2, 30")
    window.set("objective.weights.registration_grad", "0.5")
    window.set("objective.visible_heads", "T1, T2")
    assert window.row("data.severities")[0] == "0.2, 0.9"
    window.set("data.severities", "none")
    window.settle()
    assert not window.panel.state.problem and window.row("schedule.warm_up_steps")[:2] == ("20", "2")
    window.window.select("schedule.kind")
    assert "What follows the warm-up" in window.ui.helpLabel.text
    window.set("objective.visible_heads", "T1, T22")
    assert "no “T22”" in window.problem and "'T2'" in window.problem
    saved, again = tmp_path / "saved.json", tmp_path / "again.json"
    dialogs.answer(str(saved))
    module_bed.press(window.ui.saveButton)
    assert real.pump(saved.is_file, LONG_S)
    sets = ["steps=200", "schedule.kind=cosine", "generator.corruption_changes.noise.std=[2.0, 30.0]"]
    sets += ["objective.weights.registration_grad=0.5", 'objective.visible_heads=["T1", "T2"]', "data.severities=null"]
    words = [word for change in sets for word in ("--set", change)]
    assert saved.read_bytes() == shown("brainfm", "--preset", "quick", *words, "--follow")
    dialogs.answer(str(saved), str(again))
    module_bed.press(window.ui.loadButton)
    window.settle()
    assert window.row("steps")[:2] == ("200", "200") and not window.panel.state.changes
    module_bed.press(window.ui.saveButton)
    assert real.pump(again.is_file, LONG_S) and again.read_bytes() == saved.read_bytes()
    assert json.loads(again.read_bytes())["generator"]["corruption_changes"] == {"noise": {"std": [2.0, 30.0]}}
    real.ui.settingsCollapsibleButton.collapsed = False
    for name in ("preview", "data", "runs", "compare"):
        getattr(real.ui, f"{name}CollapsibleButton").collapsed = True
    real.pump(timeout_s=0.3)
    assert screenshot("training-form").stat().st_size > 10_000
    if os.environ.get("SLICER_SCREENSHOTS"):
        window.window.dialog.grab().save(os.path.join(os.environ["SLICER_SCREENSHOTS"], "all-settings.png"))


def test_the_real_engine_says_what_does_not_go_together(real, tmp_path):
    real.ui.dataFolderEdit.currentPath = real.ui.runsFolderEdit.currentPath = str(tmp_path)
    window = Window(real, LONG_S)
    window.set("network.num_levels", "8")
    window.set("generator.shape", "64")
    assert real.pump(lambda: "too small" in window.problem, LONG_S)
    assert "too small" in window.panel.request().recipeProblem()
    window.set("generator.shape", "128")
    assert real.pump(lambda: not window.panel.state.problem, LONG_S)


def test_a_training_takes_exactly_the_recipe_that_is_saved_and_gives_it_to_the_next(real, boxes, tmp_path, dialogs):  # noqa: F811
    ui, panel, runs, saved = real.ui, real.module.training, tmp_path / "runs", tmp_path / "saved.json"
    real.module.controller.command = None
    real.module.controller.estimate.makeEngine = EngineProcess
    real.choose(boxes, runs, "first", steps=2)
    ui.presetComboBox.currentIndex = 2
    ui.deviceComboBox.currentIndex = [choice.name for choice in panel._devices].index("cpu")
    ui.learningRateEdit.text, ui.validationEdit.text = "2e-4", "0"
    dialogs.answer(str(saved))
    module_bed.press(ui.saveTrainingRecipeButton)
    assert real.pump(saved.is_file, LONG_S)
    real.start()
    assert real.ended(2 * LONG_S) == "finished" and not TrainerProcess.running(), real.notice
    assert (runs / "first" / "recipe.json").read_bytes() == saved.read_bytes()
    module_bed.press(ui.useRunSettingsButton)
    assert real.pump(lambda: ui.stepsEdit.placeholderText == "2" and not panel.state.changes, LONG_S)
    ui.recipeComboBox.currentIndex = 5
    ui.presetComboBox.currentIndex = 1
    panel.setRuns([runs / "first"])
    ui.startComboBox.currentIndex = ui.startComboBox.count - 1
    assert real.pump(lambda: panel.state.followed.get("network.f_maps") == 8, LONG_S), panel.state.problem
    assert not panel.request().problem() and panel.state.followed["start.model"] == str(runs / "first" / "model")
