"""GroupNorm and unit length in place, on maps that are too large to copy.

On the CPU a map in `channels_last_3d` order is a matrix with one row a voxel; working on rows that fit the cache is
several times faster than the general operators and lets sums over millions of voxels be kept in float64.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

ROWS = 8192


def channel_moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance of every channel of (1, C, X, Y, Z), each (C,)."""
    if x.device.type != "cpu":
        variance, mean = torch.var_mean(x[0], dim=(1, 2, 3), correction=0)
        return mean, variance
    rows = _rows(x)
    # Moments about one voxel's values: subtracting large equal numbers would lose digits.
    origin = rows[len(rows) // 2].clone()
    total, squares = torch.zeros(2, rows.shape[1], dtype=torch.float64)
    for part in rows.split(ROWS):
        centred = part - origin
        total += centred.sum(0)
        squares += centred.square_().sum(0)
    mean = total / len(rows)
    return mean + origin, squares / len(rows) - mean.square()


def group_scale(norm: nn.GroupNorm, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Return (scale, shift), each (C,) float32, so that `x * scale + shift` is the group-normalised x."""
    means = mean.view(norm.num_groups, -1)
    group_mean = means.mean(1, keepdim=True)
    spread = (variance.view_as(means) + (means - group_mean).square()).mean(1, keepdim=True)
    scale = norm.weight.to(means.dtype).view_as(means) * torch.rsqrt(spread + norm.eps)
    shift = norm.bias.to(means.dtype).view_as(means) - group_mean * scale
    return scale.flatten().to(norm.weight.dtype), shift.flatten().to(norm.weight.dtype)


def scale_in_place(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Replace x (1, C, X, Y, Z) by `x * scale + shift`, channel by channel."""
    return torch.addcmul(shift.view(1, -1, 1, 1, 1), x, scale.view(1, -1, 1, 1, 1), out=x)


def unit_length_in_place(x: Tensor) -> Tensor:
    """Divide x (1, C, X, Y, Z) by max(its length over channels, 1e-12)."""
    if x.device.type != "cpu":
        x /= torch.linalg.vector_norm(x, dim=1, keepdim=True).clamp_(min=1e-12)
        return x
    for part in _rows(x).split(ROWS):
        part /= torch.linalg.vector_norm(part, dim=1, keepdim=True).clamp_(min=1e-12)
    return x


def _rows(x: Tensor) -> Tensor:
    """View (1, C, X, Y, Z) in channels_last_3d order as (voxels, C); other orders cannot be viewed."""
    return x[0].permute(1, 2, 3, 0).view(-1, x.shape[1])
