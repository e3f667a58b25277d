"""Resizing along the array axes with anti-aliasing, one banded matrix per axis (facts of the published code §2.1)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from BrainFMEngine.image.volume import Volume

KERNEL_RADIUS_SIGMAS = 2.5


def resize_to_spacing(volume: Volume, spacing_mm: float = 1.0) -> Volume:
    """Resample to voxels of (nearly) `spacing_mm` along the volume's own axes.

    Each axis d of N voxels of v mm gets n = round(N v / spacing) voxels. Where that is fewer, a Gaussian of
    sigma = (ln 5 / pi) N / n source voxels comes first. The field of view is kept, so the new voxels are
    N v / n mm; the affine says so exactly. Sheared axes stay sheared.

    Args:
        volume: array (X, Y, Z) float32.
        spacing_mm: wanted.

    Returns:
        Array float32 C-order on the new grid.
    """
    array, affine = volume.array, np.array(volume.affine_ras, np.float64)
    for axis, voxel_mm in enumerate(volume.spacing_mm):
        size = array.shape[axis]
        new_size = max(round(float(size * voxel_mm / spacing_mm)), 1)
        if new_size == size:
            continue
        array = _apply_along(resize_matrix(size, new_size), array, axis)
        step = size / new_size
        affine[:3, 3] += affine[:3, axis] * (0.5 * step - 0.5)
        affine[:3, axis] *= step
    return replace(volume, array=np.ascontiguousarray(array, np.float32), affine_ras=affine)


def resize_matrix(size: int, new_size: int) -> np.ndarray:
    """Return the (new_size, size) float32 matrix of anti-aliasing followed by linear interpolation.

    Row i samples at (1 - f) / (2 f) + i / f with f = new_size / size, clamped to the first and last voxel.
    """
    step = size / new_size
    position = np.clip(0.5 * step - 0.5 + np.arange(new_size) * step, 0, size - 1)
    below = np.minimum(np.floor(position).astype(int), size - 1)
    above = np.minimum(below + 1, size - 1)
    weight = position - below
    matrix = np.zeros((new_size, size))
    rows = np.arange(new_size)
    np.add.at(matrix, (rows, below), 1 - weight)
    np.add.at(matrix, (rows, above), weight)
    if step > 1:
        matrix = matrix @ gaussian_matrix(size, math.log(5) / math.pi * step)
    return matrix.astype(np.float32)


def gaussian_matrix(size: int, sigma: float) -> np.ndarray:
    """Return the (size, size) matrix of a normalised Gaussian cut at ceil(2.5 sigma), with zeros outside the image."""
    offset = np.arange(size)[:, None] - np.arange(size)[None, :]
    radius = math.ceil(KERNEL_RADIUS_SIGMAS * sigma)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return np.where(np.abs(offset) <= radius, np.exp(-0.5 * (offset / sigma) ** 2), 0) / kernel.sum()


def _apply_along(matrix: np.ndarray, array: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(np.tensordot(matrix, array, axes=(1, axis)), 0, axis)
