"""Which structure a segment of the scene is, as a number that the generator knows (FreeSurfer's, and those of heads).

What says so, in this order: the segment's id (of BrainFM's own results), its name, its terminology, and its label
value if the segments are plainly numbered by hand.
"""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path
from typing import Any

import BrainFMEngine
import slicer
import vtk
from BrainFMEngine.anatomy.structures import structures
from BrainFMLib.Terminology import BRAIN, SIDES, TISSUE, codeOf, labelIDOf

TABLES = ("labels_freesurfer.csv", "labels_freesurfer_aliases.csv")
NAMED_BY_NUMBER = r"(?:label|segment)?[ _-]?(\d+)"
PARCELS = {"ctx left": 3, "ctx right": 42, "wm left": 2, "wm right": 41}
"""Beginnings of the names of FreeSurfer's parcels -> what they are to the generator."""
MOST_DELETED = 5
_SYNONYMS = {"lh": "left", "l": "left", "rh": "right", "r": "right"}

Words = tuple[str, ...]


def segmentNumbers(segmentation: Any) -> tuple[dict[str, int], list[str]]:
    """Return id of each segment that is known -> its number, and the names of the others."""
    known, unknown = {}, []
    segments = [(segmentID, segmentation.GetSegment(segmentID)) for segmentID in segmentation.GetSegmentIDs()]
    values = [_valueOf(segment) for _id, segment in segments]
    valuesCount = _areNumberedByHand(values)
    for (segmentID, segment), value in zip(segments, values, strict=True):
        number = _ofID(segmentID) or ofName(segment.GetName() or "") or _ofTerminology(segment)
        if not number and valuesCount and isKnown(value):
            number = value
        if number:
            known[segmentID] = number
        else:
            unknown.append(segment.GetName() or segmentID)
    return known, unknown


def isKnown(number: int) -> bool:
    """Tell whether the generator knows a label value; 0 is background."""
    return any(first <= number <= last for first, last in _ranges()) and number != 0


def ofName(name: str) -> int | None:
    """Return the number of a structure by its name, whatever its case and the order of its words; None if unknown."""
    parcel = " ".join(_SYNONYMS.get(word, word) for word in re.split(r"[ _-]+", name.strip().lower())[:2])
    return _names().get(_words(name)) or PARCELS.get(parcel)


def _ofID(segmentID: str) -> int | None:
    number = labelIDOf(segmentID)
    return number if number is not None and isKnown(number) else None


def _ofTerminology(segment: Any) -> int | None:
    """Return what the SNOMED code and its side say; codes of several structures say nothing."""
    entry = vtk.reference("")
    if not segment.GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry):
        return None
    parts = [tuple(part.split("^")) for part in str(entry).split("~")]
    return _codes().get((parts[2][:2], parts[3][:2])) if len(parts) > 3 else None


def _valueOf(segment: Any) -> int:
    """Return the number in a name that is nothing else, as that of an imported label map; else the label value."""
    named = re.fullmatch(NAMED_BY_NUMBER, (segment.GetName() or "").strip().lower())
    return int(named[1]) if named else int(segment.GetLabelValue())


def _areNumberedByHand(values: list[int]) -> bool:
    """Tell values that somebody chose from the 1, 2, 3… that Slicer gives, of which a few may have been deleted."""
    isDistinct = bool(values) and len(set(values)) == len(values)
    return isDistinct and 1 not in values and max(values) > len(values) + MOST_DELETED


def _words(name: str) -> Words:
    words = re.findall(r"[a-z]+|\d+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower())
    return tuple(sorted(_SYNONYMS.get(word, word) for word in words))


@cache
def _rows() -> list[tuple[int, int, str]]:
    """Return first number, last number and name of everything that the generator knows."""
    rows = []
    for name in TABLES:
        with (Path(BrainFMEngine.__file__).parent / "generator" / name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                first = row.get("id") or row["first"]
                rows.append((int(first), int(row.get("last") or first), row["name"]))
    return rows


def _ranges() -> list[tuple[int, int]]:
    return [(first, last) for first, last, _name in _rows()]


@cache
def _names() -> dict[Words, int]:
    """Return words of a name -> number; the engine's own names win over those of other tables."""
    listed = [(first, name) for first, last, name in _rows() if first == last and first]
    own = [(number, one.name) for number, one in structures().items() if isKnown(number)]
    return {_words(name): number for number, name in reversed([*own, *listed])}


@cache
def _codes() -> dict[tuple[Words, Words], int]:
    """Return code and side -> number, of codes that mean one structure."""
    found: dict[tuple[Words, Words], set[int]] = {}
    for number, structure in structures().items():
        _category, code = codeOf(structure)
        if isKnown(number) and code not in (BRAIN, TISSUE):
            side = SIDES.get(structure.side, ("", "", ""))
            found.setdefault((code[:2], side[:2]), set()).add(number)
    return {key: numbers.pop() for key, numbers in found.items() if len(numbers) == 1}
