"""Gamma: bends the contrast of an image without moving its brightest values far (as the published code draws it)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.range_checks import check_limits

FIXED_INTENSITY = 300.0


@dataclass(frozen=True)
class GammaRanges:
    """Standard deviation of the natural log of the exponent."""

    std: float = 0.0

    def __post_init__(self):
        check_limits("gamma std", (0.0, self.std))


@dataclass(frozen=True)
class Gamma:
    """One draw; an exponent above 1 darkens, 1 changes nothing."""

    exponent: float


def sample_gamma(draws: Draws, ranges: GammaRanges) -> Gamma:
    """Draw exp(std * N); the distance of its log from 0 grows with std."""
    return Gamma(math.exp(ranges.std * float(draws.level.standard_normal())))


def apply_gamma(image: Tensor, gamma: Gamma) -> Tensor:
    """Return 300 * (I / 300) ** exponent.

    Args:
        image: any shape, float32 >= 0, intensity units (white matter at 25 to 225).
        gamma: what was drawn.

    Returns:
        Same shape, float32 >= 0; 0 and 300 stay what they are. `image` itself for an exponent of 1.
    """
    if gamma.exponent == 1:
        return image
    return image.pow(gamma.exponent).mul_(FIXED_INTENSITY ** (1 - gamma.exponent))
