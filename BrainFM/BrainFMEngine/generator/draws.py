"""Random numbers of one sample: one stream says how strong, the other where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Draws:
    """Two independent streams.

    Samples of one subject from mild to severe share the seed of `level`: every sampler takes the same number of draws
    from it whatever its ranges, so where ranges rise with severity, what is drawn never falls. `pattern` differs from
    sample to sample: seeds of voxel noise, coarse fields, axes.
    """

    level: np.random.Generator
    pattern: np.random.Generator

    @classmethod
    def from_seed(cls, seed: int, sample: int = 0, own_level: bool = False) -> Draws:
        """Return the streams of one sample of a batch; samples of a seed share the level stream unless told not to."""
        level = (seed, 0, sample) if own_level else (seed, 0)
        return cls(np.random.default_rng(level), np.random.default_rng((seed, 1, sample)))

    def between(self, limits: tuple[float, float]) -> float:
        """Draw a uniform value of a range from the level stream."""
        low, high = limits
        return float(low + (high - low) * self.level.uniform())

    def chance(self, probability: float) -> bool:
        """Draw whether something happens; true for a probability stays true for every higher one."""
        return bool(self.level.uniform() >= 1 - probability) and probability > 0

    def seed(self) -> int:
        """Draw a seed for voxel noise from the pattern stream."""
        return int(self.pattern.integers(2**31))
