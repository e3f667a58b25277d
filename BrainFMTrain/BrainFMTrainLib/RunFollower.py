"""One run as it goes on, seen from the files in its folder, whoever started it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from BrainFMLib.Progress import timeLeftText
from slicer.i18n import tr as _

from BrainFMTrainLib.LossCurves import LossCurves
from BrainFMTrainLib.RunList import RunRow, readRun
from BrainFMTrainLib.RunLogTail import RunLogTail

PICTURES = "pictures"
SLICE_SECONDS = 0.02
"""How long the GUI thread reads at a time."""
RECENT = 50
"""Steps whose median tells how long one takes."""


@dataclass(frozen=True)
class RunFacts:
    """Numbers of the last step; None where they are not known yet."""

    step: int | None = None
    loss: float | None = None
    rate: float | None = None
    seconds: float | None = None
    waited: float | None = None
    skipped: int = 0

    def sentence(self, row: RunRow) -> str:
        """Return them in words."""
        if self.step is None:
            return ""
        parts = [_("Step {step} of {steps}").format(step=self.step, steps=row.seen.state.steps if row.seen else "?")]
        if self.loss is not None:
            parts.append(_("loss {loss:.4g}").format(loss=self.loss))
        if self.rate is not None:
            parts.append(_("learning rate {rate:.3g}").format(rate=self.rate))
        if self.seconds is not None:
            parts.append(_("{seconds:.2f} s a step").format(seconds=self.seconds))
        if self.skipped:
            parts.append(_("{n} steps skipped (not finite)").format(n=self.skipped))
        return " · ".join(parts)


class RunFollower:
    """Looks at a run when it is told to.

    Attributes:
        folder: of the run.
        row: its state.
        curves: its losses.
        facts: of the last step.
        changed: whether the losses changed since the last time this was set to False.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.row = readRun(folder)
        self.curves, self.facts, self.changed = LossCurves(), RunFacts(), False
        self._tail = RunLogTail(folder)
        self._recent: deque[float] = deque(maxlen=RECENT)

    def look(self) -> None:
        """Read what is new, for some milliseconds."""
        self.row = readRun(self.folder)
        steps = self._tail.read(SLICE_SECONDS)
        if self._tail.restarted:
            self._tail.restarted = False
            self.curves.clear()
            self._recent.clear()
            self.changed = True
        for step in steps:
            self.curves.add(step)
            if isinstance(step.get("seconds"), (int, float)):
                self._recent.append(step["seconds"])
        if steps:
            self.changed = True
            self.facts = self._factsOf(steps[-1])

    @property
    def caughtUp(self) -> bool:
        """Whether everything that is there was read."""
        return self._tail.caughtUp

    def fraction(self) -> float:
        """Return how much is done, 0..1."""
        state = self.row.seen.state if self.row.seen is not None else None
        return min(state.step / state.steps, 1.0) if state is not None and state.steps else 0.0

    def timeLeft(self) -> str:
        """Return how long it will go on, in words; "" if it does not go on or nothing is known."""
        if not self.row.alive or not self._recent or self.facts.step is None:
            return ""
        assert self.row.seen is not None
        return timeLeftText(median(self._recent) * max(self.row.seen.state.steps - self.facts.step, 0))

    def newestPicture(self) -> Path | None:
        """Return the picture of the last validation."""
        try:
            return max((self.folder / PICTURES).glob("*.png"), key=lambda path: path.stat().st_mtime, default=None)
        except OSError:
            return None

    def _factsOf(self, step: dict[str, Any]) -> RunFacts:
        return RunFacts(
            step=step["step"],
            loss=step.get("loss"),
            rate=step.get("lr"),
            seconds=median(self._recent) if self._recent else None,
            waited=step.get("waited"),
            skipped=int(step.get("skipped") or 0),
        )
