"""Resolution: what slice thickness, gap and voxel size of an acquisition leave of the anatomy (BrainFM §3.1.3)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.range_checks import check_probability
from BrainFMEngine.generator.zoom import apply_separable, axis_matrix, zoom

Triple = tuple[float, float, float]

FULL, ANISOTROPIC, LOW_FIELD, NEAR_ISOTROPIC = "full", "anisotropic", "low_field", "near_isotropic"
BLUR_FACTOR = math.log(5) / math.pi


@dataclass(frozen=True)
class ResolutionRanges:
    """How often a scan resolves less than 1 mm voxels (Brain-ID Table B.1).

    `low_field_probability` counts scans of 1.3 x 1.3 x 4.8 mm, as portable scanners deliver, and the
    `near_isotropic_share` of them with 2 to 5 mm along every axis instead. What neither it nor
    `anisotropic_probability` takes is resolved fully.
    """

    low_field_probability: float = 0.0
    anisotropic_probability: float = 0.0
    near_isotropic_share: float = 0.5

    def __post_init__(self):
        check_probability("probability of low field", self.low_field_probability)
        check_probability("probability of thick slices", self.anisotropic_probability)
        check_probability("near-isotropic share of low field", self.near_isotropic_share)
        if self.low_field_probability + self.anisotropic_probability > 1 + 1e-9:
            raise UsageError("low field and thick slices together are more probable than 1", "Lower one of them.")


@dataclass(frozen=True)
class Resolution:
    """One draw: `kind`, distance of voxel centres and thickness of what each averages (mm), factor on the blur."""

    kind: str
    spacing_mm: Triple
    thickness_mm: Triple
    blur_jitter: float


def sample_resolution(draws: Draws, ranges: ResolutionRanges) -> Resolution:
    """Draw how finely a scan resolves each axis.

    Thick slices: one axis of 2.5 + 6 U mm, of which at most 4 + 2 U mm are measured and the rest is gap. Low field:
    (1.3, 1.3, 4.8) + 0.4 U mm without gap, the thick axis random, where the published code always takes the last.
    Near-isotropic: 2 + 3 U mm along each axis without gap.

    Low field takes the top of one uniform draw and thick slices its bottom, so a scan that is degraded stays the very
    same when both probabilities rise.
    """
    choice, variant, thickness_draw, jitter_draw, *spacing_draws = draws.level.uniform(size=7).tolist()
    axis = int(draws.pattern.integers(3))
    jitter = 0.85 + 0.3 * jitter_draw
    if choice < ranges.anisotropic_probability:
        slice_spacing = 2.5 + 6 * spacing_draws[0]
        spacing, thickness = [1.0] * 3, [1.0] * 3
        spacing[axis], thickness[axis] = slice_spacing, min(slice_spacing, 4 + 2 * thickness_draw)
        return Resolution(ANISOTROPIC, _triple(spacing), _triple(thickness), jitter)
    if choice < 1 - ranges.low_field_probability:
        return Resolution(FULL, (1.0, 1.0, 1.0), (1.0, 1.0, 1.0), jitter)
    if variant < ranges.near_isotropic_share:
        voxel_mm = _triple(2 + 3 * u for u in spacing_draws)
        return Resolution(NEAR_ISOTROPIC, voxel_mm, voxel_mm, jitter)
    thick_first = [4.8 + 0.4 * spacing_draws[0], *(1.3 + 0.4 * u for u in spacing_draws[1:])]
    voxel_mm = _triple(np.roll(thick_first, axis).tolist())
    return Resolution(LOW_FIELD, voxel_mm, voxel_mm, jitter)


def _triple(values: Iterable[float]) -> Triple:
    x, y, z = values
    return x, y, z


def low_resolution_shape(resolution: Resolution, shape: Sequence[int], spacing_mm: float = 1.0) -> tuple[int, ...]:
    """Return the scanner's voxels along each axis of a sample grid (X, Y, Z) of `spacing_mm`; never more than it."""
    factors = (max(1.0, s / spacing_mm) for s in resolution.spacing_mm)
    return tuple(max(1, int(n / f)) for n, f in zip(shape, factors, strict=True))


def blur_stds(resolution: Resolution, spacing_mm: float = 1.0) -> Triple:
    """Return the Gaussian that stands for the slice profile, voxels of the sample grid; 0 where the grid is coarser.

    jitter * ln 5 / pi * thickness, as the published systems blur before they resample.
    """
    relative = (thickness / spacing_mm for thickness in resolution.thickness_mm)
    return _triple(resolution.blur_jitter * BLUR_FACTOR * t if t > 1 else 0.0 for t in relative)


def to_low_resolution(image: Tensor, resolution: Resolution, spacing_mm: float = 1.0) -> Tensor:
    """Blur and resample to the scanner's voxels; noise belongs on the result.

    Args:
        image: (X, Y, Z) or (C, X, Y, Z) float32.
        resolution: what was drawn.
        spacing_mm: voxel edge of the image; a scan is never finer than it.

    Returns:
        (..., x, y, z) float32 of `low_resolution_shape`; `image` itself where full resolution was drawn.
    """
    if resolution.kind == FULL:
        return image
    shape = image.shape[-3:]
    low_shape = low_resolution_shape(resolution, shape, spacing_mm)
    axes = zip(shape, low_shape, blur_stds(resolution, spacing_mm), strict=True)
    return apply_separable(image, tuple(axis_matrix(n, low, std, image.device) for n, low, std in axes))


def from_low_resolution(low: Tensor, shape: Sequence[int]) -> Tensor:
    """Resample (..., x, y, z) linearly back to the sample grid (X, Y, Z); `low` itself where it has that shape."""
    return zoom(low, shape)
