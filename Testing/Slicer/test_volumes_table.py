"""The table of volumes and the quality report, and their export."""

import csv
import os

import pytest
from BrainFMEngine.errors import FileAccessError
from BrainFMLib.QualityReport import QCReport
from BrainFMLib.VolumesTable import asText, exportCsv, rowsOf
from result_folder import FINDINGS, STRUCTURES, ResultFolder
from scene_results import add_scan, import_results

pytestmark = pytest.mark.scene


@pytest.fixture
def found(scene, tmp_path):
    scan = add_scan(ResultFolder(tmp_path).affine)
    return import_results(ResultFolder(tmp_path).write({"seg"}), scan)


def test_rows_are_structures_and_the_total(found):
    rows = rowsOf(found.get("volumes"))
    assert [row.name for row in rows] == [*STRUCTURES.values(), "WM-hypointensities", "Intracranial-Total"]
    assert [row.id for row in rows] == [*STRUCTURES, 77, None]
    inside = sum(row.labelled_ml for row in rows[:-1] if row.id < 900)
    assert rows[-1].labelled_ml == pytest.approx(inside, abs=0.05) and rows[-1].qc == "ok"
    by_name = {row.name: row for row in rows}
    assert by_name["Left-Hippocampus"].qc == "check" and by_name["Left-Hippocampus"].confidence == 0.41
    assert by_name["WM-hypointensities"].qc == "check" and by_name["WM-hypointensities"].confidence is None


def test_the_table_node_is_made_to_be_read(found):
    node = found.get("volumes")
    assert [node.GetColumnName(i) for i in range(6)] == [
        "Structure",
        "Volume",
        "Labelled",
        "Confidence",
        "QC",
        "FreeSurfer id",
    ]
    assert node.GetColumnTitle("Volume") == "Volume" and node.GetColumnUnitLabel("Volume") == "ml"
    assert node.GetUseColumnTitleAsColumnHeader() and node.GetColumnDescription("QC")
    cells = [node.GetCellText(node.GetNumberOfRows() - 2, column) for column in range(6)]
    assert cells == ["WM-hypointensities", "0", "0", "–", "check", "77"]
    assert node.GetCellText(0, 1) == f"{round(rowsOf(node)[0].volume_ml, 2):g}"


def test_text_and_csv_say_the_same(found, tmp_path):
    exportCsv(found.get("volumes"), tmp_path / "ä.csv")
    with (tmp_path / "ä.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Structure", "Volume (ml)", "Labelled (ml)", "Confidence", "QC", "FreeSurfer id"]
    assert rows[4][0] == "Left-Hippocampus" and rows[4][3:] == ["0.41", "check", "17"]
    assert rows[-1][0] == "Intracranial-Total" and rows[-1][5] == ""
    assert [line.split("\t") for line in asText(found.get("volumes")).splitlines()] == rows
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ""] == ["ä.csv"]


def test_a_failed_export_leaves_the_old_file(found, tmp_path, monkeypatch):
    target = tmp_path / "out.csv"
    target.write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(FileAccessError, match="No space left"):
        exportCsv(found.get("volumes"), target)
    assert target.read_text() == "old" and [path.name for path in tmp_path.glob("*.*")] == ["out.csv"]
    with pytest.raises(FileAccessError):
        exportCsv(found.get("volumes"), tmp_path / "missing" / "out.csv")


@pytest.mark.parametrize("text", ["", "index,name\n1,a\n", "id,name,soft_mm3,hard_mm3,confidence\n2,a,x,1,0.5\n"])
def test_another_table_is_refused(scene, tmp_path, text):
    results = ResultFolder(tmp_path).write({"seg"})
    results.path("volumes.csv").write_text(text)
    with pytest.raises(FileAccessError, match="volumes.csv"):
        import_results(results, None)


def test_the_quality_report_can_be_read_by_people_and_panels(found):
    node = found.get("qc")
    report = QCReport.of(node)
    assert report.verdict == "check" and list(report.findings) == FINDINGS
    assert report.measurements == {"brain_volume_l": 1.25, "left_right_ratio": 0.99, "folded_fraction": None}
    text = node.GetText()
    assert text.startswith(report.headline) and "- A doubt of the reader.\n" in text
    assert text.count("21 cm²") == 1 and "brain_volume_l: 1.25" in text and "folded" not in text


def test_no_report_in_other_nodes(found, scene):
    assert QCReport.of(None) is None and QCReport.of(scene.AddNewNodeByClass("vtkMRMLTextNode")) is None
    found.get("qc").SetAttribute("BrainFM.QC", "{}")
    assert QCReport.of(found.get("qc")) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"verdict": "good", "findings": [], "warnings": [], "measurements": {}}']
)
def test_a_damaged_report_is_refused(scene, tmp_path, text):
    results = ResultFolder(tmp_path).write({"seg"})
    results.path("qc.json").write_text(text)
    with pytest.raises(FileAccessError, match="qc.json"):
        import_results(results, None)
