"""Every request to end becomes an exception, so that everything half-done is cleaned up on the way out."""

from __future__ import annotations

import _thread
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from BrainFMEngine.errors import CancelledError
from BrainFMEngine.parent import wait_for_stop

GRACE_SECONDS = 10.0
"""How long cleaning up may take after standard input ended; the program that asked may be gone."""


class Interrupted(BaseException):
    """The user or the system asked the program to end."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise Interrupted at the first SIGINT, SIGTERM or (Windows) SIGBREAK; ignore more, cleaning up is under way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if not asked:
            asked = True
            raise Interrupted()

    names = [name for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), interrupt) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


@contextmanager
def stopped_by_stdin(wanted: bool, descriptor: int = 0) -> Iterator[None]:
    """Interrupt the block, as Ctrl-C does, when standard input says "stop" or ends; end the process if that takes long.

    Args:
        wanted: False does nothing.
        descriptor: file descriptor of standard input; it may be read to its end, also after the block.
    """
    if not wanted:
        yield
        return
    finished = threading.Event()

    def listen() -> None:
        wait_for_stop(descriptor)
        if finished.is_set():
            return
        _interrupt_main_thread()
        if not finished.wait(GRACE_SECONDS):
            os._exit(CancelledError.code)

    threading.Thread(target=listen, name="standard input", daemon=True).start()
    try:
        yield
    finally:
        finished.set()


def _interrupt_main_thread() -> None:
    """Send the main thread a SIGINT of its own; a real one, where there are, also ends a system call that waits."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main(signal.SIGINT)
