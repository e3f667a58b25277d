"""One process at work in a folder: the operating system's lock, which a killed process cannot leave behind.

The lock's file says who holds it (process id, host, start); whether anybody does, only the lock itself says.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from BrainFMEngine.errors import FileAccessError, UsageError

PATIENCE_SECONDS = 1.0
"""A lock that is only being looked at by another process is free again within this time."""
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
_WINDOWS_OFFSET = 1 << 20
"""Windows forbids others to read locked bytes, so one far behind the text is locked."""
_held: set[IO[bytes]] = set()


@dataclass(frozen=True)
class LockHolder:
    """Who works, or worked last, in a folder; `started` in seconds since 1970."""

    pid: int
    host: str
    started: float

    def __str__(self) -> str:
        began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.started))
        return f"process {self.pid} on {self.host}, started {began}"


class FolderLock:
    """The lock of a folder; released by `release` or, whatever happens, by the end of the process. A context manager.

    Args:
        path: of the lock's file, in the folder that it locks, which is made if it is not there.
        work: what is done there, "training".

    Attributes:
        stale: who held the lock and died without releasing it, None if the last one ended well.

    Raises:
        UsageError: another process works there; the message names it.
        FileAccessError: the folder cannot be written to.
    """

    def __init__(self, path: Path, work: str):
        self.path, self._work = path, work
        self._stream: IO[bytes] | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            stream = self._take()
        except OSError as error:
            hint = "Check permissions and free space, or choose another folder."
            raise FileAccessError(f"cannot lock {self.path}: {error.strerror or error}", hint) from error
        self._stream = stream
        _held.add(stream)

    def release(self, remove: bool = False) -> None:
        """Let others work here, and delete the lock file if asked to; harmless if called twice."""
        if self._stream is not None:
            if remove and self.is_ours and sys.platform != "win32":  # now; who waits for it sees that it is gone
                self.path.unlink(missing_ok=True)
            with suppress(OSError, ValueError):  # closed already in a forked child, whose parent keeps the lock
                self._stream.truncate(0)
                _unlock(self._stream)
            _held.discard(self._stream)
            self._stream.close()
            self._stream = None
            if remove and sys.platform == "win32":  # where an open file cannot be deleted
                with suppress(OSError):
                    self.path.unlink(missing_ok=True)

    @property
    def is_ours(self) -> bool:
        """Whether the lock's file is still the one that was locked; if it was deleted, others can lock a new one."""
        if self._stream is None:
            return False
        try:
            return _is_file_of(self._stream, self.path)
        except OSError:  # a network drive does not answer: nothing says that the file is gone
            return True

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release(remove=True)

    def _take(self) -> IO[bytes]:
        """Open and lock the file; again if its last holder deleted it in between."""
        while True:
            stream = _open(self.path)
            try:
                self.stale = self._acquire(stream)
                if _is_file_of(stream, self.path):
                    return stream
            except BaseException:
                stream.close()
                raise
            stream.close()

    def _acquire(self, stream: IO[bytes]) -> LockHolder | None:
        locked = self._lock_patiently(stream)
        stale = read_holder(self.path)
        if not locked and stale is not None and not _is_gone(stale):
            raise self._in_use(stale, f"If that process is certainly gone, delete {self.path.name}.")
        try:
            _write_holder(stream)
        except OSError:
            if not locked:
                raise  # otherwise it is only for people, and a full disk is told about with what matters
        return stale

    def _lock_patiently(self, stream: IO[bytes]) -> bool:
        """Return True with the lock, False where the file system knows none; UsageError if another has it."""
        patience = time.monotonic() + PATIENCE_SECONDS
        try:
            while not _try_lock(stream):
                if time.monotonic() >= patience:
                    raise self._in_use(read_holder(self.path), "Stop it, or choose another folder.")
                time.sleep(0.05)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return False
        return True

    def _in_use(self, holder: LockHolder | None, hint: str) -> UsageError:
        return UsageError(f"{self.path.parent} is in use for {self._work} by {holder or 'another process'}", hint)


def is_locked(path: Path) -> bool | None:
    """Tell whether a process holds the lock of that file; None where the file system knows no locks."""
    try:
        stream = open(path, "rb+")
    except FileNotFoundError:
        return False
    except OSError:
        return None
    with stream:
        try:
            free = _try_lock(stream, shared=True)
        except OSError:
            return None
        if free:
            _unlock(stream)
        return not free


def read_holder(path: Path) -> LockHolder | None:
    """Return who wrote the lock file last, None if that one ended well or nothing can be read."""
    try:
        record = json.loads(path.read_bytes())
        return LockHolder(int(record["pid"]), str(record["host"]), float(record["started"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _open(path: Path) -> IO[bytes]:
    return open(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644), "rb+", buffering=0)


def _is_file_of(stream: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(path))
    except (FileNotFoundError, NotADirectoryError):
        return False


def _write_holder(stream: IO[bytes]) -> None:
    text = json.dumps(asdict(LockHolder(os.getpid(), socket.gethostname(), time.time())))
    stream.seek(0)
    stream.write(text.encode())
    stream.truncate(len(text))


def _is_gone(holder: LockHolder) -> bool:
    """Tell whether a process of this computer has certainly ended; only asked where there are no locks."""
    if holder.host != socket.gethostname() or sys.platform == "win32":
        return False
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


if sys.platform == "win32":
    import msvcrt

    def _try_lock(stream: IO[bytes], shared: bool = False) -> bool:
        stream.seek(_WINDOWS_OFFSET)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EDEADLK):
                return False
            raise
        return True

    def _unlock(stream: IO[bytes]) -> None:
        stream.seek(_WINDOWS_OFFSET)
        msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(stream: IO[bytes], shared: bool = False) -> bool:
        try:
            fcntl.flock(stream.fileno(), (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return False
            raise
        return True

    def _unlock(stream: IO[bytes]) -> None:
        fcntl.flock(stream.fileno(), fcntl.LOCK_UN)


def _close_in_child() -> None:
    """A forked child would keep the lock alive after its parent was killed; closing a copy does not release it."""
    for stream in _held:
        with suppress(OSError):
            stream.close()
    _held.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
