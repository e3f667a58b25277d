"""Air that is not black: a smooth haze around the head and a raised noise floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.generator.artefact import ArtefactRanges, draw_strength
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.voxel_noise import normal_field
from BrainFMEngine.generator.zoom import zoom

FULL_LEVEL = 0.15
COARSE_SHAPE = (4, 4, 4)
PERCENTILE_VOXELS = 2**15


@dataclass(frozen=True)
class BackgroundRanges(ArtefactRanges):
    """Ranges of `sample_background`."""

    strength: tuple[float, float] = (0.1, 1.0)


@dataclass(frozen=True, eq=False)
class Background:
    """A bright background.

    Args:
        strength: 0 to 1; the brightest haze has `FULL_LEVEL` times this of the image's 99th percentile.
        coarse: (4, 4, 4) float32 in 0 to 1, the haze at coarse points that span the grid.
        noise_share: 0 to 1, noise relative to the haze.
        noise_seed: of the voxel noise.
    """

    strength: float
    coarse: np.ndarray
    noise_share: float
    noise_seed: int


def sample_background(draws: Draws, ranges: BackgroundRanges) -> Background | None:
    """Draw a background; None where the air stays as it is."""
    strength = draw_strength(draws, ranges)
    coarse = draws.pattern.uniform(0, 1, COARSE_SHAPE).astype(np.float32)
    noise_share = float(draws.pattern.uniform(0, 0.7))
    noise_seed = draws.seed()
    return None if strength is None else Background(strength, coarse / coarse.max(), noise_share, noise_seed)


def apply_background(image: Tensor, background: Background | None, head: Tensor) -> Tensor:
    """Brighten the air; the head keeps its bits.

    Args:
        image: (X, Y, Z) float32 >= 0.
        background: None leaves the image as it is.
        head: (X, Y, Z) bool, True in every tissue.

    Returns:
        (X, Y, Z) float32 >= 0.
    """
    if background is None or background.strength == 0:
        return image
    shape = tuple(image.shape)
    haze = zoom(torch.from_numpy(background.coarse).to(image.device), shape)
    grain = normal_field(shape, background.noise_seed, image.device).abs_()
    level = FULL_LEVEL * background.strength * _bright_value(image)
    return torch.where(head, image, image + level * haze * (1 + background.noise_share * (grain - 1)))


def _bright_value(image: Tensor) -> Tensor:
    """Return the 99th percentile of evenly spaced voxels, on the image's device."""
    values = image.flatten()
    values = values[:: max(1, values.numel() // PERCENTILE_VOXELS)]
    return values.kthvalue(max(1, round(0.99 * values.numel()))).values
