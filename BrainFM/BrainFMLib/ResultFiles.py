"""The result folder of one scan as the engine leaves it (docs/reference/outputs.md), and where its images lie."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from BrainFMEngine.errors import FileAccessError

IMAGE_ENDINGS = (".nii", ".nii.gz")
INCOMPLETE_HINT = "Run it again."


@dataclass(frozen=True)
class Grid:
    """Where voxels are: `shape` (X, Y, Z), and `affine` (4, 4), voxel index to RAS mm of the file."""

    shape: tuple[int, ...]
    affine: np.ndarray

    @staticmethod
    def of(entry: dict[str, Any]) -> Grid:
        """Return the grid that an entry of the report describes."""
        return Grid(tuple(int(n) for n in entry["shape"]), np.array(entry["affine_ras"], float).reshape(4, 4))

    def sameAs(self, other: Grid) -> bool:
        """Tell whether both are the same."""
        return self.shape == other.shape and np.allclose(self.affine, other.affine, atol=1e-6)


class ResultFiles:
    """A complete result folder.

    Args:
        folder: the folder of one scan.
        stem: first part of every file name in it.

    Attributes:
        report: content of `report.json`.
        inputGrid: where the voxels of the scan are.
        grid: where those of the results are.

    Raises:
        FileAccessError: there is no readable report, so the results are not complete.
    """

    def __init__(self, folder: Path, stem: str):
        self.folder, self.stem = Path(folder), stem
        self.report = self.json("report.json")
        try:
            self.inputGrid, self.grid = Grid.of(self.report["input"]["grid"]), Grid.of(self.report["grid"])
        except (KeyError, TypeError, ValueError) as error:
            raise FileAccessError(f"{self.name('report.json')} is damaged", INCOMPLETE_HINT) from error

    def name(self, ending: str) -> str:
        """Return the file name with that ending."""
        return f"{self.stem}_{ending}"

    def path(self, ending: str) -> Path | None:
        """Return the file `<stem>_<ending>`, for images without `.nii` or `.nii.gz`; None if it is not there."""
        names = (self.name(ending), *(self.name(f"{ending}{image}") for image in IMAGE_ENDINGS))
        return next((self.folder / name for name in names if (self.folder / name).is_file()), None)

    def text(self, ending: str) -> str:
        """Return the content of a text file.

        Raises:
            FileAccessError: it cannot be read.
        """
        path = self.folder / self.name(ending)
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise FileAccessError(f"the results are not complete: {path.name} is missing", INCOMPLETE_HINT) from error
        except (OSError, ValueError) as error:
            raise FileAccessError(f"{path.name} cannot be read: {error}", INCOMPLETE_HINT) from error

    def json(self, ending: str) -> dict[str, Any]:
        """Return the content of a JSON file.

        Raises:
            FileAccessError: it cannot be read, or is no JSON object.
        """
        try:
            content = json.loads(self.text(ending))
        except ValueError as error:
            raise FileAccessError(f"{self.name(ending)} is damaged", INCOMPLETE_HINT) from error
        if not isinstance(content, dict):
            raise FileAccessError(f"{self.name(ending)} is damaged", INCOMPLETE_HINT)
        return content

    @property
    def modelName(self) -> str:
        """Name of the model that made the results, "" if the report does not say."""
        model = self.report.get("model")
        return str(model.get("name", "")) if isinstance(model, dict) else ""
