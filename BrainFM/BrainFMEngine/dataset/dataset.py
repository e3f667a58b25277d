"""The prepared dataset: a folder with `dataset.json`, `split.json` and two files a subject."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from pathlib import Path

import numpy as np

from BrainFMEngine import __version__
from BrainFMEngine.anatomy.atlas import ATLAS_SPACE
from BrainFMEngine.dataset.files import read_json, write_file, write_json
from BrainFMEngine.dataset.info import SubjectInfo
from BrainFMEngine.dataset.split import Split
from BrainFMEngine.dataset.subject_file import arrays_of, find_scheme, load_arrays, mask_of, save_arrays, subject_of
from BrainFMEngine.errors import BrainFMError, FileAccessError, InputImageError, UsageError, nearest_name
from BrainFMEngine.generator.record import from_record, to_record
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.progress import Progress, SilentProgress

FORMAT_VERSION = 1
SPACING_MM = 1.0
HEADER, SPLIT, SUBJECTS = "dataset.json", "split.json", "subjects"
BAD_SHARE = 0.01


@dataclass(frozen=True)
class DatasetHeader:
    """`dataset.json`: the version of the format, its grid, the atlas, the protocol of checks, and who wrote it."""

    format_version: int = FORMAT_VERSION
    spacing_mm: float = SPACING_MM
    atlas_space: str = ATLAS_SPACE
    protocol: str = "compact-40"
    created_with: str = __version__


class Dataset:
    """A dataset folder, open for reading; subjects are read one at a time, when asked for.

    Raises:
        FileAccessError: there is no such folder, or no dataset in it.
        InputImageError: it is of a version that this program does not know.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        if not (self.folder / HEADER).is_file():
            hint = "Make it with 'brainfm prepare SOURCE -o DATASET'."
            raise FileAccessError(f"{folder} is no dataset: it has no {HEADER}", hint)
        record = read_json(self.folder / HEADER)
        version = record.get("format_version")
        if version != FORMAT_VERSION:
            raise InputImageError(f"{folder} is a dataset of version {version}, this program knows {FORMAT_VERSION}")
        self.header = _from_file(DatasetHeader, record, HEADER)

    @cached_property
    def split(self) -> Split:
        """Which part each subject belongs to; empty where there is no `split.json`."""
        path = self.folder / SPLIT
        return _from_file(Split, read_json(path), SPLIT) if path.exists() else Split()

    def names(self, part: str | None = None) -> list[str]:
        """Return the subjects of "train", "validation" or "test", or all that are complete, sorted."""
        if part is not None:
            return sorted(self.split.part(part))
        return sorted(path.stem for path in (self.folder / SUBJECTS).glob("*.json") if not path.name.startswith("."))

    def info(self, name: str) -> SubjectInfo:
        """Read what is known about a subject; UsageError if there is none of that name."""
        path = self._path(name, ".json")
        if not path.is_file():
            raise UsageError(f"{self.folder} has no subject {name!r}", nearest_name(name, self.names()))
        return _from_file(SubjectInfo, read_json(path), path.name)

    def load(self, name: str, strip: bool = False) -> Subject:
        """Read a subject.

        Args:
            name: of the subject.
            strip: set its images to air outside of the brain mask; without a mask nothing changes.

        Raises:
            FileAccessError, InputImageError: with the name of the file.
        """
        info = self.info(name)
        arrays = load_arrays(self._path(name, ".npz"))
        subject = subject_of(name, arrays, find_scheme(info.scheme))
        mask = mask_of(arrays) if strip else None
        if mask is None:
            return subject
        for contrast, image in subject.images.items():
            image.numpy()[~mask] = -1.0 if contrast == "CT" else 0.0
        return subject

    def brain_mask(self, name: str) -> np.ndarray | None:
        """Read the brain mask of a subject, (X, Y, Z) bool; None if it has none."""
        return mask_of(load_arrays(self._path(name, ".npz")))

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Read the arrays of a subject as they are stored, for checks."""
        return load_arrays(self._path(name, ".npz"))

    def file(self, name: str) -> Path:
        """Return the path of a subject's arrays."""
        return self._path(name, ".npz")

    def _path(self, name: str, ending: str) -> Path:
        return self.folder / SUBJECTS / f"{name}{ending}"


def create_dataset(folder: Path, protocol: str = "compact-40") -> Dataset:
    """Write the header of a new dataset, or open the one that is there.

    Raises:
        FileAccessError: the folder cannot be written to.
    """
    if not (folder / HEADER).exists():
        write_json(folder / HEADER, to_record(DatasetHeader(protocol=protocol)))
    return Dataset(folder)


def write_subject(
    folder: Path, subject: Subject, info: SubjectInfo, brain_mask: np.ndarray | None = None
) -> SubjectInfo:
    """Write a subject's files, the .json last, so that a subject with one is complete.

    Args:
        folder: of the dataset.
        subject: its name is that of the files.
        info: its checksum is filled in here.
        brain_mask: (X, Y, Z) bool.

    Returns:
        The info as written.

    Raises:
        FileAccessError: it cannot be written; what was there before is as it was.
    """
    stream = BytesIO()
    save_arrays(stream, arrays_of(subject, brain_mask))
    content = stream.getbuffer()
    info = replace(info, name=subject.name, sha256=hashlib.sha256(content).hexdigest())
    write_file(folder / SUBJECTS / f"{subject.name}.npz", content)
    write_json(folder / SUBJECTS / f"{subject.name}.json", to_record(info))
    return info


def write_split(folder: Path, split: Split) -> None:
    """Write `split.json`."""
    write_json(folder / SPLIT, to_record(split))


def load_subjects(folder: Path, split: str | None = "train", progress: Progress | None = None) -> list[Subject]:
    """Read every subject of a part into memory.

    A subject that cannot be read is warned about and left out.

    Args:
        folder: of the dataset.
        split: "train", "validation" or "test"; None for all that are complete.
        progress: told what is read and what is left out.

    Raises:
        InputImageError: more than 1 % cannot be read.
        UsageError: there is no subject in that part.
    """
    progress = progress or SilentProgress()
    dataset = Dataset(folder)
    names = dataset.names(split)
    if not names:
        raise UsageError(f"{folder} has no subject{f' in {split}' if split else ''}", "See its split.json.")
    subjects, bad = [], []
    for index, name in enumerate(names):
        progress.stage(f"reading {name}", index / len(names))
        try:
            subjects.append(dataset.load(name))
        except BrainFMError as error:
            progress.warning(f"{name} is left out: {error}")
            bad.append(name)
    _refuse_many(folder, bad, len(names))
    return subjects


def _refuse_many(folder: Path, bad: Sequence[str], total: int) -> None:
    if len(bad) > BAD_SHARE * total:
        listed = ", ".join(bad[:10])
        hint = "'brainfm prepare --check' says why; with --exclude it leaves them out."
        raise InputImageError(f"{len(bad)} of {total} subjects of {folder} cannot be read: {listed}", hint)


def _from_file(kind: type, record: dict, name: str):
    try:
        return from_record(kind, record)
    except UsageError as error:
        raise InputImageError(f"{name}: {error.message}", error.hint or "Prepare the dataset again.") from error
