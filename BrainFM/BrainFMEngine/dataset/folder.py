"""A dataset folder without its tensors: header, split, who is in it, arrays as they are stored. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from BrainFMEngine import __version__
from BrainFMEngine.anatomy.atlas import ATLAS_SPACE
from BrainFMEngine.dataset.files import FORMAT_VERSION, HEADER, read_header, read_json, write_json
from BrainFMEngine.dataset.info import SubjectInfo
from BrainFMEngine.dataset.split import Split
from BrainFMEngine.dataset.subject_arrays import load_arrays, mask_of
from BrainFMEngine.errors import FileAccessError, InputImageError, UsageError, nearest_name
from BrainFMEngine.generator.record import from_record, to_record

SPACING_MM = 1.0
SPLIT, SUBJECTS, FAILED = "split.json", "subjects", "failed.json"


@dataclass(frozen=True)
class DatasetHeader:
    """`dataset.json`: version of the format, grid, atlas, protocol of checks, who wrote it, collection -> licence."""

    format_version: int = FORMAT_VERSION
    spacing_mm: float = SPACING_MM
    atlas_space: str = ATLAS_SPACE
    protocol: str = "compact-40"
    created_with: str = __version__
    licences: dict[str, str] = field(default_factory=dict)


class DatasetFolder:
    """A dataset folder, open for reading; subjects are read one at a time, when asked for.

    Raises:
        FileAccessError: there is no such folder, or no dataset in it.
        InputImageError: it is of a version that this program does not know.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        if not _is_file(self.folder / HEADER):
            if not self.folder.is_dir():
                raise FileAccessError(f"{folder} is no dataset: there is no such folder", "Check the path.")
            hint = "Make it with 'brainfm prepare SOURCE -o DATASET'."
            raise FileAccessError(f"{folder} is no dataset: it has no {HEADER}", hint)
        self.header = _from_file(DatasetHeader, read_header(self.folder), HEADER)

    @cached_property
    def split(self) -> Split:
        """Which part each subject belongs to; empty where there is no `split.json`."""
        path = self.folder / SPLIT
        return _from_file(Split, read_json(path), SPLIT) if path.exists() else Split()

    def names(self, part: str | None = None) -> list[str]:
        """Return the subjects of "train", "validation" or "test", or all that are complete, sorted.

        Raises:
            FileAccessError: the folder of the subjects cannot be read.
        """
        if part is not None:
            return sorted(self.split.part(part))
        folder = self.folder / SUBJECTS
        try:
            files = [path for path in folder.iterdir() if path.suffix == ".json" and not path.name.startswith(".")]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise FileAccessError(f"cannot read {folder}: {error.strerror or error}", "Check permissions.") from error
        return sorted(path.stem for path in files)

    def info(self, name: str) -> SubjectInfo:
        """Read what is known about a subject; UsageError if there is none of that name."""
        path = self._path(name, ".json")
        if not _is_file(path):
            raise UsageError(f"{self.folder} has no subject {name!r}", nearest_name(name, self.names()))
        return _from_file(SubjectInfo, read_json(path), path.name)

    def brain_mask(self, name: str) -> np.ndarray | None:
        """Read the brain mask of a subject, (X, Y, Z) bool; None if it has none."""
        return mask_of(self.arrays(name))

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Read the arrays of a subject as they are stored."""
        return load_arrays(self._path(name, ".npz"))

    def file(self, name: str) -> Path:
        """Return the path of a subject's arrays."""
        return self._path(name, ".npz")

    def require(self) -> None:
        """Raise FileAccessError if the folder has been removed, or renamed, since it was opened."""
        if not _is_file(self.folder / HEADER):
            raise FileAccessError(f"{self.folder} is not there any more", "Choose the folder again.")

    def _path(self, name: str, ending: str) -> Path:
        return self.folder / SUBJECTS / f"{name}{ending}"


def write_split(folder: Path, split: Split) -> None:
    """Write `split.json`; FileAccessError if it cannot be written."""
    write_json(folder / SPLIT, to_record(split))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError as error:  # no permission for the folder
        raise FileAccessError(f"cannot read {path}: {error.strerror or error}", "Check permissions.") from error


def _from_file(kind: type, record: dict, name: str):
    try:
        return from_record(kind, record)
    except UsageError as error:
        raise InputImageError(f"{name}: {error.message}", error.hint or "Prepare the dataset again.") from error
