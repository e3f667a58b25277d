"""What a prepared data set holds, from its small files: who is in it, for what part, with which targets."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from BrainFMEngine.dataset.files import HEADER, read_header, read_json
from BrainFMEngine.errors import BrainFMError
from slicer.i18n import tr as _

SPLIT, SUBJECTS, FAILED = "split.json", "subjects", "failed.json"
PARTS = ("train", "validation", "test", "excluded")
CONTRASTS = ("T1", "T2", "FLAIR", "CT")
TARGETS = ("distance", "registration")


@dataclass
class SubjectRow:
    """One subject.

    Attributes:
        name: of the subject.
        part: of the split; "" if it is in none.
        labels: whether it has a label map.
        contrasts: its own images.
        targets: what can be learnt from it.
        person: the same for all scans of one person.
        problems: what a check found, or why it could not be prepared; None before a check.
        wrong: whether a problem keeps it from being used.
        failed: whether it could not be prepared, so that it is not in the data set.
    """

    name: str
    part: str = ""
    labels: bool = False
    contrasts: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    person: str = ""
    problems: list[str] | None = field(default=None)
    wrong: bool = False
    failed: bool = False

    def partTitle(self) -> str:
        """Return the part in words."""
        return _("not prepared") if self.failed else partTitles().get(self.part, _("none"))

    def facts(self) -> tuple[object, ...]:
        """Return what the files say of it, whatever a check found."""
        return self.name, self.part, self.labels, self.contrasts, self.targets, self.person, self.failed

    def has(self) -> list[bool]:
        """Return whether it has labels, each of `CONTRASTS`, and each of `TARGETS`, in this order."""
        there = {*self.contrasts, *self.targets}
        return [self.labels, *(name in there for name in (*CONTRASTS, *TARGETS))]


def partTitles() -> dict[str, str]:
    """Return part of a split -> the part in words."""
    return {
        "train": _("training"),
        "validation": _("validation"),
        "test": _("testing"),
        "excluded": _("left out"),
    }


def isDataset(folder: Path | None) -> bool:
    """Return whether a folder is a prepared data set."""
    return folder is not None and os.path.isfile(folder / HEADER)  # unlike Path's, False without permission


def readParts(folder: Path) -> dict[str, str]:
    """Return subject -> part, from the split; empty where there is none.

    Raises:
        BrainFMError: it cannot be read.
    """
    split = read_json(folder / SPLIT) if (folder / SPLIT).exists() else {}
    return {name: part for part in PARTS for name in split.get(part) or ()}


def subjectSteps(folder: Path) -> Generator[SubjectRow | None, None, list[SubjectRow]]:
    """Yield one subject after the other, as work in steps; returns all rows, sorted by name, the failed ones last.

    Raises:
        BrainFMError: header or split cannot be read, or the data set is of another version.
        OSError: the folder cannot be read.
    """
    read_header(folder)
    partOf = readParts(folder)
    yield None
    rows = []
    place = folder / SUBJECTS
    files = sorted(place.iterdir()) if place.is_dir() else []
    for path in files:
        if path.suffix == ".json" and not path.name.startswith("."):
            rows.append(_rowOf(path, partOf.get(path.stem, "")))
            yield rows[-1]
    there = {row.name for row in rows}
    halves = [path.stem for path in files if path.suffix == ".npz" and path.stem not in there | {""}]
    rows += [_missing(name, _("It was not finished: prepare the data set again.")) for name in halves if name[0] != "."]
    return rows + [row for row in _failures(folder) if row.name not in there]


def countSentence(rows: Sequence[SubjectRow]) -> str:
    """Return how many there are, in words."""
    inside = [row for row in rows if not row.failed]
    counts = Counter(row.part for row in inside)
    text = _("Subjects: {n}; {train} for training, {validation} for validation, {test} for testing.")
    words = [text.format(n=len(inside), train=counts["train"], validation=counts["validation"], test=counts["test"])]
    rest = counts["excluded"] + counts[""]
    if rest:
        words.append(_("Left out: {n}.").format(n=rest))
    if len(rows) > len(inside):
        words.append(_("Not prepared: {n}.").format(n=len(rows) - len(inside)))
    return " ".join(words)


def relatives(rows: Sequence[SubjectRow], names: Sequence[str], part: str) -> list[str]:
    """Return who else is of the persons that move to a part, so that no person is in two parts."""
    if part == "excluded":
        return []
    persons = {row.person for row in rows if row.name in names and row.person}
    inside = ("train", "validation", "test")
    return [row.name for row in rows if row.person in persons and row.name not in names and row.part in inside]


def _rowOf(path: Path, part: str) -> SubjectRow:
    try:
        info = read_json(path)
        targets, contrasts = tuple(info.get("targets") or ()), tuple(info.get("contrasts") or ())
        person = f"{info.get('collection')}/{info.get('person')}" if info.get("person") else ""
    except (BrainFMError, TypeError) as error:
        return SubjectRow(path.stem, part, problems=[str(error)], wrong=True)
    return SubjectRow(path.stem, part, info.get("scheme") is not None, contrasts, targets, person)


def _failures(folder: Path) -> list[SubjectRow]:
    try:
        failed = read_json(folder / FAILED) if (folder / FAILED).exists() else {}
    except BrainFMError:
        return []
    return [_missing(name, _reason(entry)) for name, entry in sorted(failed.items())]


def _reason(entry: object) -> str:
    parts = [str(entry.get(key) or "") for key in ("message", "hint")] if isinstance(entry, dict) else []
    return " ".join(f"{part.rstrip('.')}." for part in parts if part)


def _missing(name: str, reason: str) -> SubjectRow:
    return SubjectRow(name, problems=[reason], wrong=True, failed=True)
