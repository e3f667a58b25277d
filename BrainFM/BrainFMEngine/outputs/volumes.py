"""How large each structure is: soft volumes (sums of probability) and hard ones (counted voxels)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from BrainFMEngine.anatomy.structures import structures
from BrainFMEngine.outputs.fileset import FileSet

if TYPE_CHECKING:
    from BrainFMEngine.inference.prediction import Prediction

INTRACRANIAL = "Intracranial-Total"


@dataclass(frozen=True)
class StructureVolume:
    """One row: FreeSurfer id (None for the total), name, volumes in mm³ and mean probability 0..1."""

    id: int | None
    name: str
    soft_mm3: float
    hard_mm3: float
    confidence: float | None


def measure_volumes(prediction: Prediction) -> list[StructureVolume]:
    """Measure every structure of the protocol but background; the last row is the intracranial total.

    The total is the sum over everything inside the skull: brain and cerebrospinal fluid.
    """
    if prediction.labels is None or prediction.protocol is None:
        return []
    ids, counts = np.unique(prediction.labels, return_counts=True)
    hard = dict(zip(ids.tolist(), (counts * prediction.grid.voxel_mm3).tolist(), strict=True))
    soft, confidence = prediction.soft_volumes_mm3, prediction.confidence
    rows = [
        StructureVolume(s.id, s.name, soft.get(s.id, 0.0), hard.get(s.id, 0.0), confidence.get(s.id))
        for s in sorted(prediction.protocol.structures, key=lambda s: s.id)
        if s.id != 0
    ]
    return [*rows, _total(rows)]


def _total(rows: list[StructureVolume]) -> StructureVolume:
    inside = [row for row in rows if row.id is not None and not structures()[row.id].extracerebral]
    weights = sum(row.hard_mm3 for row in inside if row.confidence is not None)
    weighted = sum(row.hard_mm3 * row.confidence for row in inside if row.confidence is not None)
    confidence = weighted / weights if weights else None
    return StructureVolume(
        None, INTRACRANIAL, sum(row.soft_mm3 for row in inside), sum(row.hard_mm3 for row in inside), confidence
    )


def write_volumes(rows: list[StructureVolume], files: FileSet) -> None:
    """Write `volumes.csv`: id, name, soft and hard mm³, confidence; the total has no id."""
    if not rows:
        return
    with files.add("volumes", "volumes.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["id", "name", "soft_mm3", "hard_mm3", "confidence"])
        for row in rows:
            confidence = "" if row.confidence is None else f"{row.confidence:.4f}"
            table.writerow(
                ["" if row.id is None else row.id, row.name, f"{row.soft_mm3:.1f}", f"{row.hard_mm3:.1f}", confidence]
            )
