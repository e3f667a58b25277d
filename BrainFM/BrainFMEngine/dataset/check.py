"""Everything that is wrong with a dataset, found before anyone trains on it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from BrainFMEngine.anatomy.protocols import find_protocol
from BrainFMEngine.dataset.folder import DatasetFolder
from BrainFMEngine.dataset.info import SubjectInfo
from BrainFMEngine.dataset.needs import Needs, measure_needs
from BrainFMEngine.dataset.split import PARTS
from BrainFMEngine.dataset.split_edit import LEARNT_FROM, move_subjects
from BrainFMEngine.dataset.subject_arrays import MASK, find_scheme
from BrainFMEngine.dataset.subject_checks import Problem, check_subject
from BrainFMEngine.errors import BrainFMError
from BrainFMEngine.hashing import file_sha256
from BrainFMEngine.progress import Progress, SilentProgress


@dataclass(frozen=True)
class Found:
    """What a check found; `problems` of the dataset first, then subject by subject."""

    problems: list[Problem]
    needs: Needs


def check_dataset(folder: Path, progress: Progress | None = None) -> list[Problem]:
    """Look at every file of a dataset and return its problems; see `examine`."""
    return examine(folder, progress).problems


def examine(folder: Path, progress: Progress | None = None) -> Found:
    """Look at every file of a dataset.

    Found are: damaged or missing files, wrong geometry, labels out of range, sides exchanged or merged, scans that are
    not aligned with their labels, empty images, values that are no numbers, missing targets, a split that names
    unknown subjects or one twice, the same person or the same scan in two parts, and too little memory or disk.

    Args:
        folder: of the dataset.
        progress: told which subject is at hand.

    Raises:
        FileAccessError: there is no dataset, or it is removed meanwhile.
        InputImageError: it is of another version.
    """
    progress = progress or SilentProgress()
    dataset = DatasetFolder(folder)
    protocol = find_protocol(dataset.header.protocol)
    names = dataset.names()
    problems, infos = [], {}
    contents: dict[str, list[str]] = defaultdict(list)
    in_memory: dict[str, int] = {}
    for index, name in enumerate(names):
        progress.stage(f"checking {name}", index / len(names))
        try:
            info = infos[name] = dataset.info(name)
            if file_sha256(dataset.file(name)) != info.sha256:
                problems.append(_error(name, "its arrays are not those that were written", "Prepare it again."))
            arrays = dataset.arrays(name)
            problems += check_subject(info, arrays, find_scheme(info.scheme), protocol)
        except BrainFMError as error:
            dataset.require()
            problems.append(_error(name, error.message, error.hint))
            continue
        in_memory[name] = sum(array.nbytes for key, array in arrays.items() if key != MASK)
        for key, array in arrays.items():
            if key == "rows" or key.startswith("image_"):
                contents[_content_hash(key, array)].append(name)
    progress.stage("checking the split", 1.0)
    dataset.require()
    split_problems = _split_problems(dataset, infos, contents)
    needs = measure_needs(folder, sum(in_memory.get(name, 0) for name in _learnt_from(dataset)))
    return Found(split_problems + needs.problems() + problems, needs)


def exclude(folder: Path, problems: list[Problem]) -> list[str]:
    """Take the subjects with errors out of every part of the split; return their names.

    Raises:
        UsageError, FileAccessError: see `move_subjects`.
    """
    split = DatasetFolder(folder).split
    placed = {*DatasetFolder(folder).names(), *split.names} - {*split.excluded}
    names = sorted({p.subject for p in problems if p.severity == "error" and p.subject in placed} - {None})
    if names:
        move_subjects(folder, dict.fromkeys(names, "excluded"))
    return names


def _learnt_from(dataset: DatasetFolder) -> list[str]:
    """Return whom a training reads; everybody where the split cannot be read."""
    try:
        return [name for part in LEARNT_FROM for name in dataset.split.part(part)]
    except BrainFMError:
        return dataset.names()


def _split_problems(
    dataset: DatasetFolder, infos: dict[str, SubjectInfo], contents: dict[str, list[str]]
) -> list[Problem]:
    try:
        split = dataset.split
    except BrainFMError as error:
        return [_error(None, error.message, error.hint)]
    names = set(dataset.names())
    problems = []
    for path in sorted(dataset.folder.glob("subjects/*.npz")):
        if path.stem not in names and not path.name.startswith("."):
            problems.append(Problem(path.stem, "warning", "was not finished", "Prepare the dataset again."))
    if not names:
        problems.append(_error(None, "the dataset has no subject"))
    elif not split.train:
        problems.append(_error(None, "no subject is for training", "See split.json."))
    if names and not split.validation:
        problems.append(Problem(None, "warning", "no subject is for validation"))
    for part in PARTS:
        for name in sorted(set(split.part(part)) - names):
            problems.append(_error(name, f"in {part} of the split, but not in the dataset"))
    unused = sorted(names - split.names)
    if unused:
        problems.append(Problem(None, "warning", f"in no part of the split: {', '.join(unused[:10])}"))
    return problems + _leaks(dataset, infos, contents)


def _leaks(dataset: DatasetFolder, infos: dict[str, SubjectInfo], contents: dict[str, list[str]]) -> list[Problem]:
    """Find who is in two parts under two names."""
    part_of = {name: part for part in PARTS for name in dataset.split.part(part)}
    persons: dict[str, list[str]] = defaultdict(list)
    for name, info in infos.items():
        persons[f"{info.collection}/{info.person}"].append(name)
    problems: dict[str, Problem] = {}
    for groups, what in ((persons, "is the same person as"), (contents, "is the same scan as")):
        for members in groups.values():
            placed = [name for name in dict.fromkeys(members) if name in part_of]
            for other in placed[1:]:
                if part_of[other] != part_of[placed[0]]:
                    text = f"{what} {placed[0]}: one is in {part_of[other]}, the other in {part_of[placed[0]]}"
                    problems.setdefault(other, _error(other, text, "Put both into one part of the split."))
                elif groups is contents:
                    problems.setdefault(other, Problem(other, "warning", f"{what} {placed[0]}"))
    return list(problems.values())


def _content_hash(key: str, array: np.ndarray) -> str:
    digest = hashlib.sha256(f"{key if key == 'rows' else 'image'} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _error(subject: str | None, message: str, hint: str = "") -> Problem:
    return Problem(subject, "error", message, hint)
