"""The smooth part of a deformation: a stationary velocity field and its flow (BrainFM §3.1.1, Brain-ID Table B.1).

The field is random at a few nodes and trilinear between them; beyond the outer nodes it goes on as it is there. Its
flow is therefore defined everywhere and never folds, and the flow of the negative field is its inverse.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.range_checks import check_limits
from BrainFMEngine.generator.warp import normalised, sample_grid
from BrainFMEngine.generator.zoom import apply_separable, corner_matrix

Shape = tuple[int, int, int]
CONTROL_MM = 2.0
FEWEST_STEPS = 2
FIXED_POINT_STEPS = 30


@dataclass(frozen=True)
class VelocityRanges:
    """Ranges of `sample_velocity`.

    Attributes:
        grid_scale: nodes a mm along each axis.
        std_mm: highest standard deviation of the nodes' values; what is drawn is uniform from 0.
        integrate: whether the field is a velocity, as both papers say. False takes it for the displacement itself, as
            the published code does: samples may then fold.
    """

    grid_scale: tuple[float, float] = (0.03, 0.06)
    std_mm: float = 4.0
    integrate: bool = True

    def __post_init__(self):
        check_limits("VelocityRanges.grid_scale", self.grid_scale)
        check_limits("VelocityRanges.std_mm", (0.0, self.std_mm))


@dataclass(frozen=True)
class Velocity:
    """One draw: `coarse_mm` (3, x, y, z) float32, mm (a unit of time) at nodes that share out the sample's extent."""

    coarse_mm: np.ndarray
    integrate: bool = True
    std_mm: float = 0.0


def sample_velocity(draws: Draws, extent_mm: Sequence[float], ranges: VelocityRanges) -> Velocity:
    """Draw a field for a sample of `extent_mm` (3,); severity has no say (Brain-ID Table B.1)."""
    scale = draws.pattern.uniform(*ranges.grid_scale)
    std = ranges.std_mm * float(draws.pattern.uniform())
    nodes = [max(2, round(scale * extent)) for extent in extent_mm]
    coarse = std * draws.pattern.standard_normal((3, *nodes))
    return Velocity(coarse.astype(np.float32), ranges.integrate, std)


def dense_velocity(velocity: Velocity, shape: Shape, device: torch.device | str = "cpu") -> Tensor:
    """Return the field (3, X, Y, Z) float32 in mm at the voxels of a sample grid."""
    coarse = torch.from_numpy(velocity.coarse_mm).to(device)
    return F.interpolate(coarse[None], size=shape, mode="trilinear", align_corners=False)[0]


def displacement(
    velocity: Velocity,
    shape: Shape,
    spacing_mm: float = 1.0,
    inverse: bool = False,
    control_mm: float = CONTROL_MM,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Return where a field carries the voxels of a sample grid, as displacements (3, X, Y, Z) float32 in mm.

    The flow is computed at control points at most `control_mm` (or a voxel) apart and is linear between them.
    """
    offsets = grid_offsets_mm(shape, spacing_mm, control_mm, device)
    moved = displace(velocity, offsets, extent_mm(shape, spacing_mm), inverse)
    return refine(moved, shape)


def extent_mm(shape: Shape, spacing_mm: float) -> tuple[float, float, float]:
    """Return the size of a grid from outer face to outer face."""
    x, y, z = shape
    return x * spacing_mm, y * spacing_mm, z * spacing_mm


def grid_offsets_mm(shape: Shape, spacing_mm: float, control_mm: float, device: torch.device | str) -> Tensor:
    """Return points (3, x, y, z) in mm from a grid's centre that span it evenly from outer centre to outer centre.

    Neighbours are at most `control_mm` or one voxel apart, whichever is more, and even in number, which `sample_grid`
    shares out between threads; `refine` goes on to every voxel.
    """
    axes = []
    for n in shape:
        reach = (n - 1) * spacing_mm / 2
        count = math.ceil(2 * reach / control_mm) + 1
        count = min(n, count + count % 2)
        axes.append(torch.linspace(-reach, reach, count, device=device))
    return torch.stack(torch.meshgrid(*axes, indexing="ij"))


def refine(field: Tensor, shape: Shape) -> Tensor:
    """Interpolate a field (C, x, y, z) of `grid_offsets_mm` at every voxel of its grid, trilinear."""
    sizes = zip(field.shape[-3:], shape, strict=True)
    return apply_separable(field, tuple(corner_matrix(n_in, n_out, field.device) for n_in, n_out in sizes))


def displace(velocity: Velocity, points_mm: Tensor, extent: Sequence[float], inverse: bool = False) -> Tensor:
    """Return the displacement of points.

    Args:
        points_mm: (3, x, y, z) float32, from the centre of the sample, anywhere.
        extent: (3,) of the sample, mm.
        inverse: of the inverse map: to where a point came from.

    Returns:
        (3, x, y, z) float32 in mm.
    """
    if not velocity.coarse_mm.any():
        return torch.zeros_like(points_mm)
    unit = points_mm.new_tensor(extent).reshape(3, 1, 1, 1) / 2
    start = points_mm / unit
    field = torch.from_numpy(velocity.coarse_mm).to(points_mm.device) / unit
    if velocity.integrate:
        end = _flow(-field if inverse else field, start, _steps(velocity, extent))
    elif inverse:
        end = _fixed_point(field, start)
    else:
        end = start + sample_grid(field, start, "border")
    return (end - start) * unit


def _flow(field: Tensor, points: Tensor, steps: int) -> Tensor:
    """Carry points along a field for a unit of time with the classical Runge-Kutta method."""
    step = 1 / steps
    for _ in range(steps):
        first = sample_grid(field, points, "border")
        second = sample_grid(field, points + step / 2 * first, "border")
        third = sample_grid(field, points + step / 2 * second, "border")
        fourth = sample_grid(field, points + step * third, "border")
        points = points + step / 6 * (first + 2 * (second + third) + fourth)
    return points


def _fixed_point(field: Tensor, points: Tensor) -> Tensor:
    """Return where x + field(x) = points; only where the field doesn't fold is there one answer."""
    found = points
    for _ in range(FIXED_POINT_STEPS):
        found = points - sample_grid(field, found, "border")
    return found


def _steps(velocity: Velocity, extent: Sequence[float]) -> int:
    """Return enough steps for the steepest place: a step changes distances between points by less than their size."""
    slopes = [FEWEST_STEPS]
    for axis, size in enumerate(extent, start=1):
        nodes = velocity.coarse_mm.shape[axis]
        if nodes > 1:
            slopes.append(float(np.abs(np.diff(velocity.coarse_mm, axis=axis)).max()) * nodes / size)
    return math.ceil(max(slopes))


def integrate(dense: Tensor, steps: int = 8) -> Tensor:
    """Integrate a velocity field given voxel by voxel, by scaling and squaring; zero outside the grid.

    `displace` follows a field between nodes without the interpolation errors of this; the inverse is the integral of
    the negative field, up to those errors.

    Args:
        dense: (3, X, Y, Z) float32, voxels a unit of time.
        steps: doublings; the first of 2^steps steps is linear.

    Returns:
        (3, X, Y, Z) displacement in voxels.
    """
    shape = dense.shape[1:]
    axes = [torch.arange(n, dtype=dense.dtype, device=dense.device) for n in shape]
    voxels = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    moved = dense / 2**steps
    for _ in range(steps):
        moved = moved + sample_grid(moved, normalised(voxels + moved, shape), "zeros")
    return moved
