"""Moving subjects between training, validation and testing: `brainfm dataset split` in the background, with Undo."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import slicer
from BrainFMLib.EngineProcess import EngineProcess, Outcome
from slicer.i18n import tr as _

from BrainFMTrainLib.DatasetRows import PARTS

MAX_UNDO = 100
NOWHERE = ""


class SplitEditor:
    """Writes one change after the other, each all or nothing.

    Attributes:
        parts: subject -> part, as the file has it.
        onChanged: called when a change was written, or refused.
        onProblem: called with message, hint and details where it was refused.
        makeEngine: makes the child process.
    """

    def __init__(self) -> None:
        self.parts: dict[str, str] = {}
        self.onChanged: Callable[[], None] = lambda: None
        self.onProblem: Callable[[str, str, str], None] = lambda message, hint, details: None
        self.makeEngine: Callable[[], EngineProcess] = EngineProcess
        self._folder: Path | None = None
        self._first: dict[str, str] = {}
        self._undo: list[dict[str, str]] = []
        self._engine: EngineProcess | None = None
        self._file: Path | None = None

    @property
    def busy(self) -> bool:
        """Whether a change is being written."""
        return self._engine is not None

    @property
    def canUndo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._undo) and not self.busy

    @property
    def canReset(self) -> bool:
        """Whether the split is another one than when the folder was chosen."""
        return bool(self._changes(self._first)) and not self.busy

    def open(self, folder: Path | None, parts: Mapping[str, str]) -> None:
        """Begin with the split of a folder; what was begun in another is finished there unseen.

        Args:
            folder: of the data set, None for none.
            parts: subject -> part of the split, NOWHERE for who is in none.
        """
        self.stop()
        if folder != self._folder:
            self._first, self._undo = dict(parts), []
        self._first = {**parts, **self._first}
        self._folder, self.parts = folder, dict(parts)

    def move(self, moves: Mapping[str, str]) -> None:
        """Put subjects into parts; who is there already is no change."""
        moves = {name: part for name, part in moves.items() if self.parts.get(name) != part}
        if moves:
            self._write(moves, {name: self.parts.get(name, NOWHERE) for name in moves}, undoing=False)

    def undo(self) -> None:
        """Take the last change back."""
        if self.canUndo:
            self._write(self._undo[-1], {}, undoing=True)

    def reset(self) -> None:
        """Put everybody back to where they were when the folder was chosen."""
        moves = self._changes(self._first)
        if moves and not self.busy:
            self._write(moves, {name: self.parts.get(name, NOWHERE) for name in moves}, undoing=False)

    def stop(self) -> None:
        """Listen no more; a change takes a moment and is written whole or not at all."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.discard()
            self._forgetFile()

    def _changes(self, wanted: Mapping[str, str]) -> dict[str, str]:
        return {name: part for name, part in wanted.items() if name in self.parts and self.parts[name] != part}

    def _write(self, moves: Mapping[str, str], back: dict[str, str], undoing: bool) -> None:
        if self.busy or self._folder is None:
            return
        lists: dict[str, list[str]] = {}
        for name, part in moves.items():
            lists.setdefault(part or "excluded", []).append(name)  # in no part is not used, as left out is not
        try:
            path = _movesFile(lists)
        except OSError as error:
            self.onProblem(_("The change cannot be written"), str(error.strerror or error), "")
            return
        engine = self._engine = self.makeEngine()
        self._file, now = path, dict(self.parts)

        def onEnd(outcome: Outcome) -> None:
            self._engine = None
            self._forgetFile()
            if outcome.state == "done":
                self.parts = now | {name: part for part, names in lists.items() for name in names}
                self._remember(back, undoing)
            else:
                self.onProblem(outcome.message, outcome.hint, outcome.details)
            self.onChanged()

        def onEvent(event: dict[str, Any]) -> None:
            if event["event"] == "split":  # with what others changed meanwhile
                now.update({name: part for part in PARTS for name in event.get(part) or ()})

        engine.onEvent, engine.onFinished = onEvent, onEnd
        engine.start(["dataset", "split", str(self._folder), "--file", str(path), "--progress", "json"])
        self.onChanged()

    def _remember(self, back: dict[str, str], undoing: bool) -> None:
        if undoing:
            self._undo.pop()
        else:
            self._undo = [*self._undo, back][-MAX_UNDO:]

    def _forgetFile(self) -> None:
        if self._file is not None:
            self._file.unlink(missing_ok=True)
            self._file = None


def _movesFile(lists: Mapping[str, list[str]]) -> Path:
    """Write a file as `brainfm dataset split --file` reads it."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix="BrainFMTrain-", suffix=".json", dir=slicer.app.temporaryPath, delete=False
    ) as file:
        json.dump(lists, file)
    return Path(file.name)
