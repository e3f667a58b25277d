"""What to do when a step's loss or gradient is not finite: skip it, then roll back, then stop. Torch-free.

The guard only decides; the trainer acts. On `Action.ROLL_BACK` it loads the last checkpoint but keeps this guard as it
is (else it would forget what happened and roll back for ever), multiplies the learning rate by `rate_factor`, draws
its data anew (`roll_backs` belongs in the seed: the same data would fail the same way) and saves at once.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from BrainFMEngine.errors import BrainFMError, UsageError


class NotFiniteRunError(BrainFMError):
    """The run cannot go on, as its loss is not finite again and again (exit code 1)."""

    code = 1


class Action(Enum):
    """What the trainer does after a step's gradients are known."""

    GO_ON = "go on"
    SKIP = "skip"
    ROLL_BACK = "roll back"
    STOP = "stop"


class NotFiniteGuard:
    """Counts steps that are not finite.

    Args:
        limit: so many bad steps among the last `window` ask for a roll-back.
        window: in steps.
        max_roll_backs: the run stops instead of rolling back for the so-manieth time.

    Attributes:
        skipped: bad steps since the run began.
        roll_backs: roll-backs asked for since the run began.
    """

    def __init__(self, limit: int = 3, window: int = 100, max_roll_backs: int = 3):
        if min(limit, window, max_roll_backs) < 1:
            raise UsageError("the guard's numbers must be at least 1")
        self.limit, self.window, self.max_roll_backs = limit, window, max_roll_backs
        self.skipped = 0
        self.roll_backs = 0
        self._recent: list[int] = []

    def judge(self, step: int, finite: bool) -> Action:
        """Decide what becomes of a step.

        Args:
            step: its number; numbers may fall after a roll-back.
            finite: whether its loss and the norm of its gradients are finite (on every rank).
        """
        self._recent = [bad for bad in self._recent if step - self.window < bad <= step]
        if finite:
            return Action.GO_ON
        self.skipped += 1
        self._recent.append(step)
        if len(self._recent) < self.limit:
            return Action.SKIP
        self._recent = []
        self.roll_backs += 1
        return Action.STOP if self.roll_backs >= self.max_roll_backs else Action.ROLL_BACK

    @property
    def rate_factor(self) -> float:
        """What the schedule's learning rate is multiplied by: halved at every roll-back."""
        return 0.5**self.roll_backs

    @property
    def reason(self) -> str:
        """Why the run stops, in one sentence without a period."""
        return (
            f"the loss or its gradients were not finite {self.limit} times within {self.window} steps, "
            f"{self.roll_backs} times over ({self.skipped} steps in all), although the learning rate was halved"
        )

    def state(self) -> dict[str, Any]:
        """Return plain values for a checkpoint."""
        return {"skipped": self.skipped, "roll_backs": self.roll_backs, "recent": list(self._recent)}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue as `state` was (on resume; not on a roll-back)."""
        self.skipped, self.roll_backs = int(state["skipped"]), int(state["roll_backs"])
        self._recent = [int(step) for step in state["recent"]]
