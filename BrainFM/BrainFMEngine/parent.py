"""What the program that started this one can ask of it: a session of its own, and to stop by standard input.

Only the standard library is used. Slicer starts the engine this way; a shell may do so, too.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

OWN_SESSION = "BRAINFM_OWN_SESSION"
"""Environment variable that asks for a session of its own."""
MAX_LINE = 4096
POLL_SECONDS = 0.1
_PIPE_ENDED = (109, 232, 233)  # Windows: broken pipe, pipe being closed, no process at the other end


def start_own_session() -> None:
    """Begin a session if BRAINFM_OWN_SESSION asks for it, so that every process that comes of this one can be found.

    Windows has no sessions of this kind; there the tree of processes is ended through its parent.
    """
    if os.environ.pop(OWN_SESSION, "") and hasattr(os, "setsid"):
        try:
            os.setsid()
        except PermissionError:
            return  # this process leads a group already


def wait_for_stop(descriptor: int = 0) -> str:
    """Wait until standard input says "stop" in a line of its own, or ends; return which, in a few words.

    Args:
        descriptor: the number of the file to read.
    """
    if descriptor == 0 and sys.stdin is None:  # closed from the start: its number may be another file's by now
        return "the end of standard input"
    line = b""
    for block in read_blocks(descriptor):
        *complete, line = (line + block).split(b"\n")
        line = line[-MAX_LINE:]
        if any(text.strip().lower() == b"stop" for text in complete):
            return "a line on standard input"
    return "a line on standard input" if line.strip().lower() == b"stop" else "the end of standard input"


def read_blocks(descriptor: int) -> Iterator[bytes]:
    """Yield what arrives at a file descriptor until it ends.

    The descriptor itself is read: a thread inside `sys.stdin` would hold its lock when Python ends.
    """
    while True:
        if sys.platform == "win32" and not _wait_for_pipe(descriptor):
            return
        try:
            block = os.read(descriptor, MAX_LINE)
        except OSError:
            return
        if not block:
            return
        yield block


def _wait_for_pipe(descriptor: int) -> bool:
    """Wait until a pipe of Windows has something to read; False if it ended.

    While a read waits, Windows holds up everyone else who looks at the pipe. Libraries do look at standard input
    when they are loaded (libgfortran below NumPy's and SciPy's OpenBLAS), so a waiting read blocks their import:
    https://github.com/numpy/numpy/issues/24290
    """
    if sys.platform != "win32":
        return True
    import ctypes
    import msvcrt

    kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    waiting = ctypes.c_ulong(0)
    while True:
        try:
            handle = ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
        except OSError:
            return False
        if not kernel32.PeekNamedPipe(handle, None, 0, None, ctypes.byref(waiting), None):
            return ctypes.get_last_error() not in _PIPE_ENDED  # a console or a file: nothing waits there to be held up
        if waiting.value:
            return True
        time.sleep(POLL_SECONDS)
