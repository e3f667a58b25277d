"""Which validation was the best, and whether waiting for a better one is still worth it. Torch-free."""

from __future__ import annotations

import math
from typing import Any


class EarlyStop:
    """Follows one score over the validations of a run. NaN is never the best.

    Args:
        patience: stop after so many validations in a row without a gain; None never stops.
        higher_is_better: True for Dice, False for a loss.
        minimum_gain: a score must be better than the best by more than this.

    Attributes:
        best: the best score, None before the first finite one; `best_step` is its step.
        waited: validations since then.
    """

    def __init__(self, patience: int | None, higher_is_better: bool = True, minimum_gain: float = 0.0):
        self.patience, self.higher_is_better, self.minimum_gain = patience, higher_is_better, minimum_gain
        self.best: float | None = None
        self.best_step: int | None = None
        self.waited = 0

    def update(self, step: int, score: float) -> bool:
        """Note a validation; return whether it is the best so far (then keep its checkpoint as "best")."""
        sign = 1.0 if self.higher_is_better else -1.0
        better = math.isfinite(score) and (self.best is None or sign * (score - self.best) > self.minimum_gain)
        if better:
            self.best, self.best_step, self.waited = float(score), step, 0
        else:
            self.waited += 1
        return better

    @property
    def should_stop(self) -> bool:
        """Whether the patience is at its end."""
        return self.patience is not None and self.waited >= self.patience

    @property
    def reason(self) -> str:
        """Why the run stops, in one sentence without a period."""
        if self.best is None:
            return f"none of {self.waited} validations gave a number"
        return f"no better validation in {self.waited} since step {self.best_step} ({self.best:.4g})"

    def state(self) -> dict[str, Any]:
        """Return plain values for a checkpoint."""
        return {"best": self.best, "best_step": self.best_step, "waited": self.waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue as `state` was."""
        self.best, self.best_step, self.waited = state["best"], state["best_step"], int(state["waited"])
