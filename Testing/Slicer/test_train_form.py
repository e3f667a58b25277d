"""The form of BrainFMTrain's section "Training": what is chosen, what is changed, and what cannot be."""

import json

import module_bed
import pytest
import qt
from BrainFMTrainLib.RecipeFields import RecipeField
from train_panel import dataset, trainer  # noqa: F401

pytestmark = pytest.mark.gui


def choose(combo, name, choices) -> None:
    """Choose the row of a name."""
    combo.currentIndex = [choice.name for choice in choices].index(name)


def choose_recipe(trainer, recipe, preset="compact"):  # noqa: F811
    panel = trainer.module.training
    choose(trainer.ui.recipeComboBox, recipe, panel._recipes)
    choose(trainer.ui.presetComboBox, preset, panel._presets)


def told(trainer) -> bool:  # noqa: F811
    """Wait until the engine has told of the recipe that is chosen."""
    state = trainer.module.training.state
    return trainer.pump(lambda: state.description is not None and not state.worker.busy and not state.waiting, 10)


def words(trainer) -> list[str]:  # noqa: F811
    """What training would be started with."""
    return trainer.module.training.request().arguments()


def test_the_description_of_the_recipe_takes_the_place_of_its_text(trainer):  # noqa: F811
    label = trainer.ui.recipeHelpLabel
    trainer.ui.trainingCollapsibleButton.collapsed = False
    trainer.pump(lambda: label.isVisible() and label.height == label.heightForWidth(label.width), 2)
    assert label.isVisible() and label.height == label.heightForWidth(label.width)


def test_defaults_are_shown_and_changes_marked_until_reset(trainer, dataset, tmp_path):  # noqa: F811
    ui = trainer.ui
    trainer.choose(dataset, tmp_path)
    assert told(trainer)
    assert ui.stepsEdit.placeholderText == "20 000" and ui.learningRateEdit.placeholderText == "0.0005"
    assert ui.trainingSizeEdit.placeholderText == "128 × 160 × 128" and not [w for w in words(trainer) if w == "--set"]
    ui.learningRateEdit.text, ui.trainingSizeEdit.text, ui.patienceEdit.text = "1e-4", "96", "5"
    ui.precisionComboBox.currentIndex = 1
    assert told(trainer)
    expected = {"optimizer.learning_rate=0.0001", "generator.shape=[96, 96, 96]", "validation.patience=5"}
    assert expected | {'precision="fp32"'} <= set(words(trainer)) and "--follow" in words(trainer)
    assert "bold" in ui.learningRateLabel.styleSheet and not ui.stepsLabel.styleSheet
    assert "4 changed" in ui.settingsCollapsibleButton.text
    module_bed.press(ui.resetSettingsButton)
    assert told(trainer)
    assert "--set" not in words(trainer) and ui.trainingSizeEdit.text == "" and ui.precisionComboBox.currentIndex == 0
    assert not ui.learningRateLabel.styleSheet and "as the recipe" in ui.settingsCollapsibleButton.text


def test_what_is_the_recipes_own_is_no_change(trainer):  # noqa: F811
    assert told(trainer)
    trainer.ui.stepsEdit.text = "20 000"
    assert not trainer.module.training.state.changes
    choose_recipe(trainer, "brainfm", "quick")
    assert trainer.pump(lambda: trainer.ui.stepsEdit.placeholderText == "20", 10)


def test_wrong_values_are_said_in_words_before_and_by_the_engine(trainer, dataset, tmp_path):  # noqa: F811
    trainer.choose(dataset, tmp_path)
    trainer.ui.stepsEdit.text = "many"
    assert "“many” is not a number" in trainer.ui.trainingStatusLabel.text
    assert not trainer.ui.trainingStartButton.enabled and "bold" in trainer.ui.stepsLabel.styleSheet
    trainer.ui.stepsEdit.text = "1.5"
    assert "whole number" in trainer.ui.trainingStatusLabel.text
    trainer.ui.stepsEdit.text = ""
    assert trainer.ui.trainingStartButton.enabled and not trainer.ui.stepsLabel.styleSheet
    trainer.ui.trainingSamplesEdit.text = "0"
    trainer.until(lambda: "Give 1 or more" in trainer.ui.trainingStatusLabel.text)
    assert not trainer.ui.trainingStartButton.enabled and not trainer.ui.estimateButton.enabled
    trainer.ui.trainingSamplesEdit.text = "2"
    trainer.until(lambda: trainer.ui.trainingStartButton.enabled)


def test_an_adaptation_asks_for_its_model_right_there(trainer, dataset, tmp_path):  # noqa: F811
    ui, panel = trainer.ui, trainer.module.training
    trainer.choose(dataset, tmp_path)
    choose_recipe(trainer, "adapt-segmentation", "paper")
    assert ui.startLabel.text == "Adapts:" and "adapts a model: choose which" in ui.trainingStatusLabel.text
    assert told(trainer) and "choose a model" in ui.startComboBox.itemText(0)
    choose(ui.startComboBox, "compact", panel.start._choices)
    assert not ui.trainingStatusLabel.text and words(trainer)[words(trainer).index("--start") + 1] == "compact"
    ui.startComboBox.currentIndex = 1
    assert "From scratch" in ui.trainingStatusLabel.text and not ui.trainingStartButton.enabled
    choose_recipe(trainer, "adapt-segmentation", "quick")
    assert told(trainer)
    choose_recipe(trainer, "brainfm")
    assert ui.startLabel.text == "Begins with:" and "start.model=null" in words(trainer)
    ui.startComboBox.currentIndex = 0
    choose_recipe(trainer, "adapt-segmentation")
    trainer.until(lambda: "(compact)" in ui.startComboBox.itemText(0) and ui.trainingStartButton.enabled)


def test_files_folders_and_runs_to_begin_with(trainer, dataset, tmp_path):  # noqa: F811
    ui, panel = trainer.ui, trainer.module.training
    trainer.choose(dataset, tmp_path / "runs")
    choose(ui.startComboBox, "*file", panel.start._choices)
    assert module_bed.shown(ui.startFileEdit) and "Choose the model" in ui.trainingStatusLabel.text
    ui.startFileEdit.currentPath = str(tmp_path / "published.pth")
    assert "imported once" in ui.trainingStatusLabel.text
    choose(ui.startComboBox, "*folder", panel.start._choices)
    ui.startFolderEdit.currentPath = str(tmp_path / "gone")
    assert "There is no" in ui.trainingStatusLabel.text and not module_bed.shown(ui.startFileEdit)
    ui.startFolderEdit.currentPath = str(tmp_path)
    assert words(trainer)[words(trainer).index("--start") + 1] == str(tmp_path)
    choose(ui.startComboBox, "*run", panel.start._choices)
    assert "Choose the model" in ui.trainingStatusLabel.text
    (tmp_path / "runs" / "first" / "model").mkdir(parents=True)
    panel.setRuns([tmp_path / "runs" / "first"])
    assert module_bed.shown(ui.startRunComboBox) and ui.startRunComboBox.currentText == "first"
    assert words(trainer)[words(trainer).index("--start") + 1] == str(tmp_path / "runs" / "first")


def test_brain_age_asks_for_ages(trainer, dataset, tmp_path):  # noqa: F811
    trainer.choose(dataset, tmp_path)
    assert not module_bed.shown(trainer.ui.agesFileEdit)
    choose_recipe(trainer, "brain-age")
    assert module_bed.shown(trainer.ui.agesFileEdit) and "choose the file" in trainer.ui.trainingStatusLabel.text
    trainer.ui.agesFileEdit.currentPath = str(tmp_path / "ages.csv")
    assert "no file of ages" in trainer.ui.trainingStatusLabel.text
    (tmp_path / "ages.csv").write_text("anna 40\n")
    trainer.ui.agesFileEdit.currentPath = ""
    trainer.ui.agesFileEdit.currentPath = str(tmp_path / "ages.csv")
    assert trainer.ui.trainingStartButton.enabled
    assert f"data.ages={json.dumps(str(tmp_path / 'ages.csv'))}" in words(trainer)
    choose_recipe(trainer, "brainfm")
    assert not any(word.startswith("data.ages") for word in words(trainer))


def test_the_form_is_as_it_was_left(trainer, dataset, tmp_path):  # noqa: F811
    from BrainFMTrainLib.Widget import TrainWidget

    trainer.choose(dataset, tmp_path, steps=77)
    choose_recipe(trainer, "cifl", "quick")
    trainer.ui.minutesSpinBox.value = 30
    trainer.ui.precisionComboBox.currentIndex = 3
    before = words(trainer)
    trainer.module.cleanup()
    again = trainer.widget.module = trainer.module = TrainWidget(trainer.ui)
    again.setup.checkOnce()
    trainer.ui.nameEdit.text = "run"
    assert words(trainer) == before and trainer.ui.stepsEdit.text == "77" and '"fp16"' in " ".join(before)


def test_a_run_gives_its_settings_and_a_saved_recipe_comes_back(trainer, dataset, tmp_path, dialogs):  # noqa: F811
    ui, panel = trainer.ui, trainer.module.training
    trainer.choose(dataset, tmp_path / "runs", steps=123)
    dialogs.answer(str(tmp_path / "mine"))
    module_bed.press(ui.saveTrainingRecipeButton)
    trainer.until((tmp_path / "mine.json").is_file)
    assert json.loads((tmp_path / "mine.json").read_text())["changes"] == {"steps": 123}
    dialogs.answer(str(tmp_path / "mine.json"))
    module_bed.press(ui.loadRecipeButton)
    assert not panel.state.changes and words(trainer)[words(trainer).index("--recipe") + 1] == str(
        tmp_path / "mine.json"
    )
    assert panel.useRun(tmp_path / "runs" / "first")
    (tmp_path / "runs" / "first").mkdir(parents=True)
    (tmp_path / "runs" / "first" / "recipe.json").write_text((tmp_path / "mine.json").read_text())
    module_bed.press(ui.useRunSettingsButton)
    assert "Select a run" in ui.trainingStatusLabel.text
    panel.selectedRun = lambda: tmp_path / "runs" / "first"
    module_bed.press(ui.useRunSettingsButton)
    assert panel.request().recipe.endswith("recipe.json") and not module_bed.shown(ui.presetComboBox)


def field(**values) -> RecipeField:
    known = {name: "" for name in RecipeField.__dataclass_fields__}
    numbers = {"kind": "number", "length": None, "optional": False, "choices": (), "minimum": None, "maximum": None}
    return RecipeField(**{**known, **numbers, "title": "It", "value": None, **values})


@pytest.mark.parametrize(
    ("values", "text", "expected"),
    [
        ({}, "1e-4", 1e-4),
        ({}, "0,5", 0.5),
        ({"kind": "integer"}, "20 000", 20_000),
        ({"kind": "integer"}, "9223372036854775807", 2**63 - 1),
        ({"kind": "integer", "length": 3}, "96", [96, 96, 96]),
        ({"kind": "integer", "length": 3}, "96 × 64, 32", [96, 64, 32]),
        ({"kind": "integer", "length": "any"}, "", []),
        ({"length": 2}, "0.9, 0.99", [0.9, 0.99]),
        ({"kind": "boolean"}, "Yes", True),
        ({"kind": "text", "length": "any", "choices": ("T1", "T2")}, "T1, T2", ["T1", "T2"]),
        ({"optional": True}, "none", None),
        ({"optional": True, "otherwise": "follows the severity"}, "follows the severity", None),
        ({"kind": "table", "optional": True}, '{"a": 1}', {"a": 1}),
    ],
)
def test_values_are_read_and_written(values, text, expected):
    row = field(**values)
    assert row.parse(text) == expected and type(row.parse(text)) is type(expected)
    assert row.parse(row.text(expected)) == expected


@pytest.mark.parametrize(
    ("values", "text", "says"),
    [
        ({}, "nan", "not a number"),
        ({}, "", "not a number"),
        ({"length": 2}, "1", "2 values"),
        ({"kind": "integer"}, "1.5", "whole number"),
        ({"kind": "integer"}, "20,000", "write 20000"),
        ({"kind": "integer"}, "1.000.000", "write 1000000"),
        ({"kind": "boolean"}, "maybe", "yes or no"),
        ({"kind": "choice", "choices": ("multistep", "cosine")}, "multistp", "'multistep'"),
        ({"kind": "table"}, "[1]", "JSON"),
    ],
)
def test_values_that_mean_nothing_are_explained(values, text, says):
    with pytest.raises(ValueError, match=says):
        field(**values).parse(text)


@pytest.mark.parametrize("kind", [qt.QEvent.KeyPress])
def test_typing_in_a_field_leaves_the_text_alone(trainer, kind):  # noqa: F811
    assert told(trainer)
    edit = trainer.ui.stepsEdit
    trainer.ui.settingsCollapsibleButton.collapsed = False
    edit.setFocus()
    for character in "20000":
        qt.QApplication.sendEvent(edit, qt.QKeyEvent(kind, qt.Qt.Key_0, qt.Qt.NoModifier, character))
    assert trainer.module.training.state.changes.get("steps", 20_000) == 20_000
    assert edit.text in ("20000", "")
