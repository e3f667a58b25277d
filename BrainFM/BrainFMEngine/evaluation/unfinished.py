"""An evaluation that goes on where it was stopped: a file for each input, until all results are written together.

The folder `unfinished` lies where the results will be. What is in it is complete: files are renamed into it.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from BrainFMEngine.dataset.files import read_json, write_file, write_json
from BrainFMEngine.errors import BrainFMError, FileAccessError, UsageError
from BrainFMEngine.evaluation.row import Row
from BrainFMEngine.folder_lock import FolderLock

if TYPE_CHECKING:
    from PIL.Image import Image

FOLDER, FACTS, LOCK = "unfinished", "evaluation.json", "evaluate.lock"
SHOWN_SUBJECTS = 3

Place = tuple[int, int]
"""Number of a subject, and of one of its inputs, from 0."""


@dataclass(frozen=True)
class Facts:
    """What decides the numbers; an evaluation goes on only if all of it is the same.

    Attributes:
        model: SHA-256 of the weights.
        subjects: name -> SHA-256 of its file, "" where that cannot be told.
        options: name -> value.
        version: of the program.
    """

    model: str
    subjects: dict[str, str]
    options: dict[str, Any]
    version: str


@dataclass(frozen=True)
class Measured:
    """What one input gave.

    Attributes:
        subject, input: which one.
        inputs: how many its subject has.
        rows: the numbers.
        warnings: what was doubtful.
        picture: name of the file that shows it, if there is one.
    """

    subject: str
    input: str
    inputs: int
    rows: list[Row]
    warnings: list[str]
    picture: str | None = None


class NotKeptError(FileAccessError):
    """What an input gave cannot be written: nothing after it could be, either (exit code 3)."""


class Unfinished:
    """The work so far. A context manager, which takes a folder without any work away again.

    Args:
        folder: where the results will be; made if it is not there.
        facts: of this evaluation.
        resume: go on; otherwise what is there is removed.
        overwrite: whether results that are there may be replaced; once said, it need not be said again to go on.

    Attributes:
        done: place -> what was measured.
        overwrite: as given now or at the beginning.

    Raises:
        UsageError: another process evaluates here; or the work there is of another model, data set or way to measure.
        FileAccessError: the folder cannot be read or written.
    """

    def __init__(self, folder: Path, facts: Facts, resume: bool, overwrite: bool):
        self._results, self._folder = folder, folder / FOLDER
        self._existed = folder.exists()
        self.done: dict[Place, Measured] = {}
        self.overwrite = overwrite
        self._lock = FolderLock(self._folder / LOCK, "evaluation")
        try:
            if resume:
                self._go_on(facts)
            else:
                self._begin(facts)
        except BaseException:
            self._leave(remove=not resume)
            raise

    def keep(self, place: Place, measured: Measured, picture: Image | None = None) -> None:
        """Write what an input gave.

        Raises:
            NotKeptError: the disk is full, say.
        """
        try:
            if picture is not None and measured.picture is not None:
                write_file(self._folder / measured.picture, _as_png(picture))
            write_json(self._file(place), asdict(measured))
        except FileAccessError as error:
            raise NotKeptError(error.message, f"{error.hint} Then go on with --resume.") from error
        self.done[place] = measured

    def of_subject(self, number: int) -> list[Measured]:
        """Return what was measured of a subject."""
        return [measured for (subject, _), measured in self.done.items() if subject == number]

    def drop_subject(self, number: int) -> None:
        """Forget a subject that failed."""
        for place in [place for place in self.done if place[0] == number]:
            measured = self.done.pop(place)
            self._file(place).unlink(missing_ok=True)
            if measured.picture:
                (self._folder / measured.picture).unlink(missing_ok=True)

    def copy_pictures(self, folder: Path) -> list[str]:
        """Copy the pictures to another folder and return their names, in the order of the inputs."""
        there = [self.done[place].picture for place in sorted(self.done)]
        names = [name for name in there if name and (self._folder / name).exists()]
        for name in names:
            shutil.copyfile(self._folder / name, folder / name)
        return names

    def remove(self) -> None:
        """Take everything away, once the results are written."""
        self.done.clear()

    def __enter__(self) -> Unfinished:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave(remove=not self.done)

    def _leave(self, remove: bool) -> None:
        self._lock.release(remove=True)
        if remove:
            shutil.rmtree(self._folder, ignore_errors=True)
            if not self._existed:
                with suppress(OSError):
                    self._results.rmdir()  # only if nothing came of it

    def _file(self, place: Place) -> Path:
        return self._folder / f"{place[0] + 1:05d}-{place[1] + 1:02d}.json"

    def _begin(self, facts: Facts) -> None:
        for path in self._folder.iterdir():
            if path.name != LOCK:
                path.unlink()
        write_json(self._folder / FACTS, {"overwrite": self.overwrite, **asdict(facts)})

    def _go_on(self, facts: Facts) -> None:
        before = read_json(self._folder / FACTS)
        self.overwrite |= bool(before.pop("overwrite", False))
        reason = _difference(before, facts)
        if reason:
            hint = "Restore it, choose another folder, or begin anew with --overwrite."
            raise UsageError(f"the unfinished evaluation in {self._results} {reason}", hint)
        for path in sorted(self._folder.glob("*-*.json")):
            with suppress(BrainFMError, ValueError, KeyError, TypeError):  # damaged: measured again
                subject, number = (int(word) - 1 for word in path.stem.split("-"))
                record = read_json(path)
                rows = [Row(**row) for row in record.pop("rows")]
                self.done[subject, number] = Measured(**record, rows=rows)


def is_unfinished(folder: Path) -> bool:
    """Tell whether a folder holds an evaluation that was not finished."""
    return (folder / FOLDER / FACTS).exists()


def _difference(before: dict[str, Any], facts: Facts) -> str:
    """Return how an evaluation differs from the one that was begun, "" if it does not."""
    if before.get("model") != facts.model:
        return "is of another model"
    known = before.get("subjects", {})
    changed = sorted(name for name in {**known, **facts.subjects} if known.get(name) != facts.subjects.get(name))
    if changed:
        listed = ", ".join(changed[:SHOWN_SUBJECTS]) + (", …" if len(changed) > SHOWN_SUBJECTS else "")
        return f"is of another data set ({listed} changed)"
    given = before.get("options", {})
    for name, value in facts.options.items():
        if given.get(name) != value:
            return f"was begun with {name} {given.get(name)}, not {value}"
    return "" if before.get("version") == facts.version else f"was begun with brainfm {before.get('version')}"


def _as_png(picture: Image) -> bytes:
    from io import BytesIO

    stream = BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()
