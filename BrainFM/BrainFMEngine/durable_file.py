"""Files that are either old or new, never half: written aside, synced, renamed. Survives SIGKILL and power loss.

One process writes a given path at a time (a folder's lock sees to that): the temporary file's name is fixed, so that
one that a killed process left behind is overwritten by the next attempt instead of filling the disk.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

REPLACE_SECONDS = 3.0
"""How long a rename is tried again while a virus scanner or a reader (Windows) holds the file."""
PATIENT = os.name == "nt"
"""Elsewhere a rename that is refused is not allowed at all."""


def temporary_of(path: Path) -> Path:
    """Return where `path` is written before it takes its name: the same folder, hence the same file system."""
    return path.with_name(f".{path.name}.tmp")


def sync_stream(stream: IO[bytes]) -> None:
    """Make the stream's bytes survive a power loss."""
    stream.flush()
    if sys.platform == "darwin":  # there, fsync leaves the bytes in the drive's cache
        import fcntl

        with suppress(OSError):
            fcntl.fcntl(stream.fileno(), fcntl.F_FULLFSYNC)
            return
    os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power loss, where the system can (Windows does it by itself)."""
    if os.name == "nt":
        return
    with suppress(OSError):  # some network drives refuse
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def replace(source: Path, target: Path) -> None:
    """Rename `source` to `target`, replacing it at once; patient with others that hold the target open (Windows).

    Raises:
        OSError: it did not work for `REPLACE_SECONDS`.
    """
    patience = time.monotonic() + (REPLACE_SECONDS if PATIENT else 0.0)
    while True:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if time.monotonic() >= patience:
                raise
            time.sleep(0.02)


@contextmanager
def staged(path: Path, sync: bool = True) -> Iterator[IO[bytes]]:
    """Give a stream whose bytes lie, synced, in `temporary_of(path)` when the block ends; gone if the block fails.

    Args:
        path: where the file will be once `replace` is called.
        sync: False for files whose loss in a power cut does not matter.

    Raises:
        OSError: disk full, no permission.
    """
    temporary = temporary_of(path)
    try:
        with open(temporary, "wb") as stream:
            yield stream
            if sync:
                sync_stream(stream)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def write_durably(path: Path, data: bytes | memoryview, sync: bool = True) -> None:
    """Write `data` to `path`, which holds its old or its new content at every instant.

    Raises:
        OSError: disk full, no permission; `path` is as it was.
    """
    with staged(path, sync) as stream:
        stream.write(data)
    try:
        replace(temporary_of(path), path)
    except BaseException:
        with suppress(OSError):
            temporary_of(path).unlink(missing_ok=True)
        raise
    if sync:
        sync_folder(path.parent)
