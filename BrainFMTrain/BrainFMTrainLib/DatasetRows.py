"""What a prepared data set holds, from its small files: who is in it, for what part, with which targets."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

from BrainFMEngine.dataset.files import read_json
from BrainFMEngine.errors import BrainFMError
from slicer.i18n import tr as _

HEADER, SPLIT, SUBJECTS = "dataset.json", "split.json", "subjects"
PARTS = ("train", "validation", "test", "excluded")


@dataclass
class SubjectRow:
    """One subject.

    Attributes:
        name: of the subject.
        part: of the split; "" if it is in none.
        labels: whether it has a label map.
        contrasts: its own images.
        targets: what can be learnt from it.
        problems: what a check found; None before a check.
        wrong: whether a problem keeps it from being used.
    """

    name: str
    part: str = ""
    labels: bool = False
    contrasts: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    problems: list[str] | None = field(default=None)
    wrong: bool = False

    def partTitle(self) -> str:
        """Return the part in words."""
        titles = {
            "train": _("training"),
            "validation": _("validation"),
            "test": _("testing"),
            "excluded": _("left out"),
        }
        return titles.get(self.part, _("none"))

    def contents(self) -> str:
        """Return what it has, in words."""
        words = {"segmentation": _("labels"), "distance": _("distances"), "registration": _("atlas coordinates")}
        has = [words.get(target, target) for target in self.targets]
        if self.labels and words["segmentation"] not in has:
            has.insert(0, words["segmentation"])
        return ", ".join([*has, *self.contrasts])


def isDataset(folder: Path | None) -> bool:
    """Return whether a folder is a prepared data set."""
    return folder is not None and (folder / HEADER).is_file()


def subjectSteps(folder: Path) -> Generator[SubjectRow, None, list[SubjectRow]]:
    """Yield one subject after the other, as work in steps; returns all rows, sorted by name.

    Raises:
        BrainFMError: the split cannot be read.
    """
    split = read_json(folder / SPLIT) if (folder / SPLIT).exists() else {}
    partOf = {name: part for part in PARTS for name in split.get(part) or ()}
    rows = []
    for path in sorted((folder / SUBJECTS).glob("*.json")):
        if not path.name.startswith("."):
            rows.append(_rowOf(path, partOf.get(path.stem, "")))
            yield rows[-1]
    return rows


def _rowOf(path: Path, part: str) -> SubjectRow:
    try:
        info = read_json(path)
    except BrainFMError as error:
        return SubjectRow(path.stem, part, problems=[str(error)], wrong=True)
    targets, contrasts = tuple(info.get("targets") or ()), tuple(info.get("contrasts") or ())
    return SubjectRow(path.stem, part, info.get("scheme") is not None, contrasts, targets)
