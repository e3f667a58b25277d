"""Real–synth mix-up: a synthetic image blended with real ones of the same subject (BrainFM §3.1.4).

Differences to the published code: images are brought to one scale first, so that the weights mean what they say, and
mixing comes before any flip.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.scale import robust_maximum

SYNTHETIC = "synthetic"
MIXABLE = ("T1", "T2", "FLAIR")
"""Contrasts that may be mixed in; CT never is, its scale is physical."""


@dataclass(frozen=True)
class MixupRanges:
    """How often a synthetic image is mixed with the real ones that its subject has."""

    probability: float = 0.2


@dataclass(frozen=True)
class Mixup:
    """One draw: contrast (or "synthetic") -> weight; the weights add up to 1."""

    weights: dict[str, float]


def sample_mixup(draws: Draws, contrasts: tuple[str, ...], ranges: MixupRanges) -> Mixup | None:
    """Draw weights u⁴ / Σ u⁴ over the synthetic image and the real contrasts (as the published code draws them).

    Args:
        draws: the sample's random streams.
        contrasts: the real contrasts that the subject has.
        ranges: the probability.

    Returns:
        None where nothing is mixed, or there is nothing to mix with.
    """
    wanted = draws.pattern.uniform() < ranges.probability
    names = [SYNTHETIC, *(name for name in MIXABLE if name in contrasts)]
    raw = draws.pattern.uniform(size=1 + len(MIXABLE))[: len(names)] ** 4
    if not wanted or len(names) == 1:
        return None
    return Mixup({name: float(value / raw.sum()) for name, value in zip(names, raw, strict=True)})


def apply_mixup(synthetic: Tensor, real: dict[str, Tensor], mixup: Mixup | None) -> Tensor:
    """Blend images voxel by voxel.

    Args:
        synthetic: (X, Y, Z) float32 ≥ 0.
        real: contrast -> (X, Y, Z) float32 ≥ 0, any scale, on the same voxels.
        mixup: the weights; None returns `synthetic` itself.

    Returns:
        (X, Y, Z) float32 on the scale of `synthetic`.
    """
    if mixup is None:
        return synthetic
    top = robust_maximum(synthetic)
    mixed = mixup.weights[SYNTHETIC] * synthetic
    for name, weight in mixup.weights.items():
        if name != SYNTHETIC:
            mixed = torch.add(mixed, real[name] * (top / robust_maximum(real[name])), alpha=weight)
    return mixed
