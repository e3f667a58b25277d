"""One run of the engine after another in a child process: events, log and how it ended, while Slicer stays alive.

Nothing here waits, except `waitForFinished`; see EngineRun for what goes on beneath.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from BrainFMLib.EngineCommand import engineCommand
from BrainFMLib.EngineRun import EngineRun
from BrainFMLib.RunOutcome import Outcome

__all__ = ["EngineProcess", "Outcome"]


def _ignore(value: Any) -> None:
    pass


class EngineProcess:
    """Starts the engine, tells what it says, cancels it. Used for one run after another.

    Attributes:
        onEvent: called with every event of the engine's JSON lines; of "progress" only the latest, ten times a second.
        onLog: called with new lines of the log, joined, at most ten times a second.
        onFinished: called once for each run, with its Outcome.
        outcome: how the last run ended, None before.

    Args:
        command: program and first arguments; the engine's command line if None.
        finalEvent: event that says the run is complete; "" if exit code 0 alone says so.
        logFolder: folder for the log file, which takes at most 2 MB; None for no file.
    """

    def __init__(self, command: list[str] | None = None, finalEvent: str = "done", logFolder: Path | None = None):
        self.command = command
        self.finalEvent = finalEvent
        self.logFolder = logFolder
        self.onEvent: Callable[[dict[str, Any]], None] = _ignore
        self.onLog: Callable[[str], None] = _ignore
        self.onFinished: Callable[[Outcome], None] = _ignore
        self.outcome: Outcome | None = None
        self._run: EngineRun | None = None
        self._loop: qt.QEventLoop | None = None

    @property
    def running(self) -> bool:
        """Whether a run is going on; true until `onFinished` is called."""
        return self._run is not None

    def start(self, arguments: list[str]) -> None:
        """Start a run with these arguments; also a start that fails is told by `onFinished`.

        Raises:
            RuntimeError: one is going on.
        """
        if self._run is not None:
            raise RuntimeError(_("The engine is running already."))
        self.outcome = None
        command = [*(self.command or engineCommand()), *(str(argument) for argument in arguments)]
        self._run = EngineRun(self, command)
        self._run.start()

    def send(self, value: dict[str, Any]) -> None:
        """Write a JSON line to the engine's standard input, for commands that answer requests."""
        if self._run is not None:
            self._run.process.write(json.dumps(value).encode() + b"\n")

    def cancel(self) -> None:
        """Ask the run to end; after a second, or at the second call, end it with everything that came of it."""
        if self._run is not None:
            self._run.cancel()

    def discard(self) -> None:
        """End the run at once and forget it: nothing is called any more."""
        run, self._run = self._run, None
        if run is not None:
            run.discard()
        self._leaveLoop()

    def waitForFinished(self, timeoutMs: int = -1) -> Outcome:
        """Wait for the end of the run while Slicer goes on; for scripts, never for a widget.

        Args:
            timeoutMs: how long to wait; negative without a limit.

        Raises:
            TimeoutError: it goes on.
            RuntimeError: there is no run, or it was discarded.
        """
        if self._run is not None:
            self._loop = qt.QEventLoop()
            timer = qt.QTimer()
            timer.connect("timeout()", self._leaveLoop)
            if timeoutMs >= 0:
                timer.start(timeoutMs)
            self._loop.exec_()
            timer.stop()
            self._loop = None
        if self._run is not None:
            raise TimeoutError(_("The engine is still running."))
        if self.outcome is None:
            raise RuntimeError(_("The engine was not started, or its run was discarded."))
        return self.outcome

    def runFinished(self, outcome: Outcome) -> None:
        """Take the outcome from the run; nobody else calls this."""
        self._run = None
        self.outcome = outcome
        self._leaveLoop()
        self.onFinished(outcome)

    def _leaveLoop(self) -> None:
        if self._loop is not None:
            self._loop.quit()
