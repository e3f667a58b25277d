"""Making a data set in the module: looked at, prepared, cancelled, gone on with; failures told by subject."""

from __future__ import annotations

import json
import os

import module_bed
import pytest
from BrainFMTrainLib.Widgets import PreparePanel
from data_section import data  # noqa: F401
from train_panel import trainer  # noqa: F401

pytestmark = pytest.mark.gui


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A FreeSurfer subjects directory of three."""
    monkeypatch.setattr(PreparePanel, "_LOOK_DELAY_MS", 1)
    folder = tmp_path / "köpfe 1"
    for name in ("anna", "berta", "carla"):
        (folder / name / "mri").mkdir(parents=True)
        (folder / name / "mri" / "aseg.mgz").write_bytes(b"")
    (folder / "anna" / "mri" / "T1.mgz").write_bytes(b"")
    return folder


def fill(data, source, output) -> None:  # noqa: F811
    module_bed.press(data.ui.dataPrepareButton)
    data.ui.dataSourceEdit.currentPath, data.ui.dataOutputEdit.currentPath = str(source), str(output)


def run(data) -> None:  # noqa: F811
    """Press Prepare and wait for the end."""
    module_bed.press(data.ui.dataRunButton)
    data.until(lambda: data.panel.prepare.preparation.running)
    data.until(lambda: not data.panel.prepare.preparation.running)
    data.until(lambda: data.panel._reader is None)


def failures(data) -> dict[str, str]:  # noqa: F811
    table = data.ui.dataFailedTable
    return {table.item(row, 0).text(): table.item(row, 1).text() for row in range(table.rowCount)}


def test_the_box_opens_and_says_what_is_missing(data, source, tmp_path):  # noqa: F811
    ui = data.ui
    assert not module_bed.shown(ui.dataPrepareBox)
    module_bed.press(ui.dataPrepareButton)
    assert module_bed.shown(ui.dataPrepareBox) and not ui.dataRunButton.enabled
    assert "Choose the folder with the scans" in ui.dataPrepareStatusLabel.text
    ui.dataSourceEdit.currentPath = str(source / "missing")
    assert "no such folder" in ui.dataSourceFactsLabel.text
    ui.dataSourceEdit.currentPath = ui.dataOutputEdit.currentPath = str(source)
    assert "folder of its own" in ui.dataPrepareStatusLabel.text and not ui.dataRunButton.enabled
    ui.dataOutputEdit.currentPath = "set"
    assert "whole path" in ui.dataPrepareStatusLabel.text and not ui.dataRunButton.enabled
    ui.dataOutputEdit.currentPath = str(tmp_path / "set")
    assert ui.dataRunButton.enabled and not ui.dataPrepareStatusLabel.text
    assert ui.dataProtocolComboBox.currentText.startswith("compact-40")


def test_a_source_is_recognised(data, source, tmp_path):  # noqa: F811
    fill(data, source, tmp_path / "set")
    data.until(lambda: "FreeSurfer" in data.ui.dataSourceFactsLabel.text)
    assert (
        data.ui.dataSourceFactsLabel.text
        == "Recognised: FreeSurfer subjects. Subjects: 3, with label maps: 3; scans: T1 1."
    )
    data.ui.dataLayoutComboBox.currentIndex = 2
    data.until(lambda: "no subject was found" in data.ui.dataSourceFactsLabel.text)
    assert not (tmp_path / "set").exists()


def test_a_data_set_is_made_and_chosen(data, source, tmp_path):  # noqa: F811
    output, seen = tmp_path / "satz ü", set()
    fill(data, source, output)
    original = data.panel.prepare.preparation.onProgress
    data.panel.prepare.preparation.onProgress = lambda fraction, text: (seen.add(text), original(fraction, text))
    data.behave("--delay", 0.1)
    run(data)
    assert any(text.startswith("berta: ") for text in seen)
    assert data.ui.dataPrepareStatusLabel.text == "Subjects in the data set: 3."
    assert data.panel.folder == output and data.table.rowCount == 3 and not data.trainer.notice
    assert data.trainer.module.training.request().dataset == output


def test_the_licence_is_recorded(data, source, tmp_path):  # noqa: F811
    output = tmp_path / "set"
    fill(data, source, output)
    assert "--licence" not in data.panel.prepare.request().arguments()
    data.ui.dataLicenceEdit.text = "  CC BY 4.0 "
    run(data)
    assert json.loads((output / "dataset.json").read_text())["licences"] == {"C": "CC BY 4.0"}


def test_labels_without_a_text_take_no_place(data, source):  # noqa: F811
    ui = data.ui
    module_bed.press(ui.dataPrepareButton)
    assert not module_bed.shown(ui.dataSourceFactsLabel) and module_bed.shown(ui.dataPrepareStatusLabel)
    ui.dataSourceEdit.currentPath = str(source / "missing")
    assert module_bed.shown(ui.dataSourceFactsLabel)


def test_failures_are_listed_and_stay_in_the_table(data, source, tmp_path):  # noqa: F811
    fill(data, source, tmp_path / "set")
    data.behave("--fail", "berta")
    run(data)
    assert failures(data) == {"berta": "its labels are not known."} and module_bed.shown(data.ui.dataFailedTable)
    assert "Subjects in the data set: 2. Failed and left out: 1." in data.ui.dataPrepareStatusLabel.text
    assert data.cells(2)[:2] == ["berta", "not prepared"] and "not known" in data.cells(2)[9]


def test_cancelled_it_leaves_nobody_and_goes_on_when_asked(data, source, tmp_path):  # noqa: F811
    output, ui = tmp_path / "set", data.ui
    fill(data, source, output)
    data.behave("--delay", 0.3)
    module_bed.press(ui.dataRunButton)
    data.until(lambda: (output / "subjects" / "anna.json").exists())
    assert ui.dataRunButton.text == "Cancel" and not ui.dataSourceEdit.enabled
    assert module_bed.shown(ui.dataPrepareProgressBar)
    module_bed.press(ui.dataRunButton)
    data.until(lambda: not data.panel.prepare.preparation.running)
    assert "What is complete stays" in ui.dataPrepareStatusLabel.text and ui.dataRunButton.text == "Prepare"
    assert not (output / "split.json").exists() and data.panel.folder == output
    data.until(lambda: data.panel._reader is None)
    data.behave()
    module_bed.press(ui.dataRunButton)
    assert "There is a data set in" in data.trainer.notice and not data.panel.prepare.preparation.running
    module_bed.press(ui.noticeActionButton)
    data.until(lambda: "There already: " in ui.dataPrepareStatusLabel.text)
    data.until(lambda: data.panel._reader is None and data.table.rowCount == 3)
    assert [data.cells(row)[1] for row in range(3)] == ["training", "training", "validation"]


def test_a_full_disk_is_told_and_what_is_complete_stays(data, source, tmp_path):  # noqa: F811
    fill(data, source, tmp_path / "set")
    data.behave("--full")
    run(data)
    assert "No space left on device" in data.trainer.notice and "free disk space" in data.trainer.notice
    assert data.table.rowCount == 1 and data.panel.folder == tmp_path / "set"


def test_a_folder_with_other_files_is_asked_about(data, source, tmp_path):  # noqa: F811
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "thesis.txt").write_text("mine")
    fill(data, source, tmp_path / "set")
    module_bed.press(data.ui.dataRunButton)
    assert "is not empty" in data.trainer.notice and not data.panel.prepare.preparation.running


def test_leaving_the_module_ends_it(data, source, tmp_path):  # noqa: F811
    fill(data, source, tmp_path / "set")
    data.behave("--delay", 5)
    module_bed.press(data.ui.dataRunButton)
    data.until(lambda: "aligning" in data.ui.dataPrepareStatusLabel.text)
    process = data.panel.prepare.preparation._engine._run.process
    pid = int(process.processId())
    data.trainer.widget.cleanup()
    data.until(lambda: not os.path.exists(f"/proc/{pid}") if os.path.isdir("/proc") else True)
    assert json.loads((tmp_path / "set" / "dataset.json").read_text())
