"""Moving subjects from one part of the split to another. Torch-free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from BrainFMEngine.dataset.files import read_json
from BrainFMEngine.dataset.folder import DatasetFolder, write_split
from BrainFMEngine.dataset.in_use import PREPARE_LOCK, SPLIT_LOCK, learners
from BrainFMEngine.dataset.split import PARTS, Split
from BrainFMEngine.errors import BrainFMError, InputImageError, UsageError, nearest_name
from BrainFMEngine.folder_lock import FolderLock

PLACES = (*PARTS, "excluded")
LEARNT_FROM = ("train", "validation")
"""What a training reads."""
NAMED = 5


def move_subjects(folder: Path, moves: Mapping[str, str]) -> Split:
    """Put subjects into other parts of the split; nothing changes unless everything can.

    Args:
        folder: of the dataset.
        moves: subject -> "train", "validation", "test" or "excluded".

    Returns:
        The split as written.

    Raises:
        UsageError: no such subject or part; scans of one person would be in two parts; nobody would be left to train
            on; a training learns from the dataset and the parts that it reads would change; another process prepares
            the dataset.
        FileAccessError: there is no dataset, or it cannot be written.
    """
    opened = DatasetFolder(folder)
    _refuse_unknown(opened, moves)
    with FolderLock(folder / PREPARE_LOCK, "preparation"), FolderLock(folder / SPLIT_LOCK, "preparation"):
        before = DatasetFolder(folder).split
        after = moved(before, moves)
        if after == before:
            return before
        _refuse_divided(opened, after, moves)
        _refuse_in_use(folder, before, after)
        write_split(folder, after)
    return after


def moved(split: Split, moves: Mapping[str, str]) -> Split:
    """Return the split with subjects moved, each part sorted; UsageError if nobody is left to train on."""
    parts = {place: {name for name in getattr(split, place) if name not in moves} for place in PLACES}
    for name, place in moves.items():
        parts[place].add(name)
    if split.train and not parts["train"]:
        raise UsageError("nobody would be left to train on", "Leave at least one subject for training.")
    return Split(**{place: tuple(sorted(names)) for place, names in parts.items()})


def read_moves(path: Path) -> dict[str, str]:
    """Read moves from a file written like `split.json`: who is in one of its lists goes there.

    Raises:
        FileAccessError: it cannot be read.
        InputImageError: it is no table of lists of names.
        UsageError: a part that there is not, or a subject in two lists.
    """
    moves: dict[str, str] = {}
    for place, names in read_json(path).items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InputImageError(f"{path.name}: {place!r} is no list of names")
        for name in names:
            if name in moves:
                raise UsageError(f"{path.name}: subject {name!r} is in {moves[name]} and in {place}")
            moves[name] = place
    return moves


def parse_moves(texts: Iterable[str]) -> dict[str, str]:
    """Return the moves of "NAME=PART" texts; UsageError for anything else."""
    moves = {}
    for text in texts:
        name, equals, place = text.rpartition("=")
        if not equals or not name:
            raise UsageError(f"{text!r} moves nobody", "Write for example --move sub-01=test.")
        moves[name] = place
    return moves


def _refuse_unknown(dataset: DatasetFolder, moves: Mapping[str, str]) -> None:
    there = {*dataset.names(), *dataset.split.names}
    for name, place in moves.items():
        if name not in there:
            raise UsageError(f"{dataset.folder} has no subject {name!r}", nearest_name(name, sorted(there)))
        if place not in PLACES:
            raise UsageError(f"there is no part {place!r} of a split", nearest_name(place, PLACES))


def _refuse_divided(dataset: DatasetFolder, after: Split, moves: Mapping[str, str]) -> None:
    """Refuse to put scans of a moved person into two parts; what was divided before is the check's to tell."""
    part_of = {name: part for part in PARTS for name in after.part(part)}
    persons: dict[str, list[str]] = {}
    for name in part_of:
        persons.setdefault(_person(dataset, name), []).append(name)
    for members in persons.values():
        divided = len({part_of[name] for name in members}) > 1
        if divided and any(name in moves and part_of[name] == moves[name] for name in members):
            told = ", ".join(f"{name} ({part_of[name]})" for name in members[:NAMED])
            hint = "Move all scans of a person together: what was learnt from one would flatter the other."
            raise UsageError(f"the same person would be in two parts: {told}", hint)


def _person(dataset: DatasetFolder, name: str) -> str:
    try:
        info = dataset.info(name)
    except BrainFMError:  # damaged, or gone: nothing is known
        return f"?{name}"
    return f"{info.collection}/{info.person}"


def _refuse_in_use(folder: Path, before: Split, after: Split) -> None:
    if all(set(before.part(part)) == set(after.part(part)) for part in LEARNT_FROM):
        return
    who = learners(folder)
    if who:
        hint = "Wait for it or stop it: a run goes on, and is resumed, with the subjects that it began with."
        raise UsageError(f"{folder} is in use for training by {'; '.join(who[:NAMED])}", hint)
