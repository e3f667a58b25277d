"""A training in a process that may outlive the module and, if the user wants it, Slicer.

It is no QProcess, because that ends its child when it is deleted. Two pipes connect it: what it says is read by a
thread that touches nothing but bytes; and, unless it shall go on without Slicer, the end of its standard input, however
Slicer ends, lets it save and stop. Everything else is seen from the files in the run's folder, see RunFollower.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from BrainFMLib.EngineCommand import engineCommand, engineEnvironment
from BrainFMLib.LineReader import LineReader, eventOf, textOf
from BrainFMLib.ProcessTree import ProcessTree
from BrainFMLib.RunLog import RunLog
from BrainFMLib.RunOutcome import Outcome, RunFacts, outcomeOf

MAX_BLOCKS = 64
"""How many blocks of output may wait; of more the oldest are lost."""
BLOCK_BYTES = 1 << 16
SLICE_SECONDS = 0.01
FREQUENT = ("step", "eta")
"""Events that are not passed on: the run's own log has them."""


class TrainerProcess:
    """One training from its start to its end. `look` has to be called now and then; it calls the rest.

    Attributes:
        folder: of the run.
        onEvent: called with events other than "step" and "eta".
        onLog: called with new lines of text.
        onFinished: called once, with the Outcome.
        outcome: how it ended, None before.

    Args:
        folder: of the run.
        arguments: of the engine's command line.
        keepRunning: whether it goes on when Slicer closes.
        command: program and first arguments; the engine's command line if None.
    """

    def __init__(
        self, folder: Path, arguments: Sequence[str], keepRunning: bool = False, command: Sequence[str] | None = None
    ):
        self.folder, self.keepRunning = folder, keepRunning
        self.onEvent: Callable[[dict[str, Any]], None] = lambda event: None
        self.onLog: Callable[[str], None] = lambda text: None
        self.onFinished: Callable[[Outcome], None] = lambda outcome: None
        self.outcome: Outcome | None = None
        words = [*(command or engineCommand()), *arguments]
        self._facts, self._log, self._reader = RunFacts(program=words[0]), RunLog(), LineReader()
        self._blocks: deque[bytes] = deque(maxlen=MAX_BLOCKS)
        self._begun, self._startedAt, self._hasWritten = time.monotonic(), time.time(), False
        self._thread: threading.Thread | None = None
        self._process = self._start(words)
        _RUNNING.append(self)

    @staticmethod
    def running() -> list[TrainerProcess]:
        """Return the trainings that were started here and have not ended, whoever looks at them now."""
        return list(_RUNNING)

    @staticmethod
    def of(folder: Path) -> TrainerProcess | None:
        """Return the one that trains in a folder."""
        return next((process for process in _RUNNING if process.folder == folder), None)

    @staticmethod
    def startsIn(folder: Path, started: float | None) -> bool:
        """Return whether one begins in a folder that has not written anything there yet.

        Args:
            folder: of the run.
            started: what its state file says of the process that wrote it, None without such a file.
        """
        process = TrainerProcess.of(folder)
        if process is None:
            return False
        process._hasWritten = process._hasWritten or (started is not None and started >= process._startedAt)
        return not process._hasWritten

    def askToStop(self) -> None:
        """Let it finish its step, save and end; where standard input does not reach it nothing happens."""
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError, ValueError):
                self._process.stdin.write(b"stop\n")
                self._process.stdin.flush()

    def kill(self) -> None:
        """End it and all that came of it at once; its last checkpoint stays."""
        if self._process is not None and self._process.poll() is None:
            self._facts.cancelled = True
            ProcessTree(self._process.pid).kill()
            self._process.kill()

    def look(self) -> None:
        """Take what it said since the last call, and see whether it goes on. Takes some milliseconds at most."""
        if self.outcome is not None:
            return
        code = self._process.poll() if self._process is not None else None
        ended = self._process is None or (code is not None and not self._reading())
        while self._blocks:
            self._reader.add(self._blocks.popleft())
        if ended and not self._reader.busy:
            self._reader.end()
        for line in self._reader.lines(SLICE_SECONDS):
            self._take(line)
        text = self._log.takeNew()
        if text:
            self.onLog(text)
        if ended and not self._reader.busy and not self._blocks:
            self._finish(code or 0)

    def _start(self, words: list[str]) -> subprocess.Popen[bytes] | None:
        keywords: dict[str, Any] = {"creationflags": subprocess.CREATE_NO_WINDOW} if sys.platform == "win32" else {}
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL if self.keepRunning else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, **engineEnvironment()},
                **keywords,
            )
        except OSError as error:
            self._facts.startProblem = error.strerror or str(error)
            return None
        self._thread = threading.Thread(target=_read, args=(process, self._blocks), name="trainer", daemon=True)
        self._thread.start()
        return process

    def _reading(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _take(self, line: bytes) -> None:
        event = eventOf(line)
        if event is None:
            self._log.add(textOf(line))
        elif event["event"] in FREQUENT:
            self._hasWritten = True
        else:
            self._facts.note(event)
            self.onEvent(event)

    def _finish(self, code: int) -> None:
        self._facts.code, self._facts.signalled = abs(code), code < 0 and sys.platform != "win32"
        self.outcome = outcomeOf(self._facts, time.monotonic() - self._begun, self._log.text())
        _RUNNING.remove(self)
        if self._process is not None and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()
        self.onFinished(self.outcome)


_RUNNING: list[TrainerProcess] = []
"""Keeps the pipes open while nobody looks: a module that is closed does not end a training."""


def _read(process: subprocess.Popen[bytes], blocks: deque[bytes]) -> None:
    """Take what the process says until it has closed the pipe."""
    stream = process.stdout
    assert stream is not None
    with suppress(OSError, ValueError):
        while block := os.read(stream.fileno(), BLOCK_BYTES):
            blocks.append(block)
    stream.close()
