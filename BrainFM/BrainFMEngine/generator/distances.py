"""Signed distances to the cortical surfaces from a label map, at sub-voxel accuracy (BrainFM §3.2).

The border between voxels is a staircase; the surface is where a slightly smoothed mask is one half, kept on the side
of every voxel that the labels say.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from BrainFMEngine.generator.nearest_points import spread
from BrainFMEngine.generator.warp import normalised, sample_grid
from BrainFMEngine.generator.zoom import apply_separable, axis_matrix

SURFACES = ("lp", "lw", "rp", "rw")
CORTEX = (3, 42)
WHITE = (
    (2, 4, 5, 10, 11, 12, 13, 17, 18, 25, 26, 28, 30, 31, 78, 136, 137, 819, 821, 843, 865, 869),
    (41, 43, 44, 49, 50, 51, 52, 53, 54, 57, 58, 60, 62, 63, 79, 163, 164, 820, 822, 844, 866, 870),
)
"""What the white surface of each hemisphere encloses, left and right; cerebellum and midline belong to neither."""
EITHER_SIDE = (77, 80, 99)
"""Lesions and hypointensities without a side: they belong to the hemisphere on whose side of the midline they are."""

REACH_MM = 6.0
SMOOTHING_VOXELS = 0.7
EDGE_STD_VOXELS = math.sqrt(SMOOTHING_VOXELS**2 + 1 / 12)
"""A smoothed mask falls off roughly like the integral of this Gaussian: the kernel and the voxel itself."""

LEAST_VOXELS = 0.05
FURTHEST_VOXELS = 1.8
LONGEST_STEP = 1.2
PROJECTIONS = 3


def signed_distances_mm(labels: np.ndarray, reach_mm: float = REACH_MM) -> np.ndarray | None:
    """Compute the distance maps of one head.

    Args:
        labels: (X, Y, Z) integers on a 1 mm grid, ids of FreeSurfer or SynthSeg.
        reach_mm: where distances are cut off, on both sides.

    Returns:
        (4, X, Y, Z) float32 mm to the left pial, left white, right pial and right white surface (`SURFACES`),
        negative inside; None if a hemisphere has no cortex or no white matter.
    """
    white = [np.isin(labels, ids) for ids in WHITE]
    ribbon = [labels == label for label in CORTEX]
    if not all(mask.any() for mask in white + ribbon):
        return None
    _divide_between(labels, white)
    masks = [mask for enclosed, shell in zip(white, ribbon, strict=True) for mask in (enclosed | shell, enclosed)]
    maps = np.empty((len(masks), *labels.shape), np.float32)
    for channel, mask in zip(maps, masks, strict=True):
        channel[:] = signed_distance_mm(mask, 1.0, reach_mm)
    return maps


def _divide_between(labels: np.ndarray, white: list[np.ndarray]) -> None:
    """Add what has no side to the nearer hemisphere, in place."""
    voxels = np.argwhere(np.isin(labels, EITHER_SIDE))
    left, right = (np.array([index.mean() for index in np.nonzero(mask)]) for mask in white)
    is_right = (voxels - (left + right) / 2) @ (right - left) > 0
    for mask, chosen in zip(white, (~is_right, is_right), strict=True):
        mask[tuple(voxels[chosen].T)] = True


def signed_distance_mm(inside: np.ndarray, spacing_mm: float = 1.0, reach_mm: float = REACH_MM) -> np.ndarray:
    """Compute the distance to the surface of a mask.

    Args:
        inside: (X, Y, Z) bool, cubic voxels of `spacing_mm`. Where the mask meets the border of the grid it goes on.
        reach_mm: where distances are cut off, on both sides.

    Returns:
        (X, Y, Z) float32 mm, negative inside, never of the wrong sign.
    """
    reach = math.ceil(reach_mm / spacing_mm)
    result = np.where(inside, -reach_mm, reach_mm).astype(np.float32)
    window = _window(inside, reach + 1)
    mask = torch.from_numpy(np.ascontiguousarray(inside[window]))
    known = _touches_other_side(mask)
    if known.any():
        level = _smooth_level(mask)
        offsets = torch.zeros(3, *mask.shape)
        offsets[:, known] = _to_surface(level, known)
        distance = (spread(offsets, known, reach) * spacing_mm).clamp_(max=reach_mm)
        result[window] = torch.where(mask, -distance, distance).numpy()
    return result


def _window(inside: np.ndarray, margin: int) -> tuple[slice, ...]:
    """Return the part of the grid around a mask; everything where it is empty."""
    parts = []
    for axis, size in enumerate(inside.shape):
        used = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis)))
        parts.append(slice(max(0, used[0] - margin), min(size, used[-1] + 1 + margin)) if used.size else slice(None))
    return tuple(parts)


def _touches_other_side(mask: Tensor) -> Tensor:
    """Return the voxels (X, Y, Z) one of whose six neighbours is on the other side."""
    touches = torch.zeros_like(mask)
    for axis, size in enumerate(mask.shape):
        low, high = mask.narrow(axis, 0, size - 1), mask.narrow(axis, 1, size - 1)
        differs = low != high
        touches.narrow(axis, 0, size - 1).logical_or_(differs)
        touches.narrow(axis, 1, size - 1).logical_or_(differs)
    return touches


def _smooth_level(mask: Tensor) -> Tensor:
    """Return roughly the signed distance in voxels (X, Y, Z), close to the surface, each voxel on its own side."""
    pad = 2 * math.ceil(3 * SMOOTHING_VOXELS)
    padded = F.pad(mask.float()[None, None], (pad,) * 6, mode="replicate")[0, 0]
    kernels = tuple(axis_matrix(n, n, SMOOTHING_VOXELS) for n in padded.shape)
    once = apply_separable(padded, kernels)
    # Smoothing draws round surfaces towards their centre; doing it again tells by how much.
    smooth = (2 * once - apply_separable(once, kernels))[(slice(pad, -pad),) * 3]
    level = -EDGE_STD_VOXELS * math.sqrt(2) * torch.erfinv((2 * smooth - 1).clamp_(-1, 1))
    level = level.clamp_(-FURTHEST_VOXELS, FURTHEST_VOXELS)
    return torch.where(mask, level.clamp(max=-LEAST_VOXELS), level.clamp(min=LEAST_VOXELS))


def _to_surface(level: Tensor, known: Tensor) -> Tensor:
    """Return the way (3, N) from each of the known voxels to the zero of `level`, in voxels.

    Downhill along the gradient; where that doesn't arrive (sheets one voxel thin), to the zero on the way to the
    nearest neighbour on the other side.
    """
    fields = torch.stack([level, *torch.gradient(level)])
    start = known.nonzero().T.float()
    points = start.clone()
    for _ in range(PROJECTIONS):
        value, *slopes = _at(fields, points)
        gradient = torch.stack(slopes)
        points -= value * gradient / gradient.square().sum(0).clamp_(min=0.25)
    way = points - start
    arrived = (_at(fields[:1], points)[0].abs() < LEAST_VOXELS) & (way.norm(dim=0) < LONGEST_STEP)
    return torch.where(arrived, way, _to_nearest_crossing(level, known))


def _at(fields: Tensor, points: Tensor) -> Tensor:
    """Sample (C, X, Y, Z) at voxel indices (3, N); returns (C, N)."""
    where = normalised(points[:, :, None, None], fields.shape[1:])
    return sample_grid(fields, where, "border")[..., 0, 0]


def _to_nearest_crossing(level: Tensor, known: Tensor) -> Tensor:
    """Return the way (3, N) along one axis to the nearest zero between neighbouring voxels."""
    best = torch.full(level.shape, math.inf)
    way = torch.zeros(3, *level.shape)
    for axis, size in enumerate(level.shape):
        low, high = level.narrow(axis, 0, size - 1), level.narrow(axis, 1, size - 1)
        fraction = torch.where(low * high < 0, low / (low - high), math.inf)
        for first, step in ((0, fraction), (1, fraction - 1)):
            here = best.narrow(axis, first, size - 1)
            nearer = step.abs() < here
            here.copy_(torch.where(nearer, step.abs(), here))
            for component in range(3):
                part = way[component].narrow(axis, first, size - 1)
                part.copy_(torch.where(nearer, step if component == axis else 0.0, part))
    return way[:, known]
