"""Volumes of a result as a table node, and their export as text."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vtk
from BrainFMEngine.errors import FileAccessError
from slicer.i18n import tr as _

from BrainFMLib.ImportContext import ImportContext
from BrainFMLib.NiftiFile import DAMAGED_HINT
from BrainFMLib.ResultKinds import ResultKind
from BrainFMLib.Steps import FractionSteps

TOTAL = "Intracranial-Total"
LOW_CONFIDENCE = 0.5
MM3_PER_ML = 1000.0
NONE = "–"
STRUCTURE, VOLUME, LABELLED, CONFIDENCE, QC, ID = "Structure", "Volume", "Labelled", "Confidence", "QC", "FreeSurfer id"
UNITS = {VOLUME: "ml", LABELLED: "ml"}


@dataclass(frozen=True)
class VolumeRow:
    """Volume of one structure, or of everything inside the skull.

    Attributes:
        id: FreeSurfer id, None for the total.
        name: FreeSurfer's name.
        volume_ml: sum of the probabilities.
        labelled_ml: labelled voxels.
        confidence: mean probability of the labelled voxels, None without any.
    """

    id: int | None
    name: str
    volume_ml: float
    labelled_ml: float
    confidence: float | None

    @property
    def qc(self) -> str:
        """Return "ok", or "check" where the structure was not found or the model is unsure of it."""
        return "ok" if self.confidence is not None and self.confidence >= LOW_CONFIDENCE else "check"


def loadVolumes(kind: ResultKind, context: ImportContext) -> FractionSteps[list[VolumeRow]]:
    """Read `volumes.csv`.

    Raises:
        FileAccessError: it is no such table.
    """
    try:
        rows = [_row(entry) for entry in csv.DictReader(io.StringIO(context.files.text(kind.file)))]
        if not rows:
            raise ValueError("no rows")
    except (KeyError, TypeError, ValueError) as error:
        raise FileAccessError(f"{context.files.name(kind.file)} is damaged", DAMAGED_HINT) from error
    yield 1.0
    return rows


def showVolumes(kind: ResultKind, rows: list[VolumeRow], node: Any, context: ImportContext) -> None:
    """Put volumes into their table node."""
    former = vtk.vtkTable()
    former.DeepCopy(node.GetTable())
    context.change.undoWith(lambda: node.GetTable().DeepCopy(former))
    wasModifying = node.StartModify()
    node.RemoveAllColumns()
    _addColumn(node, vtk.vtkStringArray(), STRUCTURE, [row.name for row in rows], _("FreeSurfer's name"))
    _addColumn(
        node,
        vtk.vtkDoubleArray(),
        VOLUME,
        [round(row.volume_ml, 2) for row in rows],
        _("Sum of the probabilities; not limited by the scan's voxels"),
    )
    labelled = [round(row.labelled_ml, 2) for row in rows]
    _addColumn(node, vtk.vtkDoubleArray(), LABELLED, labelled, _("Volume of the labelled voxels"))
    confidence = [NONE if row.confidence is None else f"{row.confidence:.2f}" for row in rows]
    _addColumn(node, vtk.vtkStringArray(), CONFIDENCE, confidence, _("Mean probability of the labelled voxels, 0 to 1"))
    _addColumn(node, vtk.vtkStringArray(), QC, [row.qc for row in rows], _("Look at what says check before using it"))
    ids = ["" if row.id is None else f"{row.id}" for row in rows]
    _addColumn(node, vtk.vtkStringArray(), ID, ids, _("Value in the label map; empty for the total"))
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetLocked(True)
    node.EndModify(wasModifying)


def rowsOf(tableNode: Any) -> list[VolumeRow]:
    """Return what a table node shows, also after a scene was loaded."""
    table = tableNode.GetTable()
    columns = {name: _values(table, name) for name in (STRUCTURE, VOLUME, LABELLED, CONFIDENCE, ID)}
    return [
        VolumeRow(
            int(label) if label else None,
            name,
            float(volume),
            float(labelled),
            None if confidence in (NONE, "") else float(confidence),
        )
        for name, volume, labelled, confidence, label in zip(*columns.values(), strict=True)
    ]


def asText(tableNode: Any) -> str:
    """Return the table as text with tabs, as spreadsheets paste it."""
    return _written(rowsOf(tableNode), "\t")


def exportCsv(tableNode: Any, path: Path) -> None:
    """Write the table as CSV; the file appears complete or not at all.

    Raises:
        FileAccessError: it cannot be written.
    """
    path = Path(path)
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(_written(rowsOf(tableNode), ","))
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        reason = error.strerror or error
        raise FileAccessError(f"{path} cannot be written: {reason}", _("Choose another folder.")) from error


def _row(entry: dict[str, str]) -> VolumeRow:
    soft, hard = float(entry["soft_mm3"]) / MM3_PER_ML, float(entry["hard_mm3"]) / MM3_PER_ML
    confidence = float(entry["confidence"]) if entry["confidence"] else None
    return VolumeRow(int(entry["id"]) if entry["id"] else None, entry["name"], soft, hard, confidence)


def _addColumn(node: Any, array: Any, name: str, values: Iterable[Any], description: str) -> None:
    array.SetName(name)
    for value in values:
        array.InsertNextValue(value)
    node.AddColumn(array)
    node.SetColumnTitle(name, name)
    node.SetColumnUnitLabel(name, UNITS.get(name, ""))  # which Slicer adds to the title
    node.SetColumnDescription(name, description)


def _values(table: vtk.vtkTable, name: str) -> list[str]:
    column = table.GetColumnByName(name)
    return [column.GetVariantValue(index).ToString() for index in range(table.GetNumberOfRows())]


def _written(rows: Iterable[VolumeRow], separator: str) -> str:
    text = io.StringIO()
    table = csv.writer(text, delimiter=separator, lineterminator="\n")
    heads = (STRUCTURE, VOLUME, LABELLED, CONFIDENCE, QC, ID)
    table.writerow([f"{head} ({UNITS[head]})" if head in UNITS else head for head in heads])
    for row in rows:
        confidence = "" if row.confidence is None else f"{row.confidence:.2f}"
        label = "" if row.id is None else row.id
        table.writerow([row.name, f"{row.volume_ml:.2f}", f"{row.labelled_ml:.2f}", confidence, row.qc, label])
    return text.getvalue()
