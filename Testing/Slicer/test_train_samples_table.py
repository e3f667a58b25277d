"""The table of what was drawn for each sample."""

import module_bed
import pytest
import qt
from BrainFMTrainLib.Widgets import SampleParameters
from shown_samples import COUNT, generate
from train_panel import trainer  # noqa: F401

pytestmark = pytest.mark.gui


def rows(trainer):  # noqa: F811
    """Texts of the rows that are to be seen."""
    table = trainer.ui.sampleTable
    seen = [row for row in range(table.rowCount) if not table.isRowHidden(row)]
    columns = range(table.columnCount)
    return [[table.item(row, column).text() if table.item(row, column) else "" for column in columns] for row in seen]


def test_rows_are_parameters_by_group_columns_are_samples(trainer):  # noqa: F811
    assert not module_bed.shown(trainer.ui.sampleParametersContents)
    generate(trainer)
    table = trainer.ui.sampleTable
    assert module_bed.shown(trainer.ui.sampleParametersContents)
    heads = [table.horizontalHeaderItem(column).text() for column in range(table.columnCount)]
    assert heads == ["Sample: severity", "1: 0.25", "2: 0.50", "3: 0.75", "4: 1.00"]
    assert rows(trainer) == [
        ["Noise", "", "", "", ""],
        ["Noise (0–255)", "2.5", "5", "7.5", "10"],
        ["Artefacts", "", "", "", ""],
        ["Strength of stripes (0–1)", "–", "–", "0.5", "–"],
        ["Shape of the head", "", "", "", ""],
        ["Rotation (°)", "12.9 / 1.85 / -13.3", "", "", ""],
        ["Contrast", "", "", "", ""],
        ["Contrast", "t1", "", "", ""],
    ]
    assert table.columnSpan(5, 1) == COUNT and table.columnSpan(1, 1) == 1


def test_what_differs_stands_out(trainer):  # noqa: F811
    generate(trainer)
    table = trainer.ui.sampleTable
    marked = [table.item(row, 0).background().style() != qt.Qt.NoBrush for row in range(table.rowCount)]
    assert marked == [False, True, False, True] + [False] * 4
    trainer.ui.sampleDifferencesCheckBox.checked = True
    names = ["Noise", "Noise (0–255)", "Artefacts", "Strength of stripes (0–1)"]
    assert [row[0] for row in rows(trainer)] == names
    generate(trainer)
    assert [row[0] for row in rows(trainer)] == names, "still only differences after the next Generate"
    trainer.ui.sampleDifferencesCheckBox.checked = False
    assert len(rows(trainer)) == 8


def test_copy_gives_the_whole_table_to_a_spreadsheet(trainer):  # noqa: F811
    generate(trainer)
    trainer.ui.sampleDifferencesCheckBox.checked = True
    module_bed.press(trainer.ui.sampleCopyButton)
    lines = [line.split("\t") for line in qt.QApplication.clipboard().text().splitlines()]
    assert lines[0] == ["Group", "Parameter", "Unit", "1: 0.25", "2: 0.50", "3: 0.75", "4: 1.00"]
    assert ["Shape of the head", "Rotation", "°"] + ["12.9 / 1.85 / -13.3"] * COUNT in lines and len(lines) == 5


def test_one_sample_has_no_differences():
    sample = {
        "index": 0,
        "severity": 1.0,
        "parameters": [{"path": "a.b", "group": "new", "text": "3 mm", "unit": "mm"}],
    }
    (row,) = SampleParameters.rowsOf([sample])
    assert (row.group, row.name, row.values, row.differs) == ("new", "a.b (mm)", ("3",), False)


def test_heads_of_many_samples_can_be_read(trainer):  # noqa: F811
    table = trainer.ui.sampleTable
    sample = {"severity": 1.0, "parameters": [{"path": "a", "title": "A", "value": 1, "group": "noise"}]}
    trainer.module.preview.display.parameters.show([{**sample, "index": index} for index in range(8)])
    table.resize(200, 150)
    trainer.pump(timeout_s=0.1)
    header = table.horizontalHeader()
    assert all(header.sectionSize(column) >= header.sectionSizeHint(column) for column in range(1, 9))
