"""The section "Data set" with the engine itself, where BRAINFM_PYTHON names a Python with PyTorch."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import module_bed
import pytest
from BrainFMLib.EngineCommand import pythonExecutable
from BrainFMLib.EngineProcess import EngineProcess
from data_section import data  # noqa: F401
from train_panel import trainer  # noqa: F401

pytestmark = pytest.mark.gui
TESTING = Path(__file__).resolve().parents[1]
LONG_S = 240
MAKE_SOURCE = """
import sys
from pathlib import Path
from small_heads import head_labels, save, scan_of
for index in range(3):
    labels = head_labels(index)
    save(Path(sys.argv[1]) / "labels" / f"head_{index}.nii.gz", labels)
    save(Path(sys.argv[1]) / "T1w" / f"head_{index}.nii.gz", scan_of(labels, index))
"""


@pytest.fixture
def heads(tmp_path):
    """Three small heads as label maps with scans, and a file that is none."""
    code = "import importlib.util as util, sys; sys.exit(util.find_spec('torch') is None)"
    if subprocess.run([pythonExecutable(), "-c", code], check=False).returncode:
        pytest.skip("no PyTorch here (name a Python that has it in BRAINFM_PYTHON)")
    folder = tmp_path / "köpfe 1"
    paths = os.pathsep.join(str(path) for path in (TESTING, TESTING.parent / "BrainFM"))
    command = [pythonExecutable(), "-c", MAKE_SOURCE, str(folder)]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": paths})
    (folder / "labels" / "broken.nii.gz").write_bytes(b"x")
    return folder


def test_prepared_checked_drawn_and_divided_by_the_engine(data, heads, tmp_path, screenshot):  # noqa: F811
    ui, panel, output = data.ui, data.panel, tmp_path / "satz ü"
    for part in (panel.check, panel.pictures, panel.split.editor, panel.prepare.preparation):
        part.makeEngine = EngineProcess
    module_bed.press(ui.dataPrepareButton)
    ui.dataSourceEdit.currentPath, ui.dataOutputEdit.currentPath = str(heads), str(output)
    data.until(lambda: ui.dataSourceFactsLabel.text.startswith("Recognised: label maps. Subjects: 4"), LONG_S)
    module_bed.press(ui.dataRunButton)
    data.until(lambda: panel.prepare.preparation.running)
    data.until(lambda: not panel.prepare.preparation.running, LONG_S)
    assert "Subjects in the data set: 3. Failed and left out: 1" in ui.dataPrepareStatusLabel.text
    assert ui.dataFailedTable.item(0, 0).text() == "broken"
    data.until(lambda: data.table.rowCount == 4)
    assert data.cells(0)[2:4] == ["✓", "✓"] and data.cells(0)[7:9] == ["✓", "✓"]
    data.table.setCurrentCell(1, 0)
    data.until(lambda: data.shown_width() > 200, LONG_S)
    module_bed.press(ui.dataCheckButton)
    data.until(lambda: not panel.check.running, LONG_S)
    assert "of subjects in memory" in data.summary and "cannot be used: 0" in data.summary
    split = json.loads((output / "split.json").read_text())
    name = split["validation"][0]
    row = next(index for index in range(4) if data.cells(index)[0] == name)
    data.table.selectRow(row)
    ui.dataPartComboBox.currentIndex = 2
    module_bed.press(ui.dataMoveButton)
    data.until(lambda: not panel.split.editor.busy, LONG_S)
    assert not data.trainer.notice and data.cells(row)[1] == "testing"
    assert name in json.loads((output / "split.json").read_text())["test"]
    (output / "subjects" / f"{name}.npz").write_bytes(b"x")
    data.table.setCurrentCell((row + 1) % 3, 0)
    data.table.setCurrentCell(row, 0)
    data.until(lambda: "is damaged" in ui.dataSubjectLabel.text, LONG_S)
    module_bed.press(ui.dataCheckButton)
    data.until(lambda: not panel.check.running, LONG_S)
    assert "damaged" in data.cells(row)[9] or "not those" in data.cells(row)[9]
    assert "cannot be used: 1" in data.summary
    module_bed.press(ui.dataPrepareButton)
    for section in ("preview", "training", "runs"):
        getattr(ui, f"{section}CollapsibleButton").collapsed = True
    data.table.setCurrentCell((row + 1) % 3, 0)
    data.until(lambda: data.shown_width() > 200, LONG_S)
    data.trainer.pump(timeout_s=0.5)
    assert screenshot("train-data").stat().st_size > 20_000
