"""The lines of a file that grows, is rotated, cut or written anew: each once, a block at a time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES = 1 << 15
"""Most bytes of one read."""
MAX_LINE = 1 << 18
"""A longer line is no line of ours; it is left out."""
_HEAD_BYTES = 128


@dataclass(frozen=True)
class _Identity:
    """Which file a name stands for now: its number and its first bytes, since numbers are used again."""

    number: int
    head: bytes
    size: int

    def isSame(self, before: _Identity) -> bool:
        """Whether this is the file of before, perhaps longer."""
        return self.number == before.number and self.head.startswith(before.head)


class LineTail:
    """Follows NAME.ext, and the older NAME.1.ext, NAME.2.ext… that rotation made of it.

    Args:
        path: the newest file; it need not be there yet.
        files: how many there are at most, the newest included.

    Attributes:
        restarted: whether reading began anew since the last time this was set to False: forget what came before.
        caughtUp: whether there was nothing more to read.
    """

    def __init__(self, path: Path, files: int = 1):
        self.path, self.files = path, files
        self.restarted, self.caughtUp = False, False
        self._file: _Identity | None = None
        self._offset = 0
        self._begun = b""
        self._skipping = False

    def readBlock(self) -> list[bytes]:
        """Return the next complete lines; none when it has caught up."""
        path = self._locate()
        block = _read(path, self._offset) if path is not None else b""
        self.caughtUp = not block
        self._offset += len(block)
        return self._split(block)

    def _locate(self) -> Path | None:
        """Return the file to go on with, None if all are read."""
        if self._file is not None:
            found = _identify(self.path)
            if found is not None and found.isSame(self._file) and found.size >= self._offset:
                self._file = found
                return self.path if found.size > self._offset else None
        paths = [path for path in self._paths() if path.exists()]
        if not paths:
            return None
        if self._file is None:
            return self._begin(paths[0])
        place = self._placeIn(paths)
        if place is None:
            place = self._placeIn(paths)  # it may have been rotated while we looked
        if place is None:
            self.restarted = True
            return self._begin(paths[0])
        if place + 1 < len(paths) and self._isRead(paths[place]):
            return self._begin(paths[place + 1])
        return paths[place]

    def _paths(self) -> list[Path]:
        """Return where the files are, oldest first."""
        stem, ending = self.path.stem, self.path.suffix
        older = [self.path.with_name(f"{stem}.{number}{ending}") for number in range(self.files - 1, 0, -1)]
        return [*older, self.path]

    def _placeIn(self, paths: list[Path]) -> int | None:
        """Return where our file is now, None if it is gone or was cut."""
        assert self._file is not None
        for place, path in enumerate(paths):
            found = _identify(path)
            if found is not None and found.isSame(self._file) and found.size >= self._offset:
                return place
        return None

    def _isRead(self, path: Path) -> bool:
        found = _identify(path)
        return found is None or found.size <= self._offset

    def _begin(self, path: Path) -> Path:
        self._file = _identify(path)
        self._offset, self._begun, self._skipping = 0, b"", False
        return path

    def _split(self, block: bytes) -> list[bytes]:
        *lines, rest = (self._begun + block).split(b"\n")
        if lines and self._skipping:
            del lines[0]
            self._skipping = False
        self._begun = b"" if self._skipping else rest
        if len(self._begun) > MAX_LINE:
            self._begun, self._skipping = b"", True
        return lines


def _identify(path: Path) -> _Identity | None:
    try:
        with open(path, "rb") as stream:
            status = os.fstat(stream.fileno())
            return _Identity(status.st_ino, stream.read(_HEAD_BYTES), status.st_size)
    except OSError:  # deleted, or being replaced just now
        return None


def _read(path: Path, offset: int) -> bytes:
    try:
        with open(path, "rb") as stream:
            stream.seek(offset)
            return stream.read(BLOCK_BYTES)
    except OSError:
        return b""
