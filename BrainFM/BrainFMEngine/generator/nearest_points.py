"""From the surface points that a few voxels know to the distance of every voxel around them."""

from __future__ import annotations

import torch
from torch import Tensor

UNKNOWN = 1e6
"""Squared distance of voxels that know no point."""


def spread(offsets: Tensor, known: Tensor, reach: int) -> Tensor:
    """Let every voxel take the nearest of the points that voxels around it know, one axis after the other.

    Args:
        offsets: (3, X, Y, Z) float32, from a voxel to a point of a surface, in voxels.
        known: (X, Y, Z) bool, where `offsets` means something.
        reach: how many voxels away along each axis a voxel looks, at most 127.

    Returns:
        (X, Y, Z) float32 distance in voxels; more than `reach` where no point is that near.
    """
    offsets = torch.where(known, offsets, 0.0)
    squared = torch.where(known, offsets.square().sum(0), UNKNOWN)
    for axis in range(3):
        steps = _steps_to_best(squared, offsets[axis], axis, reach)
        source = _index_along(axis, squared) + steps
        offsets = torch.stack([torch.gather(component, axis, source) for component in offsets])
        offsets[axis] += steps
        known = torch.gather(squared, axis, source) < UNKNOWN
        squared = torch.where(known, offsets.square().sum(0), UNKNOWN)
    return squared.sqrt_()


def _steps_to_best(squared: Tensor, along: Tensor, axis: int, reach: int) -> Tensor:
    """Return, for every voxel, how many voxels along `axis` the one lies whose point is nearest to it; int8."""
    best, steps = squared.clone(), torch.zeros_like(squared, dtype=torch.int8)
    size = squared.shape[axis]
    for step in range(-min(reach, size - 1), min(reach, size - 1) + 1):
        here, there = max(0, -step), max(0, step)
        length = size - abs(step)
        seen = squared.narrow(axis, there, length) + step * (2 * along.narrow(axis, there, length) + step)
        target = best.narrow(axis, here, length)
        steps.narrow(axis, here, length).masked_fill_(seen < target, step)
        torch.minimum(target, seen, out=target)
    return steps


def _index_along(axis: int, like: Tensor) -> Tensor:
    shape = [1, 1, 1]
    shape[axis] = like.shape[axis]
    return torch.arange(like.shape[axis], device=like.device).reshape(shape)
