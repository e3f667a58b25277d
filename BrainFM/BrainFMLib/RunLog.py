"""The log of one run: its last lines in memory, the rest in two files that take turns. Knows nothing of Qt."""

from __future__ import annotations

import os
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO

KEPT_LINES = 400
SHOWN_LINES = 100
"""Most lines that are handed on at once."""
MAX_TEXT = 2000
"""Longest line, in characters."""
FILE_BYTES = 1 << 20
BYTES_PER_SECOND = 256 << 10
"""Most that is written to the file: a program that prints without end must not keep the disk busy."""
FILE_NAME = "engine.log"
FORMER_NAME = "engine.former.log"


class RunLog:
    """Keeps lines; a file is written if a folder is given.

    Attributes:
        path: the file, None without a folder or if it cannot be written.
    """

    def __init__(self, folder: Path | None = None):
        self.path = None if folder is None else folder / FILE_NAME
        self._tail: deque[str] = deque(maxlen=KEPT_LINES)
        self._new: deque[str] = deque(maxlen=SHOWN_LINES)
        self._left_out = 0
        self._file: BinaryIO | None = None
        self._second, self._written, self._unwritten = 0, 0, 0

    def add(self, text: str) -> None:
        """Append a line; empty ones are left out."""
        if not text:
            return
        text = text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]} […]"
        self._tail.append(text)
        self._left_out += len(self._new) == SHOWN_LINES
        self._new.append(text)
        if self.path is not None:
            self._write(text)

    def text(self) -> str:
        """Return the last lines."""
        return "\n".join(self._tail)

    def takeNew(self) -> str:
        """Return the lines since the last call, joined; of very many only the last."""
        lines = [f"[{self._left_out} lines are not shown]"] if self._left_out else []
        lines += self._new
        self._new.clear()
        self._left_out = 0
        return "\n".join(lines)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, text: str) -> None:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._written = second, 0
        if self._written > BYTES_PER_SECOND:
            self._unwritten += 1
            return
        note = f"[{self._unwritten} lines are not in this file]\n" if self._unwritten else ""
        self._unwritten = 0
        data = f"{note}{text}\n".encode("utf-8", "replace")
        self._written += len(data)
        try:
            self._open().write(data)
        except OSError:  # the log is an aid: a full disk is told by what the run itself writes
            self.close()
            self.path = None

    def _open(self) -> BinaryIO:
        assert self.path is not None
        if self._file is not None and self._file.tell() > FILE_BYTES:
            self.close()
            os.replace(self.path, self.path.with_name(FORMER_NAME))
        if self._file is None:
            self._file = open(self.path, "ab")
        return self._file
