"""A text file of lines that is kept small: full, it becomes NAME.1, that NAME.2, and the oldest goes. Torch-free."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from BrainFMEngine.durable_file import replace, sync_stream, write_durably
from BrainFMEngine.errors import FileAccessError


class RotatingLines:
    """Appends lines, each at once visible to readers; safe against a kill in the middle of a line (see `keep`).

    Args:
        path: the newest file, such as log.jsonl; older ones are log.1.jsonl, log.2.jsonl...
        max_bytes: size at which the next file begins; None never.
        files: how many there are at most.

    Raises:
        FileAccessError: here or in `write`: disk full, no permission.
    """

    def __init__(self, path: Path, max_bytes: int | None = 10_000_000, files: int = 5):
        self.path, self.max_bytes, self.files = path, max_bytes, max(1, files)
        try:
            self._open()
        except OSError as error:
            raise self._explained(error) from error

    @property
    def size(self) -> int:
        """Bytes in the newest file."""
        return self._size

    def write(self, line: str) -> None:
        """Append one line (without its end)."""
        data = line.encode() + b"\n"
        try:
            if self.max_bytes is not None and self._size and self._size + len(data) > self.max_bytes:
                self._rotate()
            self._append(data)
        except OSError as error:
            raise self._explained(error) from error

    def keep(self, wanted: Callable[[bytes], bool]) -> None:
        """Drop lines that are not `wanted`, or were cut off, from all files; each file changes at once or not at all.

        Args:
            wanted: called with each complete line, without its end.
        """
        self.close()
        try:
            for path in self.paths():
                data = path.read_bytes()
                lines = data.split(b"\n")[:-1]  # what follows the last end of a line is half a line
                kept = b"".join(line + b"\n" for line in lines if wanted(line))
                if kept != data:
                    write_durably(path, kept)
            self._open()
        except OSError as error:
            raise self._explained(error) from error

    def paths(self) -> list[Path]:
        """Return the files that are there, oldest first."""
        numbered = [self._numbered(number) for number in range(self.files - 1, 0, -1)]
        return [path for path in (*numbered, self.path) if path.exists()]

    def sync(self) -> None:
        """Make the lines survive a power loss (before a checkpoint that follows them is saved)."""
        try:
            sync_stream(self._stream)
        except OSError as error:
            raise self._explained(error) from error

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _append(self, data: bytes) -> None:
        try:
            written = 0
            while written < len(data):  # a disk that is nearly full takes a part
                written += self._stream.write(data[written:])
        except OSError:
            with suppress(OSError):
                self._stream.truncate(self._size)
            raise
        self._size += len(data)

    def _open(self) -> None:
        self._stream = open(self.path, "ab", buffering=0)
        self._size = os.fstat(self._stream.fileno()).st_size

    def _rotate(self) -> None:
        self.close()
        if self.files == 1:
            self.path.unlink()
        for number in range(self.files - 1, 0, -1):
            older = self._numbered(number)
            newer = self.path if number == 1 else self._numbered(number - 1)
            if newer.exists():
                replace(newer, older)
        self._open()

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.stem}.{number}{self.path.suffix}")

    def _explained(self, error: OSError) -> FileAccessError:
        reason = error.strerror or error
        return FileAccessError(f"{self.path} cannot be written: {reason}", "Check free disk space and permissions.")
