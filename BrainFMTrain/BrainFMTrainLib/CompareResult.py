"""What `brainfm compare` left in a folder: which maps there are, and the scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from BrainFMEngine.errors import FileAccessError
from slicer.i18n import tr as _

FILE = "comparison.json"
FIRST, SECOND, REFERENCE = "first", "second", "reference"
COLUMNS = (FIRST, SECOND, REFERENCE)
SEGMENTATION = "dseg"


@dataclass(frozen=True)
class ComparedMap:
    """One kind of image.

    Attributes:
        name, title: the engine's, and what users read.
        display: "grey", "ct", "labels", "signed_mm" or "ratio".
        files: column -> file name; a column that lacks it is left out.
    """

    name: str
    title: str
    display: str
    files: dict[str, str]


@dataclass(frozen=True)
class ScoreRow:
    """One number of both models.

    Attributes:
        task: the engine's name of it.
        title, metric, unit: in the engine's words.
        first, second, difference: None where one of them has no such task.
        higherIsBetter: whether a higher value is the better one.
        main: whether it tells most about its task.
    """

    task: str
    title: str
    metric: str
    unit: str
    first: float | None
    second: float | None
    difference: float | None
    higherIsBetter: bool
    main: bool

    def better(self) -> str:
        """Return the column of the better model, "" if they are alike."""
        if not self.difference:
            return ""
        return SECOND if (self.difference > 0) == self.higherIsBetter else FIRST


@dataclass(frozen=True)
class CompareResult:
    """A complete comparison.

    Attributes:
        folder: with its files.
        subject, given: whose head, and what the models saw, as the engine calls it.
        titles: of the first and the second model.
        image: file of what the models saw.
        shape, affine: of every image: voxels, and voxel index to RAS mm (4, 4).
        maps: what there is to show.
        scores: in the engine's order.
        warnings: what is doubtful, in sentences.
    """

    folder: Path
    subject: str
    given: str
    titles: tuple[str, str]
    image: str
    shape: tuple[int, ...]
    affine: np.ndarray
    maps: tuple[ComparedMap, ...]
    scores: tuple[ScoreRow, ...]
    warnings: tuple[str, ...]

    def map(self, name: str) -> ComparedMap | None:
        """Return the map of that name, None if there is none."""
        return next((entry for entry in self.maps if entry.name == name), None)

    def shown(self) -> list[ComparedMap]:
        """Return what can be shown beside the segmentation."""
        return [entry for entry in self.maps if entry.name != SEGMENTATION]


def readResult(folder: Path, titles: Sequence[str]) -> CompareResult:
    """Read what a comparison left.

    Raises:
        FileAccessError: it is not complete.
    """
    try:
        record = json.loads((folder / FILE).read_text(encoding="utf-8"))
        first, second = titles
        return CompareResult(
            folder=folder,
            subject=str(record["subject"]),
            given=str(record["input"]),
            titles=(first, second),
            image=str(record["image"]),
            shape=tuple(int(size) for size in record["grid"]["shape"]),
            affine=np.array(record["grid"]["affine_ras"], float).reshape(4, 4),
            maps=tuple(_mapOf(entry) for entry in record["maps"]),
            scores=tuple(_scoreOf(entry) for entry in record["scores"]),
            warnings=tuple(dict.fromkeys(text for model in record["models"] for text in model.get("warnings", ()))),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileAccessError(_("The comparison is not complete"), _("Compare again.")) from error


def _mapOf(entry: dict[str, Any]) -> ComparedMap:
    return ComparedMap(entry["name"], entry["title"], entry["display"], dict(entry["files"]))


def _scoreOf(entry: dict[str, Any]) -> ScoreRow:
    first, second = entry["values"]
    return ScoreRow(
        entry["task"],
        entry["title"],
        entry["metric"],
        entry["unit"],
        first,
        second,
        entry["difference"],
        bool(entry["higher_is_better"]),
        bool(entry["main"]),
    )
