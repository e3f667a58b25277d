"""The section "Data set" as a user drives it: who is in it, the check, a picture on a click."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import module_bed
import pytest
from BrainFMLib.EngineProcess import Outcome
from BrainFMLib.Widgets.Texts import sentence
from BrainFMTrainLib.DatasetCheck import CheckResult, together
from data_section import data  # noqa: F401
from train_panel import dataset, trainer  # noqa: F401

pytestmark = pytest.mark.gui
PROBLEMS = 9


def test_each_subject_has_a_row_with_what_it_has(data, dataset):  # noqa: F811
    (dataset / "failed.json").write_text(
        json.dumps({"dora": {"message": "its labels are not known", "hint": "Map them"}})
    )
    (dataset / "subjects" / "emil.npz").write_bytes(b"half")
    data.choose(dataset)
    assert data.table.rowCount == 5
    assert data.cells(0) == ["anna", "training", "✓", "✓", "", "", "", "✓", "", ""]
    assert data.cells(2)[:2] == ["carla", "validation"]
    assert data.cells(3)[:2] == ["emil", "not prepared"] and "not finished" in data.cells(3)[PROBLEMS]
    assert data.cells(4)[PROBLEMS] == "⚠ its labels are not known. Map them."
    assert "Subjects: 3; 2 for training, 1 for validation" in data.summary
    assert "Not prepared: 2" in data.summary and "Not checked yet" in data.summary


def test_a_check_tells_problems_needs_and_keeps_them_until_the_folder_changes(data, dataset, tmp_path):  # noqa: F811
    data.behave("--problems")
    data.choose(dataset)
    data.check()
    assert "exchanged" in data.cells(0)[PROBLEMS] and data.cells(1)[PROBLEMS] == "none"
    assert "No subject is for validation" in data.summary
    assert "3.2 GB of subjects" in data.summary and "8.6 GB are free" in data.summary
    data.trainer.module.exit()
    data.trainer.module.enter()
    data.table.selectRow(1)
    assert "exchanged" in data.cells(0)[PROBLEMS]
    data.choose(shutil.copytree(dataset, tmp_path / "copy ü"))
    assert data.cells(0)[PROBLEMS] == "" and "Not checked yet" in data.summary


def test_more_warnings_than_are_passed_on_are_owned_up_to(data, dataset):  # noqa: F811
    data.behave("--warnings", 1200)
    data.choose(dataset)
    data.check()
    assert "more warnings than the 1000" in data.summary and "doubt 999" in data.cells(1)[PROBLEMS]


def test_a_folder_that_may_not_be_read_is_told(data, dataset, monkeypatch):  # noqa: F811
    original = Path.iterdir

    def refuse(path):
        if path.name == "subjects":
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    data.choose(dataset)
    assert data.summary == "The data set cannot be read: Permission denied" and data.table.rowCount == 0


def test_a_check_can_be_cancelled(data, dataset):  # noqa: F811
    data.behave("--delay", 20)
    data.choose(dataset)
    module_bed.press(data.ui.dataCheckButton)
    data.until(lambda: "checking anna" in data.summary)
    assert data.ui.dataCheckButton.text == "Cancel" and module_bed.shown(data.ui.dataProgressBar)
    module_bed.press(data.ui.dataCheckButton)
    data.until(lambda: not data.panel.check.running)
    assert "cancelled" in data.summary and data.ui.dataCheckButton.text == "Check"


def test_a_folder_that_is_deleted_during_the_check_is_told(data, dataset):  # noqa: F811
    data.behave("--delay", 0.3)
    data.choose(dataset)
    module_bed.press(data.ui.dataCheckButton)
    data.until(lambda: "checking anna" in data.summary)
    shutil.rmtree(dataset)
    data.until(lambda: not data.panel.check.running)
    assert "is not there any more" in data.summary
    module_bed.press(data.ui.dataCheckButton)
    assert data.summary == "There is no such folder." and data.table.rowCount == 0
    assert not data.ui.dataCheckButton.enabled


def test_a_damaged_split_and_a_damaged_subject_are_told(data, dataset):  # noqa: F811
    (dataset / "subjects" / "anna.json").write_text("{")
    data.choose(dataset)
    assert "not JSON" in data.cells(0)[PROBLEMS] and data.cells(1)[1] == "training"
    (dataset / "split.json").write_text("{")
    data.choose(dataset.parent)
    data.choose(dataset)
    assert "cannot be read: split.json is not JSON" in data.summary and data.table.rowCount == 0


def test_a_click_shows_a_picture_and_the_latest_click_wins(data, dataset):  # noqa: F811
    data.behave("--delay", 0.2)
    data.choose(dataset)
    assert not module_bed.shown(data.ui.dataPictureLabel)
    asked = []
    original = data.panel.pictures.onPicture
    data.panel.pictures.onPicture = lambda path: (asked.append(path), original(path))
    for row in (0, 1, 2, 1):
        data.table.setCurrentCell(row, 0)
    assert data.ui.dataSubjectLabel.text == "berta: Drawing…"
    data.until(lambda: data.shown_width() == 60)
    time.sleep(0.3)
    data.trainer.pump(timeout_s=0.3)
    assert len(asked) == 1 and data.ui.dataPictureLabel.height >= 40  # it has room
    data.table.setCurrentCell(0, 0)
    data.until(lambda: len(asked) == 2)
    data.table.setCurrentCell(1, 0)
    assert len(asked) == 3 and not data.panel.pictures.running  # it was kept
    folder = asked[0].parent
    data.panel.stop()
    assert not folder.exists()


def test_a_subject_that_cannot_be_drawn_is_a_sentence(data, dataset):  # noqa: F811
    data.behave("--damaged", "berta")
    data.choose(dataset)
    data.table.setCurrentCell(1, 0)
    data.until(lambda: not data.panel.pictures.running)
    assert data.ui.dataSubjectLabel.text == "berta: berta.npz is damaged. Prepare the subject again."
    assert not module_bed.shown(data.ui.dataPictureLabel)
    data.table.setCurrentCell(0, 0)
    data.until(lambda: data.shown_width() == 60)
    data.choose(dataset.parent)
    assert not module_bed.shown(data.ui.dataPictureLabel)


@pytest.mark.parametrize(
    ("header", "said"),
    [("{", "dataset.json is not JSON"), ("[]", "no table of values"), ('{"format_version": 99}', "version 99")],
)
def test_a_header_that_is_none_is_told_when_the_folder_is_chosen(data, dataset, header, said):  # noqa: F811
    (dataset / "dataset.json").write_text(header)
    data.choose(dataset)
    assert said in data.summary and data.table.rowCount == 0


def test_a_file_is_no_folder(data, dataset):  # noqa: F811
    data.choose(dataset / "dataset.json")
    assert "This is a file" in data.summary and not data.ui.dataCheckButton.enabled


def test_a_check_sees_who_has_come_since(data, dataset):  # noqa: F811
    data.choose(dataset)
    record = json.loads((dataset / "subjects" / "anna.json").read_text())
    (dataset / "subjects" / "dora.json").write_text(json.dumps({**record, "name": "dora"}))
    data.check()
    assert data.cells(3)[0] == "dora" and data.cells(3)[PROBLEMS] == "none"


def test_what_is_wrong_with_many_is_said_once():
    missing = [f"{name}: in train of the split, but not in the dataset." for name in "abcde"]
    said = together([*missing, "no subject is for validation.", "x: damaged."])
    assert said[0] == "a, b, c and 2 more: in train of the split, but not in the dataset."
    assert said[1:] == ["no subject is for validation.", "x: damaged."]
    result = CheckResult(Outcome("done"), True, ["dataset.json is odd", "no subject is for validation"], count=2)
    assert "dataset.json is odd. No subject" in result.sentence()


def test_names_of_files_keep_their_letters():
    assert sentence("split.json is not JSON") == "split.json is not JSON."
    assert sentence("/data/ä b is a file.") == "/data/ä b is a file."
    assert sentence("no subject is for training") == "No subject is for training."
