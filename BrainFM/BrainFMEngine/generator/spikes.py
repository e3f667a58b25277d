"""Spikes in k-space: the herringbone pattern that electric sparks leave all over the image."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from BrainFMEngine.generator.artefact import ArtefactRanges, draw_strength
from BrainFMEngine.generator.draws import Draws

FULL_AMPLITUDE = 0.5
MOST_SPIKES = 3
FREQUENCIES = (0.08, 0.3)


@dataclass(frozen=True)
class SpikesRanges(ArtefactRanges):
    """Ranges of `sample_spikes`."""

    strength: tuple[float, float] = (0.05, 0.6)


@dataclass(frozen=True)
class Spikes:
    """One to three points of k-space, each with its mirrored point.

    Args:
        strength: 0 to 1; at 1 the stripes have `FULL_AMPLITUDE` of the image's mean (the centre of k-space).
        frequencies: cycles per voxel along the three array axes, one triple a spike.
        weights: amplitude of each spike; only their ratios matter.
        phases_rad: phase of each spike at voxel (0, 0, 0).
    """

    strength: float
    frequencies: tuple[tuple[float, float, float], ...]
    weights: tuple[float, ...]
    phases_rad: tuple[float, ...]


def sample_spikes(draws: Draws, ranges: SpikesRanges) -> Spikes | None:
    """Draw one to three spikes at middle frequencies in any direction; None where none happens."""
    strength = draw_strength(draws, ranges)
    pattern = draws.pattern
    count = int(pattern.integers(1, MOST_SPIKES + 1))
    direction = pattern.standard_normal((count, 3))
    direction /= (direction**2).sum(1, keepdims=True) ** 0.5
    frequencies = direction * pattern.uniform(*FREQUENCIES, (count, 1))
    weights = pattern.uniform(0.4, 1, count)
    phases_rad = pattern.uniform(0, 2 * math.pi, count)
    if strength is None:
        return None
    triples = tuple(map(tuple, frequencies.tolist()))
    return Spikes(strength, triples, tuple(weights.tolist()), tuple(phases_rad.tolist()))


def apply_spikes(image: Tensor, spikes: Spikes | None) -> Tensor:
    """Add a plane wave for each spike, in air too, at the nearest point that the grid's k-space has.

    Args:
        image: (X, Y, Z) float32 >= 0.
        spikes: None leaves the image as it is.

    Returns:
        (X, Y, Z) float32 >= 0, the magnitude.
    """
    if spikes is None or spikes.strength == 0:
        return image
    scale = FULL_AMPLITUDE * spikes.strength / math.hypot(*spikes.weights) * image.mean()
    x, y, z = (_waves(image, axis, spikes) for axis in range(3))
    sparked = image
    for index, (weight, phase_rad) in enumerate(zip(spikes.weights, spikes.phases_rad, strict=True)):
        plane = cmath.rect(weight, phase_rad) * scale * x[index][:, None] * y[index]
        sparked = sparked.addcmul(plane.real[..., None], z[index].real)
        sparked = sparked.addcmul(plane.imag[..., None], z[index].imag, value=-1)
    return sparked.abs()


def _waves(image: Tensor, axis: int, spikes: Spikes) -> Tensor:
    """Return the complex wave of each spike along one axis: (spikes, length)."""
    count = image.shape[axis]
    cycles = torch.tensor([round(f[axis] * count) for f in spikes.frequencies], device=image.device)
    angle = 2 * math.pi / count * cycles[:, None] * torch.arange(count, device=image.device)
    return torch.polar(torch.ones_like(angle), angle)
