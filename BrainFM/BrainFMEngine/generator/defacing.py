"""Defacing: the face is missing, as in most shared data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.range_checks import check_probability
from BrainFMEngine.generator.zoom import zoom

Kind = Literal["plane", "blocks", "blur"]
SMALLEST_MARGIN_MM = 5.0
ANGLES_DEG = (20.0, 38.0)
TISSUE_SHARE = 0.05
TISSUE_LEVEL = 0.2


@dataclass(frozen=True)
class DefacingRanges:
    """How often a face is removed, 0 to 1; there is no half-removed face.

    Raises:
        UsageError: the probability lies outside 0 to 1.
    """

    probability: float = 0.0

    def __post_init__(self):
        check_probability("DefacingRanges.probability", self.probability)


@dataclass(frozen=True)
class Defacing:
    """The half space in front of and below the brain, and what happens to it.

    Args:
        kind: "plane" (0 beyond a plane that shears the face off), "blocks" (0 beyond a staircase), "blur" (smeared).
        angle_deg: how far the direction of removal points down from anterior.
        margin_mm: distance of the brain from the plane, at least `SMALLEST_MARGIN_MM`.
        block_mm: edge of the staircase's steps, or of the cells that are averaged.
    """

    kind: Kind
    angle_deg: float
    margin_mm: float
    block_mm: float


def sample_defacing(draws: Draws, ranges: DefacingRanges) -> Defacing | None:
    """Draw a defacing; None where the face stays. Takes one draw from the level stream."""
    happens = draws.chance(ranges.probability)
    kind = get_args(Kind)[int(draws.pattern.integers(len(get_args(Kind))))]
    angle_deg = float(draws.pattern.uniform(*ANGLES_DEG))
    margin_mm = float(draws.pattern.uniform(SMALLEST_MARGIN_MM, 15))
    block_mm = float(draws.pattern.uniform(6, 14))
    return Defacing(kind, angle_deg, margin_mm, block_mm) if happens else None


def defacing_mask(image: Tensor, defacing: Defacing | None, brain: Tensor | None, spacing_mm: float = 1.0) -> Tensor:
    """Return the region that is removed, (X, Y, Z) bool, air in it included, on the image's device.

    It is empty without a brain, and where hardly any tissue lies in it: a skull-stripped or already defaced head.
    Strong noise in air passes for tissue.

    Args:
        image: (X, Y, Z) float32 >= 0, axes right, anterior, superior.
        defacing: None removes nothing.
        brain: (X, Y, Z) bool; None removes nothing.
        spacing_mm: edge of a voxel.
    """
    if defacing is None or brain is None:
        return torch.zeros(image.shape, dtype=torch.bool, device=image.device)
    position_mm, inner_mm = _positions_mm(image, defacing, spacing_mm)
    sagittal = brain.any(0)
    reach_mm = torch.where(sagittal, position_mm, -math.inf).max()
    plane_mm = torch.where(sagittal.any(), reach_mm + max(defacing.margin_mm, SMALLEST_MARGIN_MM), math.inf)
    region = (inner_mm > plane_mm).expand(image.shape)
    return region & _has_tissue(image, brain, region)


def apply_defacing(
    image: Tensor,
    defacing: Defacing | None,
    brain: Tensor | None,
    spacing_mm: float = 1.0,
    clean: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Remove the face; return the image and `defacing_mask`.

    Args:
        image: (X, Y, Z) float32 >= 0, axes right, anterior, superior.
        defacing: None leaves the image as it is.
        brain: (X, Y, Z) bool; None leaves the image as it is.
        spacing_mm: edge of a voxel.
        clean: the same image without noise, to tell tissue from air; the image itself if None.
    """
    mask = defacing_mask(image if clean is None else clean, defacing, brain, spacing_mm)
    if defacing is None or brain is None:
        return image, mask
    if defacing.kind == "blur":
        return torch.where(mask, _smear(image, max(2, round(defacing.block_mm / spacing_mm))), image), mask
    return image.masked_fill(mask, 0), mask


def _positions_mm(image: Tensor, defacing: Defacing, spacing_mm: float) -> tuple[Tensor, Tensor]:
    """Return how far each (Y, Z) lies anterior and inferior, in mm, and how far its block begins."""
    angle = math.radians(defacing.angle_deg)
    y, z = (torch.arange(n, device=image.device, dtype=torch.float32) for n in image.shape[1:])
    position_mm = spacing_mm * (math.cos(angle) * y[:, None] - math.sin(angle) * z)
    if defacing.kind != "blocks":
        return position_mm, position_mm
    edge = max(1, round(defacing.block_mm / spacing_mm))
    y, z = y - y % edge, z - z % edge + edge - 1
    return position_mm, spacing_mm * (math.cos(angle) * y[:, None] - math.sin(angle) * z)


def _has_tissue(image: Tensor, brain: Tensor, region: Tensor) -> Tensor:
    """Return whether enough of the region is brighter than a fifth of the brain's mean, as a scalar on the device."""
    darkest = TISSUE_LEVEL * (image * brain).sum() / brain.sum().clamp(min=1)
    return (region & (image > darkest)).sum() > TISSUE_SHARE * region.sum()


def _smear(image: Tensor, edge: int) -> Tensor:
    """Average cells of `edge` voxels and interpolate between them."""
    cells = F.avg_pool3d(image[None], edge, ceil_mode=True, count_include_pad=False)
    return zoom(cells[0], image.shape)
