"""What structures are called, how they are coloured and coded: names and colours are the engine's, codes SNOMED CT.

`Resources/Terminology.csv` holds one code for each structure, without its side.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from BrainFMEngine.anatomy.structures import Structure, structures

CODES_FILE = Path(__file__).resolve().parents[1] / "Resources" / "Terminology.csv"
CONTEXT = "Segmentation category and type - 3D Slicer General Anatomy list"
REGION_CONTEXT = "Anatomic codes - DICOM master list"
CATEGORIES = {
    "": ("SCT", "123037004", "Anatomical Structure"),
    "altered": ("SCT", "49755003", "Morphologically Abnormal Structure"),
}
SIDES = {"left": ("SCT", "7771000", "Left"), "right": ("SCT", "24028007", "Right")}
BRAIN, TISSUE = ("SCT", "12738006", "Brain"), ("SCT", "85756007", "Tissue")
ID_PREFIX = "FS_"
UNKNOWN_COLOUR = (150, 150, 150)

Code = tuple[str, str, str]


@dataclass(frozen=True)
class SegmentDescription:
    """How a structure appears in a segmentation.

    Attributes:
        id: FreeSurfer id, the value in the label map.
        segmentID: id of the segment, the same in every segmentation.
        name: FreeSurfer's.
        colour: red, green, blue, 0 to 1.
        terminology: Slicer's terminology entry, as text.
        isInside: whether it lies inside the skull.
    """

    id: int
    segmentID: str
    name: str
    colour: tuple[float, float, float]
    terminology: str
    isInside: bool


def describe(labelID: int) -> SegmentDescription:
    """Return how the structure with that FreeSurfer id appears; ids that no table knows appear as `Label <id>`."""
    known = structures().get(labelID)
    structure = known or Structure(labelID, f"Label {labelID}", "none", labelID, UNKNOWN_COLOUR, True)
    red, green, blue = (value / 255 for value in structure.colour)
    return SegmentDescription(
        labelID,
        segmentIDOf(labelID),
        structure.name,
        (red, green, blue),
        terminologyEntry(structure),
        not structure.extracerebral,
    )


def segmentIDOf(labelID: int) -> str:
    """Return the id of the segment of a structure."""
    return f"{ID_PREFIX}{labelID}"


def labelIDOf(segmentID: str) -> int | None:
    """Return the structure of a segment, None for segments that are not ours."""
    number = segmentID.removeprefix(ID_PREFIX)
    return int(number) if segmentID.startswith(ID_PREFIX) and number.isdecimal() else None


def terminologyEntry(structure: Structure) -> str:
    """Return Slicer's text form of category, type and side (qSlicerTerminologies: parts joined by ~ and ^)."""
    category, code = codeOf(structure)
    side = SIDES.get(structure.side, ("", "", ""))
    none = ("", "", "")
    parts = ("^".join(triple) for triple in (category, code, side))
    return "~".join((CONTEXT, *parts, REGION_CONTEXT, "^".join(none), "^".join(none)))


def codeOf(structure: Structure) -> tuple[Code, Code]:
    """Return category and type; structures without a code of their own are brain, or tissue around it."""
    name = structure.name.removeprefix("Left-").removeprefix("Right-")
    fallback = TISSUE if structure.extracerebral else BRAIN
    return _codes().get(name, (CATEGORIES[""], fallback))


@cache
def _codes() -> dict[str, tuple[Code, Code]]:
    with CODES_FILE.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return {row["name"]: (CATEGORIES[row["category"]], ("SCT", row["code"], row["meaning"])) for row in rows}
