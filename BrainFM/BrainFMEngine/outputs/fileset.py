"""The set of files of one run while it is being written: where each goes, and on which grid images lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from BrainFMEngine.image.io import write_image
from BrainFMEngine.image.volume import Grid, Volume
from BrainFMEngine.outputs.naming import COMPRESSED, UNCOMPRESSED
from BrainFMEngine.progress import Progress


@dataclass
class FileSet:
    """Files being written to `folder` for one input.

    Attributes:
        folder: the temporary folder.
        stem: first part of every name.
        grid: grid of the results.
        like: the input, where results lie on its grid: its forms and codes are kept.
        description: written into every image header.
        progress: told before each file; may raise CancelledError.
        paths: kind to path, of what was written so far.
        options: what was asked of the files: whether images are compressed; the report lists them.
    """

    folder: Path
    stem: str
    grid: Grid
    like: Volume | None
    description: str
    progress: Progress
    paths: dict[str, Path] = field(default_factory=dict)
    options: dict[str, bool] = field(default_factory=dict)

    def add(self, kind: str, ending: str) -> Path:
        """Return the path for a file of that kind, `<stem>_<ending>`, and remember it."""
        self.progress.stage(f"write {ending}", self._fraction())
        self.paths[kind] = self.folder / f"{self.stem}_{ending}"
        return self.paths[kind]

    def image(self, kind: str, array: np.ndarray, grid: Grid | None = None, **flags: Any) -> None:
        """Write `array` as the image `<stem>_<kind>`, on `grid` if it is not that of the results."""
        path = self.add(kind, f"{kind}{UNCOMPRESSED if self.options.get('uncompressed') else COMPRESSED}")
        like = self.like if grid is None else None
        write_image(path, array, grid or self.grid, like=like, description=self.description, **flags)

    def _fraction(self) -> float:
        """Fraction of the whole job: writing takes the last twentieth, each file a part of what is left of it."""
        return 1.0 - 0.05 * 0.85 ** len(self.paths)
