"""Gradient noise: smooth random blobs from a coarse lattice of directions (Perlin, SIGGRAPH 1985 and 2002)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.errors import UsageError


def gradient_noise(theta: Tensor | np.ndarray, phi: Tensor | np.ndarray, shape: Sequence[int]) -> Tensor:
    """Return smooth noise that is 0 at every lattice point, about -0.7..0.7 between them.

    Args:
        theta: (a+1, b+1, c+1) azimuths of the lattice's unit gradients, radians; a, b, c cells along the axes. The last
            plane of the first axis is not used: that axis is periodic.
        phi: polar angles, same shape.
        shape: (X, Y, Z) of the result, each at least the number of cells.

    Returns:
        (X, Y, Z) float32 on the device of `theta`, as the published pathology shapes are drawn.

    Raises:
        UsageError: the lattice is not 3D with at least one cell an axis, or its two parts differ in shape.
    """
    theta, phi = torch.as_tensor(theta).float(), torch.as_tensor(phi).float()
    if theta.ndim != 3 or theta.shape != phi.shape or min(theta.shape) < 2:
        raise UsageError(
            f"gradients {tuple(theta.shape)} and {tuple(phi.shape)} are no lattice", "Give (cells + 1) angles an axis."
        )
    gradients = torch.stack([phi.sin() * theta.cos(), phi.sin() * theta.sin(), phi.cos()])
    gradients = torch.cat([gradients[:, :-1], gradients[:, :1]], 1)
    tables = [_corner_weights(n - 1, size, theta.device) for n, size in zip(theta.shape, shape, strict=True)]
    noise = torch.zeros(tuple(shape), device=theta.device)
    for along, gradient in enumerate(gradients):
        # The blend of eight corners' gradient · offset is a product of three sums over two corners each.
        for axis, table in enumerate(tables):
            gradient = torch.tensordot(gradient, table[int(axis == along)], ([0], [1]))
        noise += gradient
    return noise


def keep_top(noise: Tensor, percentile: float) -> tuple[Tensor, Tensor]:
    """Keep what lies above a percentile, and set the rest to 0.

    Args:
        noise: any shape, float32.
        percentile: 0..100, linear between values as NumPy counts it.

    Returns:
        The kept values and where they are (bool), both of the shape of `noise`.
    """
    if not 0 <= percentile <= 100:
        raise UsageError(f"percentile {percentile} is not within 0..100")
    rank = int(percentile / 100 * (noise.numel() - 1))
    top = noise > noise.flatten().sort().values[rank]
    return torch.where(top, noise, 0.0), top


def _corner_weights(cells: int, size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return two tables (size, cells + 1): a lattice point's weight at a voxel, and that weight times the offset."""
    position = torch.arange(size, device=device) * (cells / size)
    offset = position[:, None] - torch.arange(cells + 1, device=device)
    near = (1 - offset.abs()).clamp(min=0)
    weight = near**3 * (near * (near * 6 - 15) + 10)
    return weight, weight * offset
