"""What is refused and what is doubtful about an image, beside its file format.

Geometry is judged from the header, before the voxels are read; values once they are there.
"""

from __future__ import annotations

import math

import numpy as np

from BrainFMEngine.errors import InputImageError
from BrainFMEngine.image.forms import FIX_HINT, is_invertible
from BrainFMEngine.image.volume import Volume

MAX_RESAMPLED_VOXELS = 60_000_000
SMALLEST_SPACING_MM, LARGEST_SPACING_MM, DOUBTFUL_SPACING_MM = 0.05, 20.0, 5.0
SMALLEST_CONFORMED = 32
LARGEST_VALUE = 1e30
"""Anything larger is treated as infinite: float32 sums of it would overflow."""


def check_geometry(name: str, shape: tuple[int, ...], affine_ras: np.ndarray, spacing_mm: float = 1.0) -> list[str]:
    """Refuse a position in space that cannot be right, and a scan that is too large or small at `spacing_mm`.

    Args:
        name: of the image, for messages.
        shape: (X, Y, Z).
        affine_ras: (4, 4) voxel index to RAS mm.
        spacing_mm: voxel size that the network works at.

    Returns:
        Warnings.

    Raises:
        InputImageError: with the numbers.
    """
    if not is_invertible(affine_ras):
        raise InputImageError(f"the position of {name} in space cannot be right", FIX_HINT)
    voxel_mm = np.linalg.norm(affine_ras[:3, :3], axis=0)
    size_text = " x ".join(f"{value:.3g}" for value in voxel_mm) + " mm"
    if voxel_mm.min() < SMALLEST_SPACING_MM or voxel_mm.max() > LARGEST_SPACING_MM:
        raise InputImageError(
            f"the voxel size of {name} cannot be right: {size_text}",
            "Correct the header; lengths must be in millimetres.",
        )
    resampled = [round(n * float(v) / spacing_mm) for n, v in zip(shape, voxel_mm, strict=True)]
    field_text = " x ".join(str(n) for n in resampled)
    if math.prod(resampled) > MAX_RESAMPLED_VOXELS:
        raise InputImageError(
            f"{name} is too large: {field_text} voxels of {spacing_mm:g} mm, at most {MAX_RESAMPLED_VOXELS:.0e}",
            "Crop it around the head first.",
        )
    if min(resampled) < SMALLEST_CONFORMED:
        raise InputImageError(
            f"{name} covers too little: {field_text} voxels of {spacing_mm:g} mm, at least {SMALLEST_CONFORMED} needed",
            "Give a scan of the whole brain.",
        )
    if voxel_mm.max() > DOUBTFUL_SPACING_MM:
        return [f"voxels are large ({size_text}); small structures will not be reliable"]
    return []


def finite_values(name: str, array: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Replace what is no number: NaN by the lowest value (air), infinities by the extremes.

    Args:
        name: of the image, for messages.
        array: (X, Y, Z).

    Returns:
        The array (the same one where nothing had to be replaced), and warnings.

    Raises:
        InputImageError: nothing finite, or all the same.
    """
    is_usable = np.isfinite(array) & (np.abs(array) <= LARGEST_VALUE)
    values = array if is_usable.all() else array[is_usable]
    if values.size == 0:
        raise InputImageError(f"{name} holds no numbers: every voxel is NaN or infinite", "Export the image again.")
    low, high = values.min(), values.max()
    if low == high:
        raise InputImageError(f"{name} is constant: every voxel is {low:g}", "Give the scan itself, not an empty mask.")
    if values is array:
        return array, []
    missing, beyond = np.isnan(array), ~is_usable & ~np.isnan(array)
    counts = [
        (int(missing.sum()), "are NaN and are taken as air"),
        (int(beyond.sum()), "are infinite and were clipped"),
    ]
    cleaned = np.clip(np.where(missing, low, array), low, high)
    return cleaned, [f"{count} voxels {what}" for count, what in counts if count]


def label_map_warning(volume: Volume) -> list[str]:
    """Warn when an image looks like labels: few whole numbers, and neighbours nearly always equal."""
    array = volume.array
    sample = array[::3, ::3, ::3]
    values, counts = np.unique(sample, return_counts=True)
    if values.size > 256 or np.any(values != np.round(values)):
        return []
    inside = array[:-1] != values[np.argmax(counts)]
    same = np.count_nonzero((array[1:] == array[:-1]) & inside)
    if same < 0.8 * np.count_nonzero(inside):
        return []
    return ["the image looks like a label map and not like a scan"]
