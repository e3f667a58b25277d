"""Ranges that make no sense are refused where they are written down, not when something is drawn."""

from __future__ import annotations

import math

from BrainFMEngine.errors import UsageError

Limits = tuple[float, float]


def check_limits(name: str, limits: Limits, low: float = 0.0, high: float = math.inf) -> None:
    """Raise UsageError unless `limits` is a rising pair of numbers within low..high."""
    if len(limits) != 2 or not low <= limits[0] <= limits[1] <= high or math.isinf(limits[1]):
        bounds = f"at least {low:g}" if math.isinf(high) else f"from {low:g} to {high:g}"
        raise UsageError(f"{name} cannot be drawn from {limits}", f"Give two numbers, the lower first, {bounds}.")


def check_probability(name: str, probability: float) -> None:
    """Raise UsageError unless `probability` is 0..1."""
    if not 0 <= probability <= 1:
        raise UsageError(f"{name} cannot be {probability}", "A probability is a number from 0 to 1.")
