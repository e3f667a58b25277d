"""Where a sample's voxels come from in the subject: affine and smooth displacement (BrainFM §3.1.1, facts §4.2)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class DeformationRanges:
    """Half-widths of the uniform draws; `field_std_mm` and `field_spacing_mm` are ranges."""

    rotation_deg: float = 10.0
    shear: float = 0.05
    scale: float = 0.12
    shift_mm: float = 30.0
    field_std_mm: tuple[float, float] = (0.0, 3.0)
    field_spacing_mm: tuple[float, float] = (20.0, 35.0)
    flip_probability: float = 0.5


@dataclass(frozen=True)
class Deformation:
    """One draw. `field_mm` is the coarse displacement (3, x, y, z); the rest are scalars or triples."""

    rotation_deg: tuple[float, float, float]
    shear: tuple[float, float, float]
    scale: tuple[float, float, float]
    shift_mm: tuple[float, float, float]
    flip: bool
    field_mm: np.ndarray

    @property
    def distance_scale(self) -> float:
        """Factor from the subject's millimetres to the sample's, as (s0·s1·s2)^(1/3) of sampling scales."""
        return float(np.prod(self.scale) ** (1 / 3))

    def matrix(self) -> np.ndarray:
        """Return diag(scale) · shear · rotation, (3, 3), sample offset to subject offset."""
        h0, h1, h2 = self.shear
        shear = (
            np.array([[1, 0, 0], [h1, 1, 0], [h2, 0, 1]])
            @ np.array([[1, h0, 0], [0, 1, 0], [0, h2, 1]])
            @ np.array([[1, 0, h0], [0, 1, h1], [0, 0, 1]])
        )
        rotation = np.eye(3)
        for axis, degrees in enumerate(self.rotation_deg):
            rotation = rotation @ _axis_rotation(axis, math.radians(degrees))
        return np.diag(self.scale) @ shear @ rotation


def sample_deformation(rng: np.random.Generator, shape: tuple[int, int, int], ranges: DeformationRanges) -> Deformation:
    """Draw a deformation for a crop of `shape` voxels of 1 mm."""

    def symmetric(half_width: float) -> tuple[float, float, float]:
        return tuple(rng.uniform(-half_width, half_width, 3).tolist())

    spacing = rng.uniform(*ranges.field_spacing_mm)
    coarse = [max(2, round(n / spacing) + 1) for n in shape]
    std = rng.uniform(*ranges.field_std_mm)
    return Deformation(
        rotation_deg=symmetric(ranges.rotation_deg),
        shear=symmetric(ranges.shear),
        scale=tuple(1 + s for s in symmetric(ranges.scale)),
        shift_mm=symmetric(ranges.shift_mm),
        flip=bool(rng.uniform() < ranges.flip_probability),
        field_mm=(std * rng.standard_normal((3, *coarse))).astype(np.float32),
    )


def sampling_positions(deformation: Deformation, shape: tuple[int, int, int], centre: np.ndarray) -> Tensor:
    """Compute where each voxel of the crop lies in the subject.

    Args:
        shape: of the crop, voxels of 1 mm.
        centre: (3,) subject voxel that an unshifted crop is centred on.

    Returns:
        (3, X, Y, Z) float32 continuous voxel indices of the subject. A flip mirrors the crop's first axis.
    """
    axes = [torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in shape]
    offset = torch.stack(torch.meshgrid(*axes, indexing="ij"))
    field = torch.from_numpy(deformation.field_mm)[None]
    offset = offset + F.interpolate(field, size=shape, mode="trilinear", align_corners=True)[0]
    matrix = torch.from_numpy(deformation.matrix().astype(np.float32))
    positions = torch.einsum("ij,jxyz->ixyz", matrix, offset)
    origin = torch.tensor(centre + np.array(deformation.shift_mm), dtype=torch.float32)
    positions = positions + origin[:, None, None, None]
    return positions.flip(1) if deformation.flip else positions


def warp_linear(image: Tensor, positions: Tensor, outside: float = 0.0) -> Tensor:
    """Sample (C, x, y, z) at (3, X, Y, Z) voxel indices, trilinear; returns (C, X, Y, Z) float32."""
    size = torch.tensor(image.shape[1:], dtype=torch.float32)
    normalised = 2 * positions / (size - 1)[:, None, None, None] - 1
    grid = normalised.permute(1, 2, 3, 0).flip(-1)[None]
    warped = F.grid_sample(image.float()[None] - outside, grid, mode="bilinear", align_corners=True)[0]
    return warped + outside


def warp_nearest(labels: Tensor, positions: Tensor) -> Tensor:
    """Sample an integer map (x, y, z) at (3, X, Y, Z) voxel indices; 0 outside. Invents no class."""
    index = positions.round().long()
    size = torch.tensor(labels.shape)[:, None, None, None]
    inside = ((index >= 0) & (index < size)).all(0)
    index = torch.minimum(index.clamp_(min=0), size - 1)
    flat = (index[0] * labels.shape[1] + index[1]) * labels.shape[2] + index[2]
    return labels.flatten()[flat] * inside


def _axis_rotation(axis: int, radians: float) -> np.ndarray:
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = math.cos(radians)
    matrix[i, j], matrix[j, i] = -math.sin(radians), math.sin(radians)
    return matrix
