"""Small pictures of subjects, made by `brainfm dataset picture` in the background; the latest one asked for counts."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import slicer
from BrainFMLib.EngineProcess import EngineProcess, Outcome
from slicer.i18n import tr as _

KEPT = 200
"""Most pictures that are kept until the module goes."""


class SubjectPictures:
    """Asks for one picture at a time; those that were made are kept as long as the subject's file is the same.

    Attributes:
        onPicture: called with the PNG file of the subject that was asked for last.
        onProblem: called with a sentence instead.
        makeEngine: makes the child process.
    """

    def __init__(self) -> None:
        self.onPicture: Callable[[Path], None] = lambda path: None
        self.onProblem: Callable[[str], None] = lambda text: None
        self.makeEngine: Callable[[], EngineProcess] = EngineProcess
        self._engine: EngineProcess | None = None
        self._folder: Path | None = None
        self._made: dict[tuple[str, str, int], Path] = {}
        self._count = 0

    @property
    def running(self) -> bool:
        """Whether one is being made."""
        return self._engine is not None

    def ask(self, dataset: Path, subject: str) -> None:
        """Ask for the picture of a subject; the one that is being made is not waited for."""
        self.forget()
        key = (str(dataset), subject, _changedAt(dataset / "subjects" / f"{subject}.npz"))
        if key in self._made and self._made[key].is_file():
            self.onPicture(self._made[key])
            return
        try:
            target = self._target()
        except OSError as error:
            text = _("There is no place for the picture: {reason}.")
            self.onProblem(text.format(reason=error.strerror or error))
            return
        engine = self._engine = self.makeEngine()
        engine.onFinished = lambda outcome: self._onFinished(outcome, key, target)
        engine.start(["dataset", "picture", str(dataset), subject, "-o", str(target), "--progress", "json"])

    def forget(self) -> None:
        """Do not wait for what was asked."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.discard()

    def stop(self) -> None:
        """End the work and delete the pictures."""
        self.forget()
        folder, self._folder = self._folder, None
        self._made.clear()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _target(self) -> Path:
        if self._folder is None or not self._folder.is_dir():
            self._folder = Path(tempfile.mkdtemp(prefix="BrainFMTrain-", dir=slicer.app.temporaryPath))
        self._count += 1
        return self._folder / f"{self._count}.png"

    def _onFinished(self, outcome: Outcome, key: tuple[str, str, int], target: Path) -> None:
        self._engine = None
        if outcome.state != "done" or not target.is_file():
            self.onProblem(outcome.sentence or _("There is no picture."))
            return
        self._made[key] = target
        while len(self._made) > KEPT:
            self._made.pop(next(iter(self._made))).unlink(missing_ok=True)
        self.onPicture(target)


def _changedAt(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
