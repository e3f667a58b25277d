"""Bias field: a smooth multiplicative shading, as receive coils leave it (BrainFM §3.1.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.range_checks import Limits, check_limits
from BrainFMEngine.generator.zoom import zoom

MIN_NODES = 2


@dataclass(frozen=True)
class BiasRanges:
    """Nodes of the coarse grid a millimetre, and standard deviation of its natural log values (Brain-ID Table B.1)."""

    grid_scale: Limits = (0.01, 0.02)
    std: Limits = (0.0, 0.0)

    def __post_init__(self):
        check_limits("bias grid scale", self.grid_scale)
        check_limits("bias std", self.std)


@dataclass(frozen=True, eq=False)
class Bias:
    """One draw; `coarse_log` is (x, y, z) float32, natural log, standard deviation `std` already applied."""

    std: float
    coarse_log: np.ndarray


def sample_bias(draws: Draws, shape: Sequence[int], ranges: BiasRanges, spacing_mm: float = 1.0) -> Bias:
    """Draw a coarse field for a grid.

    Args:
        draws: streams of the sample; two draws of strength, one seed.
        shape: (X, Y, Z) of the sample grid.
        ranges: of the draw.
        spacing_mm: voxel edge of the sample grid.

    Returns:
        The field on at least two nodes along each axis, where the published code fails on small grids.
    """
    grid_scale = draws.between(ranges.grid_scale)
    std = draws.between(ranges.std)
    nodes = [max(MIN_NODES, round(grid_scale * n * spacing_mm)) for n in shape]
    values = np.random.default_rng(draws.seed()).standard_normal(nodes)
    return Bias(std, (std * values).astype(np.float32))


def bias_log_field(bias: Bias, shape: Sequence[int], device: torch.device | str = "cpu") -> Tensor:
    """Return the natural log of the field on the sample grid, (X, Y, Z) float32, linear between coarse nodes."""
    return zoom(torch.from_numpy(bias.coarse_log).to(device), shape)


def apply_bias(image: Tensor, bias_log: Tensor) -> Tensor:
    """Multiply (X, Y, Z) or (C, X, Y, Z) by exp(bias_log), (X, Y, Z) natural log; a log of 0 changes no bit."""
    return image * bias_log.exp()
