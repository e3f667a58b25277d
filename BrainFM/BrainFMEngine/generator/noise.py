"""Noise of the receiver: Gaussian, or Rician where a magnitude is taken (BrainFM §3.1.3)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.range_checks import Limits, check_limits, check_probability
from BrainFMEngine.generator.voxel_noise import normal_field


@dataclass(frozen=True)
class NoiseRanges:
    """Standard deviation in intensity units (Brain-ID Table B.1), and how often noise is Rician or spares the air."""

    std: Limits = (0.0, 0.0)
    rician_probability: float = 0.5
    keep_air_zero_probability: float = 0.5

    def __post_init__(self):
        check_limits("noise std", self.std)
        check_probability("probability of Rician noise", self.rician_probability)
        check_probability("probability of air without noise", self.keep_air_zero_probability)


@dataclass(frozen=True)
class Noise:
    """One draw; `keep_air_zero` leaves air at 0, as in a skull-stripped image."""

    std: float
    rician: bool
    keep_air_zero: bool
    seed: int


def sample_noise(draws: Draws, ranges: NoiseRanges) -> Noise:
    """Draw the strength from the level stream, kind and seed from the pattern stream."""
    return Noise(
        std=draws.between(ranges.std),
        rician=bool(draws.pattern.uniform() < ranges.rician_probability),
        keep_air_zero=bool(draws.pattern.uniform() < ranges.keep_air_zero_probability),
        seed=draws.seed(),
    )


def apply_noise(image: Tensor, noise: Noise, tissue: Tensor | None = None) -> Tensor:
    """Add noise at the resolution the scanner measured.

    Gaussian: I + std * N, negative values 0. Rician: the magnitude of (I + std * N1, std * N2).

    Args:
        image: (X, Y, Z) or (C, X, Y, Z) float32 >= 0, intensity units.
        noise: what was drawn.
        tissue: bool, broadcasts to image: what is not air, read only where noise keeps air at 0; default `image > 0`.

    Returns:
        Same shape, float32 >= 0; `image` itself for a std of 0.
    """
    if noise.std == 0:
        return image
    if noise.rician:
        real, imaginary = normal_field((2, *image.shape), noise.seed, image.device).mul_(noise.std)
        noisy = real.add_(image).square_().addcmul_(imaginary, imaginary).sqrt_()
    else:
        noisy = normal_field(tuple(image.shape), noise.seed, image.device).mul_(noise.std).add_(image).clamp_(min=0)
    if not noise.keep_air_zero:
        return noisy
    return torch.where(image > 0 if tissue is None else tissue, noisy, 0.0)
