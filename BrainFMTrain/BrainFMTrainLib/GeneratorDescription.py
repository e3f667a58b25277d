"""What a panel can offer of the generator for a recipe, asked of the engine in the background."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from BrainFMLib.EngineProcess import EngineProcess, Outcome
from slicer.i18n import tr as _

from BrainFMTrainLib.GeneratorRanges import GeneratorRanges

EVENT = "description"
Key = tuple[tuple[str, str], ...]


class GeneratorDescription:
    """Asks `brainfm preview --describe`, one recipe after the other; the last one counts.

    Attributes:
        ranges: the newest answer, None before the first.
        onReady: called when `ranges` is there.
        onProblem: called with message, hint and details.
        makeEngine: makes the child process.
    """

    def __init__(self) -> None:
        self.ranges: GeneratorRanges | None = None
        self.onReady: Callable[[], None] = lambda: None
        self.onProblem: Callable[[str, str, str], None] = lambda message, hint, details: None
        self.makeEngine: Callable[[], EngineProcess] = lambda: EngineProcess(finalEvent=EVENT)
        self._engine: EngineProcess | None = None
        self._asked: Key | None = None

    @property
    def running(self) -> bool:
        """Whether the engine is being asked."""
        return self._engine is not None

    def want(self, recipe: Mapping[str, str]) -> None:
        """Ask for the ranges of a recipe, unless that was done.

        Args:
            recipe: "recipe" and "preset" as `brainfm preview` takes them; what is missing is the engine's default.
        """
        key = tuple(sorted(recipe.items()))
        if key == self._asked:
            return
        self.stop()
        self._asked = key
        self._engine = engine = self.makeEngine()
        engine.onEvent, engine.onFinished = self._onEvent, self._onFinished
        chosen = [word for name, value in key for word in (f"--{name}", value)]
        engine.start(["preview", "--describe", *chosen])

    def stop(self) -> None:
        """Do not ask any more."""
        engine, self._engine, self._asked = self._engine, None, None
        if engine is not None:
            engine.discard()

    def _onEvent(self, event: dict[str, Any]) -> None:
        if event["event"] == EVENT:
            self.ranges = GeneratorRanges(event)

    def _onFinished(self, outcome: Outcome) -> None:
        self._engine = None
        if outcome.state == "done":
            self.onReady()
            return
        self._asked = None
        message = outcome.message or _("The ranges of the generator cannot be read")
        self.onProblem(message, outcome.hint, outcome.details)
