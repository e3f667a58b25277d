"""What scanners do to an image: gamma, bias field, resolution, noise (BrainFM §3.1.3, facts §4.5)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

BLUR_FACTOR = math.log(5) / math.pi


@dataclass(frozen=True)
class CorruptionRanges:
    """Ranges of `sample_corruption`; noise and bias std are relative to the image's own range."""

    gamma_std: float = 0.15
    bias_std: tuple[float, float] = (0.0, 0.3)
    bias_points: tuple[int, int] = (2, 5)
    noise_std: tuple[float, float] = (0.0, 0.05)


@dataclass(frozen=True)
class Corruption:
    """One draw; `bias_coarse_log` is (x, y, z), `spacing_mm` what the scanner resolved along each axis."""

    gamma: float
    bias_coarse_log: np.ndarray
    spacing_mm: tuple[float, float, float]
    noise_std: float
    noise_seed: int


def sample_corruption(rng: np.random.Generator, ranges: CorruptionRanges) -> Corruption:
    """Draw a corruption; two thirds of the draws keep full resolution."""
    points = rng.integers(ranges.bias_points[0], ranges.bias_points[1] + 1, 3)
    return Corruption(
        gamma=float(math.exp(ranges.gamma_std * rng.standard_normal())),
        bias_coarse_log=(rng.uniform(*ranges.bias_std) * rng.standard_normal(points)).astype(np.float32),
        spacing_mm=_sample_spacing(rng),
        noise_std=float(rng.uniform(*ranges.noise_std)),
        noise_seed=int(rng.integers(2**31)),
    )


def _sample_spacing(rng: np.random.Generator) -> tuple[float, float, float]:
    kind = rng.uniform()
    spacing = np.ones(3)
    if 0.65 <= kind < 0.8:
        spacing[rng.integers(3)] = rng.uniform(2.5, 6.5)
    elif 0.8 <= kind < 0.88:
        spacing = np.array([1.3, 1.3, 4.8]) + 0.4 * rng.uniform(size=3)
        rng.shuffle(spacing)
    elif kind >= 0.88:
        spacing = rng.uniform(1.5, 3.5, 3)
    return tuple(spacing.tolist())


def bias_log_field(corruption: Corruption, shape: tuple[int, ...]) -> Tensor:
    """Return the log bias field (X, Y, Z), smooth, in natural log units."""
    coarse = torch.from_numpy(corruption.bias_coarse_log)[None, None]
    return F.interpolate(coarse, size=shape, mode="trilinear", align_corners=True)[0, 0]


def corrupt(image: Tensor, corruption: Corruption, bias_log: Tensor) -> Tensor:
    """Apply gamma, bias, resolution and noise, and scale to 0..1 as inference does.

    Args:
        image: (X, Y, Z) float32 >= 0, any scale.
        bias_log: (X, Y, Z), added in the log domain.

    Returns:
        (X, Y, Z) float32 in 0..1.
    """
    top = image.max().clamp(min=1e-6)
    image = (image / top) ** corruption.gamma * bias_log.exp()
    low = _downsample(image, corruption.spacing_mm)
    generator = torch.Generator().manual_seed(corruption.noise_seed)
    noise = corruption.noise_std * low.max()
    real = low + noise * torch.randn(low.shape, generator=generator)
    imaginary = noise * torch.randn(low.shape, generator=generator)
    low = torch.where(low > 0, torch.hypot(real, imaginary), low)
    if low.shape != image.shape:
        low = F.interpolate(low[None, None], size=image.shape, mode="trilinear", align_corners=False)[0, 0]
    return scale_robustly(low)


def scale_robustly(image: Tensor, fraction: float = 0.999) -> Tensor:
    """Scale the 99.9th percentile of the non-zero voxels to 1 and clip; (X, Y, Z) to the same shape."""
    values = image[image > 0]
    if values.numel() < 100:
        return image.clamp(0, 1)
    rank = max(1, int(fraction * values[::4].numel()))
    return (image / values[::4].kthvalue(rank).values.clamp(min=1e-6)).clamp_(0, 1)


def blur(image: Tensor, std_voxels: tuple[float, float, float]) -> Tensor:
    """Gaussian blur of (C, X, Y, Z) per axis, zero padding, radius ceil(3 std); 0 leaves an axis alone."""
    for axis, std in enumerate(std_voxels):
        if std <= 0:
            continue
        radius = math.ceil(3 * std)
        offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
        kernel = torch.exp(-0.5 * (offsets / std) ** 2)
        shape, padding = [1, 1, 1], [0, 0, 0]
        shape[axis], padding[axis] = len(offsets), radius
        weight = (kernel / kernel.sum()).reshape(1, 1, *shape)
        image = F.conv3d(image[:, None], weight, padding=padding)[:, 0]
    return image


def _downsample(image: Tensor, spacing_mm: tuple[float, float, float]) -> Tensor:
    if max(spacing_mm) <= 1:
        return image
    image = blur(image[None], tuple(BLUR_FACTOR * s if s > 1 else 0.0 for s in spacing_mm))[0]
    size = [max(4, int(n / s)) for n, s in zip(image.shape, spacing_mm, strict=True)]
    return F.interpolate(image[None, None], size=size, mode="trilinear", align_corners=False)[0, 0]
