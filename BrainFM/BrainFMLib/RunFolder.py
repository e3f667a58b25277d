"""The temporary folder of one run: private, with plain short names, and gone afterwards."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from BrainFMLib.StepRunner import StepRunner

_MARGIN = 1.2
_WAITS_S = (0.0, 0.05, 0.1, 0.2)


class RunFolder:
    """A new folder below Slicer's temporary folder with places for scans and results.

    Args:
        bytesNeeded: what a run is expected to write.

    Raises:
        OSError: the folder cannot be made, or there is too little room; the message is for people.
    """

    def __init__(self, bytesNeeded: int):
        parent = Path(slicer.app.temporaryPath)
        needed, free = bytesNeeded * _MARGIN, shutil.disk_usage(parent).free
        if needed > free:
            text = _("it needs {needed:.1f} GB in {folder}, {free:.1f} GB are free")
            raise OSError(text.format(needed=needed / 1e9, free=free / 1e9, folder=parent))
        self.path = parent / f"BrainFM-{uuid.uuid4().hex[:8]}"
        self.path.mkdir(mode=0o700)
        self.results = self.path / "out"
        self.results.mkdir()

    def placeFor(self, index: int) -> Path:
        """Make and return the folder for the file of scan `index`."""
        place = self.path / "in" / f"{index + 1:03d}"
        place.mkdir(parents=True)
        return place

    def plainName(self, path: Path, index: int) -> Path:
        """Give an exported file a plain name; a file outside this folder keeps its own."""
        if self.path not in path.parents:
            return path
        target = path.with_name(f"scan{index + 1:03d}{path.suffix}")
        return path if target == path else path.rename(target)

    def remove(self) -> None:
        """Delete it with everything in it, now; a process that is just being ended may hold it for a moment."""
        for wait in _WAITS_S:
            time.sleep(wait)
            shutil.rmtree(self.path, ignore_errors=True)
            if not self.path.exists():
                return

    def removeInSteps(self) -> None:
        """Delete it when there is time."""
        StepRunner(removeSteps(self.path), lambda step: None, lambda value: None, lambda error: self.remove())


def removeSteps(folder: Path) -> Iterator[tuple[str, float]]:
    """Delete a folder file by file, as large files take their time."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    for index, path in enumerate(files):
        path.unlink(missing_ok=True)
        yield _("Tidying up"), index / len(files)
    shutil.rmtree(folder, ignore_errors=True)
