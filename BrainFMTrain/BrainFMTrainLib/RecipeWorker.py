"""Questions about recipes to `brainfm recipes answer`, by a worker that stays for a while: answers come at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from BrainFMLib.EngineProcess import EngineProcess, Outcome
from BrainFMLib.Widgets.Texts import sentence
from slicer.i18n import tr as _

IDLE_MS = 120_000
"""After so long without a question the worker is ended; the next question starts another."""

Answer = Callable[[dict[str, Any]], None]
Problem = Callable[[str, str], None]


class RecipeWorker:
    """One worker, started at the first question.

    Attributes:
        makeEngine: makes the child process.
        fault: why it ended although nobody asked for it, in a sentence; "" while all is well.
    """

    def __init__(self) -> None:
        self.makeEngine: Callable[[], EngineProcess] = lambda: EngineProcess(finalEvent="")
        self.fault = ""
        self._engine: EngineProcess | None = None
        self._number = 0
        self._waiting: dict[int, tuple[Answer, Problem]] = {}
        self._idle = qt.QTimer()
        self._idle.setSingleShot(True)
        self._idle.interval = IDLE_MS
        self._idle.timeout.connect(self.stop)

    @property
    def busy(self) -> bool:
        """Whether an answer is to come."""
        return bool(self._waiting)

    def ask(self, request: dict[str, Any], onAnswer: Answer, onProblem: Problem) -> None:
        """Ask something.

        Args:
            request: as `brainfm recipes answer` takes it, without "request".
            onAnswer: called with the answer.
            onProblem: called with message and hint instead.
        """
        self._number += 1
        self._waiting[self._number] = (onAnswer, onProblem)
        self.fault = ""
        if self._engine is None:
            engine = self._engine = self.makeEngine()
            engine.onEvent, engine.onFinished = self._onEvent, self._onFinished
            engine.start(["recipes", "answer"])
        self._idle.start()
        self._engine.send({**request, "request": self._number})

    def stop(self) -> None:
        """End the worker; nothing is answered any more."""
        engine, self._engine = self._engine, None
        self._waiting.clear()
        self._idle.stop()
        if engine is not None:
            engine.discard()

    def _onEvent(self, event: dict[str, Any]) -> None:
        waiting = self._waiting.pop(event.get("request") or 0, None)
        if waiting is None:
            return
        onAnswer, onProblem = waiting
        if event["event"] == "recipe":
            onAnswer(event)
        else:
            onProblem(str(event.get("message") or ""), str(event.get("hint") or ""))

    def _onFinished(self, outcome: Outcome) -> None:
        """The worker ended although nobody asked for it."""
        self._engine = None
        waiting, self._waiting = list(self._waiting.values()), {}
        message = outcome.message or _("The program that knows the recipes has ended")
        self.fault = f"{sentence(message)} {sentence(outcome.hint)}".strip()
        for _onAnswer, onProblem in waiting:
            onProblem(message, outcome.hint)
