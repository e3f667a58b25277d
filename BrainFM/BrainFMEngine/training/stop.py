"""Every way a run is asked to end early: signals, a word or the end of standard input, a file, a deadline. Torch-free.

The request is only noted; the trainer finishes its step, saves and ends. A second signal ends the process at once.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from BrainFMEngine.parent import MAX_LINE, read_blocks

SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP")
SAME_REQUEST_SECONDS = 0.5
"""Ctrl-C reaches a group of processes more than once; signals so close together are one request."""
FILE_SECONDS = 0.5
"""How often the stop file is looked for."""
EXIT_CODE = 130


class StopSignal:
    """Notes the first request to stop while its block runs. A context manager, for the main thread.

    With several processes, every rank must act on the same request in the same step: let rank 0's decide.

    Args:
        stop_file: a file whose appearance asks to stop (`RunFolder`'s "stop"); None to look for none.
        minutes: stop that long after this object was made; None for no deadline.
        stdin_line: whether a line "stop" on standard input asks to stop.
        stdin_end: whether the end of standard input does: the program that started this one is gone.
        stdin: file descriptor of standard input. It is read to its end, also after the block.
    """

    def __init__(
        self,
        stop_file: Path | None = None,
        minutes: float | None = None,
        stdin_line: bool = False,
        stdin_end: bool = False,
        stdin: int = 0,
    ):
        self.stop_file = stop_file
        self.deadline = None if minutes is None else time.monotonic() + 60.0 * minutes
        self.stdin_line, self.stdin_end, self.stdin = stdin_line, stdin_end, stdin
        self._reserve = 0.0
        self._reason: str | None = None
        self._looked = float("-inf")
        self._handlers: dict[int, Any] = {}
        self._alarm: tuple[socket.socket, socket.socket] | None = None

    @property
    def requested(self) -> str | None:
        """Why to stop, as a few words ("SIGTERM", "the stop file"), or None; once it is a reason it stays that."""
        if self._reason is None:
            self._reason = self._overdue() or self._file_there()
        return self._reason

    @property
    def seconds_left(self) -> float | None:
        """Time until the deadline, None without one."""
        return None if self.deadline is None else self.deadline - time.monotonic()

    def reserve(self, seconds: float) -> None:
        """Say how long ending takes (the longest step and a save): the deadline counts as reached that much earlier."""
        self._reserve = max(0.0, seconds)

    def request(self, reason: str) -> None:
        """Ask to stop from within the program; the first reason stays."""
        self._reason = self._reason or reason

    def __enter__(self) -> StopSignal:
        if threading.current_thread() is threading.main_thread():
            self._watch_signals()
        if sys.stdin is None and self.stdin_end:  # closed from the start: its number may be another file's by now
            self.request("the end of standard input")
        elif self.stdin_line or self.stdin_end:
            threading.Thread(target=self._listen, name="standard input", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        self._handlers = {}
        if self._alarm is not None:
            signal.set_wakeup_fd(-1)
            self._alarm[1].close()
            self._alarm = None

    def _watch_signals(self) -> None:
        """Note signals in their handlers, and count them in a thread.

        Python runs handlers between two of its own instructions; a backward pass is one instruction and may take
        minutes. The thread hears of a second signal at once.
        """
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        self._alarm = (reader, writer)
        for name in SIGNALS:
            number = getattr(signal, name, None)
            if number is None or name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN:  # under nohup
                continue
            self._handlers[number] = signal.signal(number, self._on_signal)
        threading.Thread(target=_count_signals, args=(reader, set(self._handlers)), name="signals", daemon=True).start()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.request(signal.Signals(number).name)

    def _overdue(self) -> str | None:
        left = self.seconds_left
        return "the time is up" if left is not None and left <= self._reserve else None

    def _file_there(self) -> str | None:
        now = time.monotonic()
        if self.stop_file is None or now - self._looked < FILE_SECONDS:
            return None
        self._looked = now
        return "the stop file" if self.stop_file.exists() else None

    def _listen(self) -> None:
        """Read what the program that started this one says, until it ends."""
        line = b""
        for block in read_blocks(self.stdin):
            *complete, line = (line + block).split(b"\n")
            line = line[-MAX_LINE:]
            if self.stdin_line and any(text.strip().lower() == b"stop" for text in complete):
                self.request("a line on standard input")
        if self.stdin_line and line.strip().lower() == b"stop":
            self.request("a line on standard input")
        if self.stdin_end:
            self.request("the end of standard input")


def _count_signals(reader: socket.socket, numbers: set[int]) -> None:
    """End the process at the second signal; what is being saved then is under a temporary name."""
    first: float | None = None
    with reader:
        while received := reader.recv(1):
            now = time.monotonic()
            if received[0] in numbers:
                first = now if first is None else first
                if now - first > SAME_REQUEST_SECONDS:
                    os._exit(EXIT_CODE)
