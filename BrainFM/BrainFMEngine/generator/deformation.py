"""Where a sample's voxels come from in the subject, and the way back (BrainFM §3.1.1).

A voxel x of the sample lies at A · (offset + u(offset)) + centre + shift in the subject: `offset` is its distance from
the sample's centre in mm, u the flow of a velocity field, A an affine matrix.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.generator.affine import Affine, AffineRanges, sample_affine
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.range_checks import check_probability
from BrainFMEngine.generator.velocity import (
    CONTROL_MM,
    Shape,
    Velocity,
    VelocityRanges,
    displace,
    extent_mm,
    grid_offsets_mm,
    refine,
    sample_velocity,
)

Device = torch.device | str
Point = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class DeformationRanges:
    """Ranges of `sample_deformation`."""

    affine: AffineRanges = field(default_factory=AffineRanges)
    velocity: VelocityRanges = field(default_factory=VelocityRanges)
    flip_probability: float = 0.5

    def __post_init__(self):
        check_probability("DeformationRanges.flip_probability", self.flip_probability)


@dataclass(frozen=True)
class Deformation:
    """One draw. A flip mirrors the finished sample from left to right."""

    affine: Affine
    velocity: Velocity
    flip: bool = False

    @property
    def distance_scale(self) -> float:
        """Subject mm a sample mm: distances of the subject are divided by it."""
        return self.affine.distance_scale


def sample_deformation(
    draws: Draws, shape: Shape, spacing_mm: float = 1.0, ranges: DeformationRanges | None = None
) -> Deformation:
    """Draw a deformation for a sample of `shape` voxels of `spacing_mm`."""
    ranges = ranges or DeformationRanges()
    return Deformation(
        affine=sample_affine(draws, ranges.affine),
        velocity=sample_velocity(draws, extent_mm(shape, spacing_mm), ranges.velocity),
        flip=bool(draws.pattern.uniform() < ranges.flip_probability),
    )


def sampling_positions(
    deformation: Deformation,
    shape: Shape,
    centre_voxel: Point,
    spacing_mm: float = 1.0,
    device: Device = "cpu",
) -> Tensor:
    """Compute where every voxel of a sample lies in the subject.

    Args:
        shape: (X, Y, Z) of the sample, cubic voxels of `spacing_mm`.
        centre_voxel: (3,) voxel of the 1 mm subject that an unshifted sample is centred on.

    Returns:
        (3, X, Y, Z) float32 continuous voxel indices of the subject; they may lie outside of it.
    """
    return refine(control_positions(deformation, shape, centre_voxel, spacing_mm, device), shape)


def control_positions(
    deformation: Deformation,
    shape: Shape,
    centre_voxel: Point,
    spacing_mm: float = 1.0,
    device: Device = "cpu",
) -> Tensor:
    """Compute `sampling_positions` at points at most 2 mm apart, (3, x, y, z); `velocity.refine` gives every voxel."""
    offsets = grid_offsets_mm(shape, spacing_mm, CONTROL_MM, device)
    moved = offsets + displace(deformation.velocity, offsets, extent_mm(shape, spacing_mm))
    positions = _multiply(deformation.affine.matrix(), moved) + _origin(deformation, centre_voxel, moved)
    return positions.flip(1) if deformation.flip else positions


def inverse_positions(
    deformation: Deformation,
    shape: Shape,
    centre_voxel: Point,
    subject_shape: Shape,
    spacing_mm: float = 1.0,
    device: Device = "cpu",
) -> Tensor:
    """Compute where every voxel of the subject comes to lie in a sample: the inverse of `sampling_positions`.

    Without integration the field has an inverse only where it doesn't fold.

    Args:
        shape, centre_voxel, spacing_mm: as given to `sampling_positions`.
        subject_shape: (x, y, z) of the 1 mm subject.

    Returns:
        (3, x, y, z) float32 continuous voxel indices of the sample; they may lie outside of it.
    """
    middle = torch.tensor([(n - 1) / 2 for n in subject_shape], device=device).reshape(3, 1, 1, 1)
    voxels = grid_offsets_mm(subject_shape, 1.0, CONTROL_MM, device) + middle
    moved = _multiply(np.linalg.inv(deformation.affine.matrix()), voxels - _origin(deformation, centre_voxel, voxels))
    offsets = moved + displace(deformation.velocity, moved, extent_mm(shape, spacing_mm), inverse=True)
    if deformation.flip:
        offsets[0].neg_()
    centre = offsets.new_tensor([(n - 1) / 2 for n in shape]).reshape(3, 1, 1, 1)
    return refine(offsets / spacing_mm + centre, subject_shape)


def jacobian_determinant(positions: Tensor, spacing_mm: float = 1.0) -> Tensor:
    """Return the change of volume (X, Y, Z) of positions (3, X, Y, Z), by central differences.

    Positive where nothing folds (negative there for a flipped sample). `spacing_mm` is that of the grid whose voxels
    the positions belong to; positions are in mm or 1 mm voxels.
    """
    rows = [torch.gradient(component, spacing=spacing_mm) for component in positions]
    (a, b, c), (d, e, f), (g, h, i) = rows
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def _multiply(matrix: np.ndarray, points: Tensor) -> Tensor:
    """Multiply (3, 3) with every point of (3, x, y, z); written out, as mixed precision would round a matmul."""
    x, y, z = points
    return torch.stack([a * x + b * y + c * z for a, b, c in matrix.tolist()])


def _origin(deformation: Deformation, centre_voxel: Point, like: Tensor) -> Tensor:
    """Return the subject voxel of the sample's centre, (3, 1, 1, 1)."""
    return like.new_tensor(np.add(centre_voxel, deformation.affine.shift_mm)).reshape(3, 1, 1, 1)
