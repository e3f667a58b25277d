"""From the bytes of a pipe to lines and events, a little at a time and within bounds. Knows nothing of Qt."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterator
from typing import Any

MAX_LINE = 1 << 20
"""Longest line in bytes that is kept."""
MAX_WAITING = 4 << 20
"""How many bytes may wait; of more the oldest are lost, since the last line tells how a run ended."""


class LineReader:
    """Takes bytes as they come, gives complete lines; `lost` counts the bytes that were too much."""

    def __init__(self) -> None:
        self.lost = 0
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._lines: deque[bytes] = deque()
        self._begun = b""
        self._skipping = False  # until the end of a line whose beginning is lost

    @property
    def busy(self) -> bool:
        """Whether there are lines that were not taken yet."""
        return bool(self._lines or self._waiting)

    def add(self, data: bytes) -> None:
        """Append what the pipe gave."""
        if not data:
            return
        self._waiting.append(data)
        self._size += len(data)
        while self._size > MAX_WAITING and len(self._waiting) > 1:
            oldest = self._waiting.popleft()
            self._size -= len(oldest)
            self._lose(len(oldest))

    def end(self) -> None:
        """Count what was begun as a line: nothing more comes."""
        self.add(b"\n")

    def lines(self, seconds: float) -> Iterator[bytes]:
        """Yield complete lines, without their ends, for about so long; what is left is for the next call."""
        deadline = time.perf_counter() + seconds
        while self.busy and time.perf_counter() < deadline:
            if not self._lines:
                self._split(self._waiting.popleft())
            if self._lines:
                yield self._lines.popleft()

    def _split(self, data: bytes) -> None:
        self._size -= len(data)
        first, *others = data.split(b"\n")
        self._begin(first)
        if not others:
            return
        if not self._skipping:
            self._lines.append(self._begun)
        self._lines.extend(others[:-1])
        self._begun, self._skipping = b"", False
        self._begin(others[-1])

    def _begin(self, part: bytes) -> None:
        if self._skipping:
            self.lost += len(part)
        elif len(self._begun) + len(part) > MAX_LINE:
            self._lose(len(part))
        else:
            self._begun += part

    def _lose(self, count: int) -> None:
        self.lost += count + len(self._begun)
        self._begun, self._skipping = b"", True


def eventOf(line: bytes) -> dict[str, Any] | None:
    """Return the event that a line is, None if it is text."""
    if not line.startswith(b"{"):
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def textOf(line: bytes) -> str:
    """Return a line as text for people: of a bar that was drawn over and over only the last state."""
    return line.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2].rstrip()
