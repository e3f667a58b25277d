"""The ranges of the generator in the form of BrainFMTrain: shown, changed, refused, found, reset."""

import json

import module_bed
import pytest
import qt
import slicer
from BrainFMTrainLib.GeneratorRanges import GeneratorRanges
from harness import bed
from train_panel import trainer  # noqa: F401

pytestmark = pytest.mark.gui
NOISE, MEAN, LOW_FIELD = "corruption.noise.std", "contrast.mean", "corruption.resolution.low_field_probability"
KEEP, THIN, REMOVE = (f"extracerebral.{name}_probability" for name in ("keep", "thin", "remove"))
COUNT = 12


@pytest.fixture
def rows(trainer):  # noqa: F811
    """The rows, once the panel was opened."""
    assert trainer.module.preview.ranges.rows == {}
    trainer.ui.rangesCollapsibleButton.collapsed = False
    trainer.until(lambda: len(trainer.module.preview.ranges.rows) == COUNT)
    trainer.until(lambda: not trainer.ui.rangesStateLabel.text)
    return trainer.module.preview.ranges.rows


@pytest.fixture
def open_rows(trainer, rows):  # noqa: F811
    """The rows with every group open: a closed group takes no clicks."""
    for box in trainer.module.preview.ranges._boxes.values():
        box.widget.collapsed = False
    return rows


def write(row, *texts):
    """Type into the fields of a row."""
    for field, text in zip(row.fields, texts, strict=True):
        field.selectAll()
        field.insert(text)
        if not text:
            field.text = ""
        field.textEdited.emit(text)


def texts(row):
    return [str(field.text) for field in row.fields]


def options(trainer):  # noqa: F811
    return trainer.module.preview.request().get("options", {})


def test_what_is_changed_stands_out_and_is_asked_for(trainer, open_rows):  # noqa: F811
    row = open_rows[MEAN]
    assert texts(row) == ["25", "225"] and options(trainer) == {} and not row.reset.enabled
    write(row, "40", "200")
    assert options(trainer) == {MEAN: [40.0, 200.0]}
    assert row.title.startswith("●") and row._title.font.bold() and row.reset.enabled
    assert "It was: 25–225 (0–255)" in row.fields[0].toolTip and "1 changed" in trainer.ui.rangesCollapsibleButton.text
    write(row, "25", "225")
    assert options(trainer) == {} and not row.title.startswith("●") and "Default: 25–225" in row.fields[0].toolTip


def test_defaults_follow_the_severity_and_changes_do_not(trainer, open_rows):  # noqa: F811
    row, ui = open_rows[NOISE], trainer.ui
    assert texts(row) == ["", ""] and row.fields[0].placeholderText == "0.01 … 5"
    module_bed.press(ui.mediumButton)
    assert texts(row) == ["0.5", "5"] and "mild 0.01–1 (0–255), medium 0.5–5" in row.fields[0].toolTip
    ui.severitySlider.value = 0.5  # half-way between mild and medium
    assert texts(row) == ["0.255", "3"]
    write(row, "2", "30")
    module_bed.press(ui.severeButton)
    assert texts(row) == ["2", "30"] and options(trainer) == {NOISE: [2.0, 30.0]}
    module_bed.press(row.reset)
    assert texts(row) == ["5", "15"] and options(trainer) == {}


WRONG = [
    (MEAN, ("200", "40"), "the lowest, 200, is above the highest, 40"),
    (MEAN, ("1", "many"), "“many” is no number"),
    (MEAN, ("1", "300"), "can be 0 to 255, not 300"),
    (MEAN, ("1", "nan"), "can be 0 to 255, not nan"),
    (MEAN, ("", "3"), "a number is missing"),
    ("pathology.cells", ("2.5",), "“2.5” is no whole number"),
    (KEEP, ("0.7",), "add up to 1.2; they have to add up to 1"),
    (LOW_FIELD, ("0.9",), "add up to 1.15; that cannot be more than 1"),
]


def test_what_cannot_be_is_said_at_once(trainer, rows):  # noqa: F811
    ui = trainer.ui
    module_bed.press(ui.mildButton)  # a change holds at every severity, so it has to be possible at every one
    for path, written, words in WRONG:
        write(rows[path], *written)
        assert words in ui.rangesStateLabel.text and module_bed.shown(ui.rangesStateLabel)
        assert words in ui.previewProblemLabel.text
        assert not ui.generateButton.enabled and not ui.saveRecipeButton.enabled
        module_bed.press(ui.rangesResetButton)
        assert not ui.rangesStateLabel.text and ui.generateButton.enabled and not ui.previewProblemLabel.text
        assert options(trainer) == {}


def test_probabilities_that_add_up_again_are_fine(trainer, rows):  # noqa: F811
    for path, text in ((KEEP, "0,7"), (THIN, "0.2"), (REMOVE, "0.1")):
        write(rows[path], text)
    assert trainer.ui.generateButton.enabled
    assert options(trainer) == {KEEP: 0.7, THIN: 0.2, REMOVE: 0.1}


def test_every_kind_of_value_can_be_changed(trainer, open_rows):  # noqa: F811
    open_rows["deformation.velocity.integrate"].fields[0].checked = False
    open_rows["pathology.sign_rule"].fields[0].currentIndex = 2
    open_rows["pathology.sign_rule"].fields[0].activated.emit(2)
    write(open_rows["deformation.affine.shift_mm"], "1", "2", "3")
    write(open_rows["extracerebral.clusters"], "3", "4")
    wanted = {"deformation.velocity.integrate": False, "pathology.sign_rule": "darker"}
    wanted |= {"deformation.affine.shift_mm": [1.0, 2.0, 3.0], "extracerebral.clusters": [3, 4]}
    assert options(trainer) == wanted
    module_bed.press(open_rows["pathology.sign_rule"].reset)
    assert open_rows["pathology.sign_rule"].fields[0].currentText == "contrast"


def test_a_group_and_everything_can_be_reset(trainer, open_rows):  # noqa: F811
    write(open_rows[MEAN], "40", "200")
    write(open_rows[KEEP], "0.7")
    write(open_rows[THIN], "0.2")
    boxes = trainer.module.preview.ranges._boxes
    assert "2 changed" in boxes["surroundings"].widget.title and module_bed.shown(boxes["surroundings"].reset)
    module_bed.press(boxes["surroundings"].reset)
    assert options(trainer) == {MEAN: [40.0, 200.0]} and texts(open_rows[KEEP]) == ["0.5"]
    module_bed.press(trainer.ui.rangesResetButton)
    assert options(trainer) == {} and texts(open_rows[MEAN]) == ["25", "225"]


def test_ranges_are_found_by_words(trainer, rows):  # noqa: F811
    boxes = trainer.module.preview.ranges._boxes
    assert all(box.widget.collapsed for box in boxes.values())
    trainer.ui.rangesFilterEdit.text = "grey DEVIATION"
    shown = {path for path, row in rows.items() if not row.hidden}
    assert shown == {NOISE}
    assert [name for name, box in boxes.items() if not box.widget.collapsed and module_bed.shown(box.widget)] == [
        "noise"
    ]
    trainer.ui.rangesFilterEdit.text = ""
    assert not any(row.hidden for row in rows.values()) and all(box.widget.collapsed for box in boxes.values())
    write(rows[MEAN], "40", "200")
    trainer.ui.rangesChangedCheckBox.checked = True
    assert {path for path, row in rows.items() if not row.hidden} == {MEAN}


def test_a_changed_range_makes_shown_samples_anew(trainer, rows):  # noqa: F811
    preview, sent = trainer.module.preview, []
    module_bed.press(trainer.ui.generateButton)
    trainer.until(lambda: preview.requests.busy)
    trainer.until(lambda: not preview.requests.busy)
    original = preview.worker.ask
    preview.worker.ask = lambda request, device: (sent.append(request), original(request, device))
    write(rows[MEAN], "40", "200")
    trainer.until(lambda: bool(sent) and not preview.requests.busy)
    assert sent[0]["options"] == {MEAN: [40.0, 200.0]} and sent[0]["seed"] == trainer.ui.previewSeedSpinBox.value


def test_changes_are_in_the_recipe_that_is_saved(trainer, rows, tmp_path, dialogs):  # noqa: F811
    write(rows[NOISE], "2", "30")
    dialogs.answer(str(tmp_path / "mine.json"))
    module_bed.press(trainer.ui.saveRecipeButton)
    trainer.until(lambda: "The recipe is in" in trainer.notice)
    assert json.loads((tmp_path / "mine.json").read_text())["options"] == {NOISE: [2.0, 30.0]}


def test_without_the_setup_the_ranges_wait_for_it(trainer):  # noqa: F811
    health = trainer.module.setup.dependencies.health
    trainer.module.setup.dependencies.health = None
    trainer.ui.rangesCollapsibleButton.collapsed = False
    trainer.until(lambda: "Complete the setup" in trainer.ui.rangesStateLabel.text)
    trainer.module.setup.dependencies.health = health
    trainer.module.setup.onHealth(health)
    trainer.until(lambda: len(trainer.module.preview.ranges.rows) == COUNT)


def test_what_the_engine_does_not_say_is_told(trainer):  # noqa: F811
    from BrainFMLib.EngineProcess import EngineProcess

    trainer.module.preview.ranges.description.makeEngine = lambda: EngineProcess(["/nowhere/python"], "description")
    trainer.ui.rangesCollapsibleButton.collapsed = False
    trainer.until(lambda: "could not be started" in trainer.ui.rangesStateLabel.text)
    trainer.behave()
    trainer.module.preview.follow()
    trainer.until(lambda: len(trainer.module.preview.ranges.rows) == COUNT)


def test_defaults_between_two_severities_are_those_of_the_generator():
    """Linear between the levels."""
    levels = [{"name": name, "title": name, "value": index / 3} for index, name in enumerate(("clean", "a", "b", "c"))]
    row = {"path": "x", "group": "g", "title": "X", "help": "", "unit": "", "type": "range", "minimum": 0.0}
    row |= {"maximum": 9.0, "choices": [], "follows_severity": True}
    row["defaults"] = {"clean": [0, 0], "a": [0, 1], "b": [1, 3], "c": [2, 6]}
    ranges = GeneratorRanges(
        {"options": [row], "groups": [{"name": "g", "title": "G"}], "severities": levels, "sums": []}
    )
    option = ranges.option("x")
    assert ranges.default(option, 0.5) == pytest.approx([0.5, 2.0]) and ranges.default(option, 1.0) == [2, 6]


def test_changes_are_kept_between_sessions(trainer, rows, open_module):  # noqa: F811
    write(rows[MEAN], "40", "200")
    trainer.ui.severitySlider.value = 0.25
    bed.close_module()
    slicer.mrmlScene.Clear(0)
    slicer.mrmlScene.RemoveNode(slicer.mrmlScene.GetSingletonNode("BrainFMTrain", "vtkMRMLScriptedModuleNode"))
    widget = open_module("BrainFMTrain")
    request = widget.module.preview.request()
    assert request["options"] == {MEAN: [40.0, 200.0]} and request["severity"] == 0.25
    assert "1 changed" in widget.ui.rangesCollapsibleButton.text
    qt.QSettings().setValue("BrainFM/Train/preview/ranges", "no JSON")
    qt.QSettings().setValue("BrainFM/Train/preview/severity", "much")
    widget.cleanup()
