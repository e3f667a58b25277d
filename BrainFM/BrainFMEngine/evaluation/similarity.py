"""Structural similarity of volumes (Wang et al. 2004), with PyTorch alone and on its devices.

Two conventions. `ssim` is what the papers report: the whole volume, a Gaussian window. `ssim_in` looks at a region,
with the uniform window of scikit-image; air, which is easy, has no part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

LUMINANCE, CONTRAST = 0.01**2, 0.03**2
"""The stabilising constants for values from 0 to 1."""

GAUSSIAN_TAPS = 11
UNIFORM_TAPS = 7
TOP_PERCENTILE = 99.5


def ssim(
    estimate: np.ndarray, truth: np.ndarray, sigma_voxels: float = 1.5, device: torch.device | str = "cpu"
) -> float:
    """Return the mean structural similarity of two volumes (X, Y, Z), each scaled to its own 0..1.

    A Gaussian window of 11 taps, voxels near the border without a full window left out; NaN where an axis is shorter
    than the window.
    """
    if min(truth.shape) < GAUSSIAN_TAPS:
        return float("nan")
    offsets = np.arange(GAUSSIAN_TAPS) - GAUSSIAN_TAPS // 2
    window = np.exp(-(offsets**2) / (2 * sigma_voxels**2))
    weights = (window / window.sum()).tolist()
    volumes = (_stretched(torch.as_tensor(np.float32(image), device=device)) for image in (estimate, truth))
    return float(_similarity(*volumes, lambda image: _smoothed(image, weights)).mean())


def ssim_in(estimate: np.ndarray, truth: np.ndarray, region: np.ndarray, device: torch.device | str = "cpu") -> float:
    """Return the mean structural similarity of two volumes (X, Y, Z) in a region (X, Y, Z) bool.

    Outside of it both are set to 0; then each is scaled so that the 99.5th percentile of what is above 0 becomes 1,
    and clipped there. The window is uniform, 7 voxels wide, and reflected at the region's bounding box. NaN where the
    region is empty or narrower than the window.
    """
    if not region.any():
        return float("nan")
    box = tuple(slice(index.min(), index.max() + 1) for index in np.nonzero(region))
    if min(side.stop - side.start for side in box) < UNIFORM_TAPS:
        return float("nan")
    weights = [1 / UNIFORM_TAPS] * UNIFORM_TAPS
    volumes = (torch.as_tensor(scaled(image[box] * region[box]), device=device) for image in (estimate, truth))
    count = UNIFORM_TAPS**3
    similarity = _similarity(
        *volumes, lambda image: _smoothed(_reflected(image, UNIFORM_TAPS // 2), weights), count / (count - 1)
    )
    return float(similarity[torch.as_tensor(region[box], device=device)].double().mean())


def scaled(image: np.ndarray) -> np.ndarray:
    """Scale the 99.5th percentile of what is above 0 to 1, and clip to 0..1; float32."""
    positive = image[image > 0]
    top = np.percentile(positive, TOP_PERCENTILE) if len(positive) else 1.0
    return np.clip(image / top, 0, 1).astype(np.float32)


def _similarity(one: Tensor, other: Tensor, smooth: Callable[[Tensor], Tensor], correction: float = 1.0) -> Tensor:
    """Return the similarity at every window; `correction` makes variances those of a sample."""
    mean_one, mean_other = smooth(one), smooth(other)
    variances = correction * (smooth(one * one) - mean_one**2 + smooth(other * other) - mean_other**2)
    covariance = correction * (smooth(one * other) - mean_one * mean_other)
    brightness = (2 * mean_one * mean_other + LUMINANCE) / (mean_one**2 + mean_other**2 + LUMINANCE)
    return brightness * (2 * covariance + CONTRAST) / (variances + CONTRAST)


def _smoothed(image: Tensor, weights: Sequence[float]) -> Tensor:
    """Filter (X, Y, Z) along every axis, only where the window fits."""
    for axis in range(3):
        length = image.shape[axis] - len(weights) + 1
        result = weights[0] * image.narrow(axis, 0, length)
        for start, weight in enumerate(weights[1:], start=1):
            result.add_(image.narrow(axis, start, length), alpha=weight)
        image = result
    return image


def _reflected(image: Tensor, width: int) -> Tensor:
    """Extend (X, Y, Z) on every side by its mirror image, the border voxel twice."""
    for axis in range(3):
        length = image.shape[axis]
        before = image.narrow(axis, 0, width).flip(axis)
        after = image.narrow(axis, length - width, width).flip(axis)
        image = torch.cat([before, image, after], axis)
    return image


def _stretched(image: Tensor) -> Tensor:
    low, high = image.min(), image.max()
    return (image - low) / (high - low).clamp(min=1e-12)
