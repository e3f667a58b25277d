"""Work in steps: generators that yield the fraction done and return what they made."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

Made = TypeVar("Made")
FractionSteps = Generator[float, None, Made]


class Waiting(float):
    """A fraction told while waiting for something else, so that there is no hurry to go on."""


def part(steps: FractionSteps[Made], first: float, last: float) -> FractionSteps[Made]:
    """Run steps as a part of longer work, from the fraction `first` to `last`."""
    while True:
        try:
            fraction = next(steps)
        except StopIteration as stop:
            return stop.value
        kind = Waiting if isinstance(fraction, Waiting) else float
        yield kind(min(first + (last - first) * fraction, last))
