"""The prepared dataset: a folder with `dataset.json`, `split.json` and two files a subject."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np

from BrainFMEngine.dataset.files import write_file, write_json
from BrainFMEngine.dataset.folder import FORMAT_VERSION as FORMAT_VERSION
from BrainFMEngine.dataset.folder import HEADER, SUBJECTS, DatasetFolder, DatasetHeader
from BrainFMEngine.dataset.folder import write_split as write_split
from BrainFMEngine.dataset.info import SubjectInfo
from BrainFMEngine.dataset.subject_arrays import find_scheme, load_arrays, mask_of
from BrainFMEngine.dataset.subject_file import arrays_of, save_arrays, subject_of
from BrainFMEngine.errors import BrainFMError, InputImageError, UsageError
from BrainFMEngine.generator.record import to_record
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.progress import Progress, SilentProgress

BAD_SHARE = 0.01


class Dataset(DatasetFolder):
    """A dataset folder whose subjects can be read as tensors, one at a time, when asked for.

    Raises:
        FileAccessError: there is no such folder, or no dataset in it.
        InputImageError: it is of a version that this program does not know.
    """

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
