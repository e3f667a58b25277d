"""Numbers of a run over its steps, for a plot: however many steps, at most 2000 points a curve, each a mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

MAX_POINTS, MAX_NAMES = 2000, 100
LARGEST = 1e300
NO_LOSSES = ("step", "lr", "norm", "subject", "seconds", "waited", "skipped", "best", "validation")
"""What else is in a line of the log."""


class LossCurves:
    """Bins of equally many steps. When all are full, neighbours are joined: one step costs the same at any length."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.stride = 1
        self._first: int | None = None
        self._last = -1
        self._count = 0
        self._where = _Bins()
        self._curves: dict[str, _Bins] = {}

    @property
    def names(self) -> list[str]:
        """Names of the curves as they were met; of losses, the total is the first."""
        return list(self._curves)

    def add(self, step: Mapping[str, Any]) -> None:
        """Take the line of a step; values that are no losses, or not finite, are left out.

        A step that comes again, because the run went back to a checkpoint, replaces what came after it.
        """
        found = {name: value for name, value in step.items() if name not in NO_LOSSES and _isNumber(value)}
        if not found:
            return
        number = int(step["step"])
        if self._first is None or number < self._first:
            self.clear()
            self._first = number
        elif number < self._last:
            self._forget((number - self._first) // self.stride)
        self._last = number
        while (index := (number - self._first) // self.stride) >= MAX_POINTS:
            self._join()
        self._count = max(self._count, index + 1)
        self._where.add(index, number)
        for name, value in found.items():
            if name not in self._curves:
                if len(self._curves) >= MAX_NAMES:
                    continue
                self._curves[name] = _Bins()
            self._curves[name].add(index, value)

    def points(self, name: str, smoothing: int = 0, most: int = MAX_POINTS) -> tuple[np.ndarray, np.ndarray]:
        """Return the curve of a name: steps (points,) and values (points,), both finite, steps rising.

        Args:
            name: of `names`.
            smoothing: how many neighbours on either side are averaged with each point.
            most: how many points there may be.
        """
        joined = -(-self._count // max(most, 1)) or 1
        steps, counts = self._where.joined(self._count, joined)
        sums, numbers = self._curves[name].joined(self._count, joined)
        here = numbers > 0
        if smoothing > 0:
            sums, numbers = _windowed(sums, smoothing), _windowed(numbers, smoothing)
        return steps[here] / counts[here], sums[here] / numbers[here]

    def _join(self) -> None:
        self.stride *= 2
        self._count = (self._count + 1) // 2
        for bins in (self._where, *self._curves.values()):
            bins.join()

    def _forget(self, index: int) -> None:
        self._count = index
        for bins in (self._where, *self._curves.values()):
            bins.cut(index)


class _Bins:
    """Sums and how many numbers went into each; plain lists, since single numbers are added."""

    def __init__(self) -> None:
        self._sums, self._numbers = [0.0] * MAX_POINTS, [0] * MAX_POINTS

    def add(self, index: int, value: float) -> None:
        self._sums[index] += value
        self._numbers[index] += 1

    def join(self) -> None:
        """Make one of every two."""
        empty = MAX_POINTS // 2
        self._sums = [a + b for a, b in zip(self._sums[::2], self._sums[1::2], strict=True)] + [0.0] * empty
        self._numbers = [a + b for a, b in zip(self._numbers[::2], self._numbers[1::2], strict=True)] + [0] * empty

    def cut(self, index: int) -> None:
        """Empty the bins from one on."""
        self._sums[index:] = [0.0] * (MAX_POINTS - index)
        self._numbers[index:] = [0] * (MAX_POINTS - index)

    def joined(self, count: int, factor: int) -> tuple[np.ndarray, np.ndarray]:
        """Return sums and numbers of the first `count` bins, every `factor` of them as one."""
        starts = np.arange(0, count, factor)
        if not count:
            return np.zeros(0), np.zeros(0)
        sums, numbers = (np.asarray(values[:count], float) for values in (self._sums, self._numbers))
        return np.add.reduceat(sums, starts), np.add.reduceat(numbers, starts)


def _isNumber(value: Any) -> bool:
    """Tell whether a value is a finite number; a bool is none, an integer may have any length."""
    return type(value) in (float, int) and -LARGEST < value < LARGEST


def _windowed(values: np.ndarray, reach: int) -> np.ndarray:
    """Return the sums over windows that are cut at the ends."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(values.size)
    return total[np.minimum(index + reach + 1, values.size)] - total[np.maximum(index - reach, 0)]
