"""Motion ghosting: faint copies of the head along the phase-encoding axis."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from BrainFMEngine.generator.artefact import ArtefactRanges, draw_strength
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.zoom import apply_separable

FULL_AMPLITUDE = 0.25
PERIODS = (3, 8)


@dataclass(frozen=True)
class GhostingRanges(ArtefactRanges):
    """Ranges of `sample_ghosting`."""

    strength: tuple[float, float] = (0.1, 0.8)


@dataclass(frozen=True)
class Ghosting:
    """Periodic motion that disturbs k-space lines along one axis.

    Args:
        strength: 0 to 1; each ghost has `FULL_AMPLITUDE` times this of the image's intensity.
        axis: array axis of phase encoding.
        period: lines per cycle of the motion; the ghosts lie `1 / period` of the field of view away on both sides.
        phase_rad: of the ghosts relative to the image; the two sides have opposite signs.
    """

    strength: float
    axis: int
    period: int
    phase_rad: float


def sample_ghosting(draws: Draws, ranges: GhostingRanges) -> Ghosting | None:
    """Draw ghosting; None where it does not happen."""
    strength = draw_strength(draws, ranges)
    axis = int(draws.pattern.integers(3))
    period = int(draws.pattern.integers(PERIODS[0], PERIODS[1] + 1))
    phase_rad = float(draws.pattern.uniform(0, 2 * math.pi))
    return None if strength is None else Ghosting(strength, axis, period, phase_rad)


def apply_ghosting(image: Tensor, ghosting: Ghosting | None) -> Tensor:
    """Add the ghosts; copies that leave the field of view come in on its other side, as in a scanner.

    Args:
        image: (X, Y, Z) float32 >= 0.
        ghosting: None leaves the image as it is.

    Returns:
        (X, Y, Z) float32 >= 0, the magnitude.
    """
    if ghosting is None or ghosting.strength == 0:
        return image
    matrix = _ghost_matrix(image.shape[ghosting.axis], ghosting, image.device)
    real, imaginary = (_along(image, ghosting.axis, part.contiguous()) for part in (matrix.real, matrix.imag))
    return real.square_().addcmul_(imaginary, imaginary).sqrt_()


def _ghost_matrix(count: int, ghosting: Ghosting, device: torch.device) -> Tensor:
    """Return the complex (count, count) matrix that disturbs k-space lines; it spares the centre, so brightness stays.

    One small matrix costs far less than the transform of a whole volume and back.
    """
    line = torch.fft.fftfreq(count, 1 / count, device=device)
    motion = torch.sin(2 * math.pi / ghosting.period * line)
    factor = 1 + 2 * FULL_AMPLITUDE * ghosting.strength * cmath.exp(1j * ghosting.phase_rad) * motion
    return torch.fft.ifft(torch.fft.fft(torch.eye(count, device=device), dim=0) * factor[:, None], dim=0)


def _along(image: Tensor, axis: int, matrix: Tensor) -> Tensor:
    x, y, z = (matrix if a == axis else None for a in range(3))
    return apply_separable(image, (x, y, z))
