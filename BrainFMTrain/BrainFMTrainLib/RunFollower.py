"""One run as it goes on, seen from the files in its folder, whoever started it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from BrainFMLib.Progress import timeLeftText
from slicer.i18n import tr as _

from BrainFMTrainLib.LossCurves import LossCurves
from BrainFMTrainLib.RunFacts import RunFacts, resourcesSentence
from BrainFMTrainLib.RunList import readRun
from BrainFMTrainLib.RunLogTail import RunLogTail, ScoreTail

PICTURES = "pictures"
SLICE_SECONDS = 0.02
"""How long the GUI thread reads at a time."""
RECENT = 50
"""Steps whose median tells how long one takes."""


class RunFollower:
    """Looks at a run when it is told to.

    Attributes:
        folder: of the run.
        row: its state.
        curves: its losses.
        scores: those of its validations.
        facts: of the last step.
        changed: whether curves or scores changed since the last time this was set to False.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.row = readRun(folder)
        self.curves, self.scores, self.facts, self.changed = LossCurves(), LossCurves(), RunFacts(), False
        self._tails = ((RunLogTail(folder), self.curves), (ScoreTail(folder), self.scores))
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._last: Mapping[str, Any] = {}

    def look(self, seconds: float = SLICE_SECONDS) -> None:
        """Read what is new, for about so long."""
        self.row = readRun(self.folder)
        deadline = time.perf_counter() + seconds
        for tail, curves in self._tails:
            tail.caughtUp = False
            while not tail.caughtUp and time.perf_counter() < deadline:
                self._take(tail, curves)
        if self._last:
            self.facts = self._factsOf(self._last)

    @property
    def caughtUp(self) -> bool:
        """Whether everything that is there was read."""
        return all(tail.caughtUp for tail, _curves in self._tails)

    @property
    def gone(self) -> bool:
        """Whether its folder was deleted while it was followed."""
        return self.row.seen is None and bool(self.curves.names) and not self.folder.exists()

    def fraction(self) -> float:
        """Return how much is done, 0..1."""
        state = self.row.seen.state if self.row.seen is not None else None
        return min(state.step / state.steps, 1.0) if state is not None and state.steps else 0.0

    def sentence(self) -> str:
        """Return how it is, in a sentence or two."""
        if self.gone:
            text = _("Its folder was deleted or moved after step {step}. What was read of it is still shown.")
            return text.format(step=self.facts.step)
        return self.row.sentence()

    def timeLeft(self) -> str:
        """Return how long it will go on, in words; "" if it does not go on or nothing is known."""
        if not self.row.alive or not self._recent or self.facts.step is None:
            return ""
        assert self.row.seen is not None
        return timeLeftText(median(self._recent) * max(self.row.seen.state.steps - self.facts.step, 0))

    def resources(self) -> str:
        """Return what its process uses now, in words; "" if it does not go on."""
        alive = self.row.alive and self.row.seen is not None
        return resourcesSentence(self.row.seen.state.resources) if alive and self.row.seen is not None else ""

    def newestPicture(self) -> Path | None:
        """Return the picture of the last validation; their names rise with the step."""
        try:
            return max((self.folder / PICTURES).glob("step-*.png"), default=None)
        except OSError:
            return None

    def _take(self, tail: RunLogTail | ScoreTail, curves: LossCurves) -> None:
        rows = tail.read()
        if tail.restarted:
            tail.restarted = False
            curves.clear()
            self._recent.clear()
        for row in rows:
            curves.add(row)
            if "loss" in row and curves is self.curves:
                self._last = row
                if isinstance(row.get("seconds"), (int, float)):
                    self._recent.append(row["seconds"])
        self.changed = self.changed or bool(rows)

    def _factsOf(self, step: Mapping[str, Any]) -> RunFacts:
        return RunFacts(
            step=step["step"],
            loss=_number(step.get("loss")),
            rate=_number(step.get("lr")),
            seconds=median(self._recent) if self._recent else None,
            waited=_number(step.get("waited")),
            skipped=int(_number(step.get("skipped")) or 0),
        )


def _number(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
