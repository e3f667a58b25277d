"""Gibbs ringing: edges that echo because the scanner reads no high frequencies."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from BrainFMEngine.generator.artefact import ArtefactRanges, draw_strength
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.zoom import apply_separable

SMALLEST_KEPT = 0.45
AXES = ((0,), (1,), (2,), (0, 1, 2))


@dataclass(frozen=True)
class GibbsRanges(ArtefactRanges):
    """Ranges of `sample_gibbs`."""

    strength: tuple[float, float] = (0.2, 1.0)


@dataclass(frozen=True)
class Gibbs:
    """A box in k-space.

    Args:
        strength: 0 keeps every frequency, 1 keeps the lower `SMALLEST_KEPT` of each half axis.
        axes: array axes along which frequencies are missing.
    """

    strength: float
    axes: tuple[int, ...]


def sample_gibbs(draws: Draws, ranges: GibbsRanges) -> Gibbs | None:
    """Draw ringing along one axis or all three; None where it does not happen."""
    strength = draw_strength(draws, ranges)
    axes = AXES[int(draws.pattern.integers(len(AXES)))]
    return None if strength is None else Gibbs(strength, axes)


def apply_gibbs(image: Tensor, gibbs: Gibbs | None) -> Tensor:
    """Remove the frequencies outside the box.

    Args:
        image: (X, Y, Z) float32 >= 0.
        gibbs: None leaves the image as it is.

    Returns:
        (X, Y, Z) float32 >= 0, the magnitude; steps overshoot by about 9 %.
    """
    if gibbs is None or gibbs.strength == 0:
        return image
    kept = 1 - (1 - SMALLEST_KEPT) * gibbs.strength
    x, y, z = (_box_matrix(image.shape[a], kept, image.device) if a in gibbs.axes else None for a in range(3))
    return apply_separable(image, (x, y, z)).abs()


def _box_matrix(count: int, kept: float, device: torch.device) -> Tensor:
    """Return the (count, count) matrix that drops frequencies above `kept` of the half axis."""
    spectrum = torch.fft.rfft(torch.eye(count, device=device), dim=0)
    frequency = torch.fft.rfftfreq(count, device=device)
    return torch.fft.irfft(spectrum * (frequency <= 0.5 * kept)[:, None], n=count, dim=0)
