"""The split as a user changes it: moved by the engine, taken back, refused in words."""

from __future__ import annotations

import json

import module_bed
import pytest
from BrainFMEngine.dataset.in_use import learning_from
from BrainFMTrainLib.DatasetRows import SubjectRow, relatives
from data_section import data  # noqa: F401
from train_panel import NAMES, dataset, trainer  # noqa: F401

pytestmark = pytest.mark.gui
TRAINING, VALIDATION, TESTING, LEFT_OUT = range(4)


@pytest.fixture
def people(dataset):  # noqa: F811
    """Anna, who has two scans, Berta and Carla, as the engine writes them."""
    for name in (*NAMES, "anna-2"):
        info = {"name": name, "collection": "C", "person": name.split("-")[0], "sources": {}, "scheme": None}
        (dataset / "subjects" / f"{name}.json").write_text(json.dumps(info | {"shape": [40, 40, 40]}))
    split = {"train": ["anna", "anna-2", "berta"], "validation": ["carla"], "test": [], "excluded": []}
    (dataset / "split.json").write_text(json.dumps(split))
    return dataset


def split_of(folder) -> dict:
    return json.loads((folder / "split.json").read_text())


def move(data, names, part) -> None:  # noqa: F811
    """Select subjects and press Move."""
    table = data.table
    table.clearSelection()
    for row in range(table.rowCount):
        if table.item(row, 0).text() in names:
            for column in range(table.columnCount):
                table.item(row, column).setSelected(True)
    data.ui.dataPartComboBox.currentIndex = part
    assert data.ui.dataMoveButton.enabled
    module_bed.press(data.ui.dataMoveButton)
    data.until(lambda: not data.panel.split.editor.busy)


def test_subjects_are_moved_and_moved_back(data, people):  # noqa: F811
    data.choose(people)
    before, ui = split_of(people), data.ui
    assert not (ui.dataMoveButton.enabled or ui.dataUndoButton.enabled or ui.dataResetButton.enabled)
    move(data, ["berta", "carla"], TESTING)
    assert split_of(people) == {**before, "train": ["anna", "anna-2"], "validation": [], "test": ["berta", "carla"]}
    assert [data.cells(row)[1] for row in range(4)] == ["training", "training", "testing", "testing"]
    assert "Moved: 2" in data.summary and "2 for testing" in data.summary
    move(data, ["carla"], LEFT_OUT)
    assert "Left out: 1" in data.summary
    module_bed.press(ui.dataUndoButton)
    data.until(lambda: not data.panel.split.editor.busy)
    assert split_of(people)["test"] == ["berta", "carla"] and data.cells(3)[1] == "testing"
    module_bed.press(ui.dataResetButton)
    data.until(lambda: not data.panel.split.editor.busy)
    assert split_of(people) == before and not ui.dataResetButton.enabled
    module_bed.press(ui.dataUndoButton)  # of the reset
    data.until(lambda: not data.panel.split.editor.busy)
    assert split_of(people)["test"] == ["berta", "carla"]


def test_all_scans_of_a_person_move_along(data, people):  # noqa: F811
    data.choose(people)
    move(data, ["anna"], TESTING)
    assert split_of(people)["test"] == ["anna", "anna-2"] and "moved along" in data.summary
    move(data, ["anna-2"], LEFT_OUT)
    assert (split_of(people)["test"], split_of(people)["excluded"]) == (["anna"], ["anna-2"])


def test_nobody_is_left_to_train_on(data, people):  # noqa: F811
    data.choose(people)
    before = split_of(people)
    move(data, ["anna", "berta"], VALIDATION)
    assert "nobody would be left to train on" in data.trainer.notice.lower()
    assert split_of(people) == before and data.cells(0)[1] == "training" and not data.ui.dataUndoButton.enabled


def test_a_training_keeps_what_it_reads(data, people):  # noqa: F811
    data.choose(people)
    before = split_of(people)
    with learning_from(people):
        move(data, ["berta"], TESTING)
        assert "is in use for training by process" in data.trainer.notice and split_of(people) == before
    move(data, ["berta"], TESTING)
    assert split_of(people)["test"] == ["berta"] and not data.trainer.notice


def test_the_check_is_kept_and_changes_from_elsewhere_are_seen(data, people):  # noqa: F811
    data.choose(people)
    data.check()
    (people / "split.json").write_text(json.dumps({**split_of(people), "train": ["anna", "anna-2"], "test": ["berta"]}))
    move(data, ["carla"], TRAINING)
    assert split_of(people)["test"] == ["berta"] and data.cells(2)[1] == "testing"
    assert data.cells(0)[9] == "none" and "Nothing is wrong" in data.summary


def test_a_folder_that_is_gone_is_told(data, people):  # noqa: F811
    data.choose(people)
    (people / "dataset.json").unlink()
    move(data, ["berta"], TESTING)
    assert "it has no dataset.json" in data.trainer.notice


def test_who_is_related():
    anna = {"a1": ("train", "C/a"), "a2": ("train", "C/a"), "a3": ("excluded", "C/a")}
    people = {**anna, "b": ("test", "C/b"), "c": ("test", "")}
    rows = [SubjectRow(name, part, person=person) for name, (part, person) in people.items()]
    assert relatives(rows, ["a1"], "test") == ["a2"] and relatives(rows, ["a1"], "excluded") == []
    assert relatives(rows, ["b", "c"], "train") == []
