"""The steps of a run from its log, as they come, a little at a time: log.jsonl and the older files beside it."""

from __future__ import annotations

import json
import os
import time
from collections import deque
from pathlib import Path
from typing import Any

from BrainFMEngine.training.logbook import LOG_FILES, LOG_NAME

BLOCK_BYTES = 1 << 16


class RunLogTail:
    """Reads each line once. A log that was rewritten (a run that went on from a checkpoint) begins anew.

    Attributes:
        restarted: whether `read` began anew since the last time this was set to False: forget what it gave before.
        caughtUp: whether there was nothing more to read.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.restarted, self.caughtUp = True, False
        self._file: tuple[int, int] | None = None
        self._offset = 0
        self._begun = b""
        self._older: deque[Path] = deque(self._olderFiles())

    def read(self, seconds: float) -> list[dict[str, Any]]:
        """Return the next steps, reading for about so long."""
        deadline, steps = time.perf_counter() + seconds, []
        self.caughtUp = False
        while time.perf_counter() < deadline and not self.caughtUp:
            path = self._older[0] if self._older else self._current()
            block = self._block(path) if path is not None else b""
            if block:
                steps += self._stepsIn(block)
            elif self._older:
                self._older.popleft()
                self._file, self._offset, self._begun = None, 0, b""
            else:
                self.caughtUp = True
        return steps

    def _olderFiles(self) -> list[Path]:
        stem, ending = os.path.splitext(LOG_NAME)
        paths = [self.folder / f"{stem}.{number}{ending}" for number in range(LOG_FILES - 1, 0, -1)]
        return [path for path in paths if path.exists()]

    def _current(self) -> Path | None:
        """Return the file to go on with: the newest, or what became of it."""
        newest = self.folder / LOG_NAME
        found = _identity(newest)
        if found is None:
            return None
        if self._file is None or (found[0] == self._file[0] and found[1] >= self._offset):
            self._file = found
            return newest
        rotated = next((path for path in self._olderFiles() if (_identity(path) or (0, 0))[0] == self._file[0]), None)
        if rotated is not None and self._offset < (_identity(rotated) or (0, 0))[1]:
            return rotated
        if rotated is None:  # rewritten
            self.restarted = True
            self._older = deque(self._olderFiles())
        self._file, self._offset, self._begun = None, 0, b""
        return self._older[0] if self._older else newest

    def _block(self, path: Path) -> bytes:
        try:
            with open(path, "rb") as stream:
                stream.seek(self._offset)
                block = stream.read(BLOCK_BYTES)
        except OSError:  # deleted, or being replaced just now
            return b""
        self._offset += len(block)
        return block

    def _stepsIn(self, block: bytes) -> list[dict[str, Any]]:
        *lines, self._begun = (self._begun + block).split(b"\n")
        return [step for line in lines if (step := _stepOf(line)) is not None]


def _identity(path: Path) -> tuple[int, int] | None:
    """Return which file a path names now, and its size."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_ino, status.st_size


def _stepOf(line: bytes) -> dict[str, Any] | None:
    try:
        step = json.loads(line)
    except ValueError:
        return None
    return step if isinstance(step, dict) and isinstance(step.get("step"), int) else None
