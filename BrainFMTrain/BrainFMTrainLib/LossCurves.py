"""The losses of a run for a plot: however many steps, at most 2000 points, each the mean of the steps around it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

MAX_POINTS = 2000
NO_LOSSES = ("step", "lr", "norm", "subject", "seconds", "waited", "skipped")
"""What else is in a line of the log."""


class LossCurves:
    """Bins of equally many steps. When all are full, neighbours are joined: one step costs the same at any length."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.stride = 1
        self._first: int | None = None
        self._count = 0
        self._sums: dict[str, np.ndarray] = {}
        self._numbers: dict[str, np.ndarray] = {}

    @property
    def names(self) -> list[str]:
        """Names of the losses, the total first, as they were met."""
        return list(self._sums)

    def add(self, step: Mapping[str, Any]) -> None:
        """Take the line of a step; values that are no losses, or not finite, are left out."""
        if self._first is None:
            self._first = int(step["step"])
        index = (int(step["step"]) - self._first) // self.stride
        while index >= MAX_POINTS:
            self._join()
            index = (int(step["step"]) - self._first) // self.stride
        if index < 0:
            return
        self._count = max(self._count, index + 1)
        for name, value in step.items():
            if name in NO_LOSSES or isinstance(value, bool) or not isinstance(value, (int, float)):
                continue
            if not math.isfinite(value):
                continue
            if name not in self._sums:
                self._sums[name], self._numbers[name] = np.zeros(MAX_POINTS), np.zeros(MAX_POINTS)
            self._sums[name][index] += value
            self._numbers[name][index] += 1

    def steps(self) -> np.ndarray:
        """Return the middle step of each bin, (points,)."""
        first = self._first or 0
        return first + np.arange(self._count) * self.stride + (self.stride - 1) / 2

    def values(self, name: str, smoothing: int = 0) -> np.ndarray:
        """Return the means of the bins, (points,), NaN where a bin has none.

        Args:
            name: of a loss.
            smoothing: how many neighbours on either side are averaged with each point.
        """
        sums, numbers = self._sums[name][: self._count], self._numbers[name][: self._count]
        if smoothing > 0:
            sums, numbers = _windowed(sums, smoothing), _windowed(numbers, smoothing)
        return np.divide(sums, numbers, out=np.full(self._count, np.nan), where=numbers > 0)

    def _join(self) -> None:
        self.stride *= 2
        self._count = (self._count + 1) // 2
        for arrays in (self._sums, self._numbers):
            for name, array in arrays.items():
                joined = np.zeros(MAX_POINTS)
                joined[: MAX_POINTS // 2] = array[0::2] + array[1::2]
                arrays[name] = joined


def _windowed(values: np.ndarray, reach: int) -> np.ndarray:
    """Return the sums over windows that are cut at the ends."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(values.size)
    return total[np.minimum(index + reach + 1, values.size)] - total[np.maximum(index - reach, 0)]
