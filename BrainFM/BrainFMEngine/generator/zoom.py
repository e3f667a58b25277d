"""Linear zoom and Gaussian blur of volumes: one small matrix an axis does both at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

AxisMatrices = Sequence[Tensor | None]
"""One for each of the last three axes of an image."""


def gaussian_kernel(std: float, device: torch.device | str = "cpu") -> Tensor:
    """Return the weights of a Gaussian of `std` > 0 voxels, (2 * ceil(3 std) + 1,) float32, sum 1."""
    radius = math.ceil(3 * std)
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32, device=device)
    kernel = torch.exp(-0.5 * (offsets / std) ** 2)
    return kernel / kernel.sum()


def axis_matrix(
    size_in: int, size_out: int, blur_std: float = 0.0, device: torch.device | str = "cpu"
) -> Tensor | None:
    """Build the matrix that blurs one axis and then resamples it linearly.

    Both grids cover the same length: output voxel i lies at (1 - f) / (2 f) + i / f, f = size_out / size_in, in input
    voxels, clamped to the outermost voxel centres. The blur sees zeros beyond the border.

    Args:
        size_in: voxels along the axis.
        size_out: voxels wanted.
        blur_std: of the Gaussian, input voxels; 0 does not blur.
        device: of the matrix.

    Returns:
        (size_out, size_in) float32, or None where nothing changes.
    """
    zoom_matrix = None if size_out == size_in else _zoom_matrix(size_in, size_out, device)
    if blur_std <= 0:
        return zoom_matrix
    blurring = blur_matrix(size_in, blur_std, device)
    return blurring if zoom_matrix is None else zoom_matrix @ blurring


def _zoom_matrix(size_in: int, size_out: int, device: torch.device | str) -> Tensor:
    positions = (torch.arange(size_out, dtype=torch.float32, device=device) + 0.5) * (size_in / size_out) - 0.5
    positions = positions.clamp_(0, size_in - 1)
    voxels = torch.arange(size_in, dtype=torch.float32, device=device)
    return (1 - (positions[:, None] - voxels).abs_()).clamp_(min=0)


def corner_matrix(size_in: int, size_out: int, device: torch.device | str = "cpu") -> Tensor | None:
    """Build the matrix of linear interpolation between grids whose outermost points coincide; None if they are one."""
    if size_in == size_out:
        return None
    positions = torch.linspace(0, size_in - 1, size_out, device=device)
    points = torch.arange(size_in, dtype=torch.float32, device=device)
    return (1 - (positions[:, None] - points).abs_()).clamp_(min=0)


def blur_matrix(size: int, std: float, device: torch.device | str = "cpu") -> Tensor:
    """Build the (size, size) float32 matrix of a Gaussian of `std` > 0 voxels that sees zeros beyond the border."""
    kernel = gaussian_kernel(std, device)
    radius = len(kernel) // 2
    voxels = torch.arange(size, device=device)
    offsets = voxels - voxels[:, None]
    return kernel[(offsets + radius).clamp(0, 2 * radius)] * (offsets.abs() <= radius)


def apply_separable(image: Tensor, matrices: AxisMatrices) -> Tensor:
    """Multiply each of the last three axes by its matrix, shrinking axes first.

    Args:
        image: (X, Y, Z) or (C, X, Y, Z) float32.
        matrices: (size_out, size_in) of each axis; None leaves an axis alone.

    Returns:
        The image with axes of size_out, float32; `image` itself where every matrix is None.
    """
    steps = [(axis, matrix) for axis, matrix in zip(range(3), matrices, strict=True) if matrix is not None]
    steps.sort(key=lambda step: step[1].shape[0] / step[1].shape[1])
    # A network's lower precision would show as steps in a smooth image.
    with torch.autocast(image.device.type, enabled=False):
        for axis, matrix in steps:
            image = _along_axis(image, matrix, axis)
    return image


def _along_axis(image: Tensor, matrix: Tensor, axis: int) -> Tensor:
    if axis == 2:
        return image @ matrix.T
    if axis == 1:
        return matrix @ image
    return (matrix @ image.flatten(-2)).unflatten(-1, image.shape[-2:])


def zoom(image: Tensor, shape: Sequence[int]) -> Tensor:
    """Resample (X, Y, Z) or (C, X, Y, Z) linearly to voxels that fill the same box, `shape` of them along each axis."""
    sizes = zip(image.shape[-3:], shape, strict=True)
    return apply_separable(image, tuple(axis_matrix(n_in, n_out, device=image.device) for n_in, n_out in sizes))


def blur(image: Tensor, stds: Sequence[float]) -> Tensor:
    """Blur (X, Y, Z) or (C, X, Y, Z) by a Gaussian of `stds` voxels along each axis, zeros outside; 0 leaves one."""
    sizes = zip(image.shape[-3:], stds, strict=True)
    return apply_separable(image, tuple(axis_matrix(n, n, std, image.device) for n, std in sizes))
