"""From native units to 0..1: what kind of image it is, and which values become 0 and 1.

CT: Hounsfield units are windowed to 0..80. MR: the 0.1th percentile of all voxels becomes 0 and the 99.9th percentile
of the foreground becomes 1, so that a hot voxel changes nothing and a I + b (a > 0) gives the same result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Modality = Literal["mr", "ct"]
CT_WINDOW_HU = (0.0, 80.0)
LOW_PERCENTILE, HIGH_PERCENTILE = 0.1, 99.9
OFFSET_HU = 1024.0
BINS = 256
SAMPLE_STEP = 2


@dataclass(frozen=True)
class IntensityRange:
    """Native values that become 0 and 1."""

    low: float
    high: float

    def apply(self, array: np.ndarray, ceiling: float = 1.0) -> np.ndarray:
        """Map to 0..ceiling, float32, clipped."""
        scaled = (array.astype(np.float64, copy=False) - self.low) / (self.high - self.low)
        return np.clip(scaled, 0, ceiling).astype(np.float32)


def detect_modality(array: np.ndarray) -> tuple[Modality, float, list[str]]:
    """Tell CT from MR by its values.

    CT in Hounsfield units: air near -1000 and soft tissue near 0..100 both make up a good part. CT stored with water
    at 1024 (air at 0) is recognised as well when nearly everything that is not air lies near water.

    Args:
        array: (X, Y, Z) finite.

    Returns:
        "mr" or "ct", the value that stands for 0 HU (0 for MR), and warnings.
    """
    values = array[::SAMPLE_STEP, ::SAMPLE_STEP, ::SAMPLE_STEP]
    if _is_hounsfield(values):
        return "ct", 0.0, []
    if _is_offset_hounsfield(values):
        return "ct", OFFSET_HU, [f"taken as CT stored with water at {OFFSET_HU:g}; say --modality mr if it is not"]
    return "mr", 0.0, []


def ct_range(water: float) -> IntensityRange:
    """Return the CT window for images in which `water` stands for 0 HU."""
    return IntensityRange(water + CT_WINDOW_HU[0], water + CT_WINDOW_HU[1])


def robust_range(array: np.ndarray) -> IntensityRange:
    """Return the range of an MR image (X, Y, Z); never empty when the image is not constant."""
    low, top = (float(value) for value in np.percentile(array, (LOW_PERCENTILE, HIGH_PERCENTILE), method="nearest"))
    if top <= low:
        low, top = float(array.min()), float(array.max())
    levels = (IntensityRange(low, top).apply(array) * (BINS - 1)).astype(np.uint8)
    threshold = otsu_level(np.bincount(levels.ravel(), minlength=BINS))
    high = float(np.percentile(array[levels > threshold], HIGH_PERCENTILE, method="nearest"))
    return IntensityRange(low, high if high > low else top)


def otsu_level(counts: np.ndarray) -> int:
    """Return the level that best splits a histogram: the first class is all levels up to and with it (Otsu 1979)."""
    counts = counts.astype(np.float64)
    below, total = np.cumsum(counts), counts.sum()
    moment = np.cumsum(counts * np.arange(len(counts)))
    above = total - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (moment[-1] * below / total - moment) ** 2 / (below * above)
    between[~np.isfinite(between)] = -1
    return int(np.argmax(between))


def _is_hounsfield(values: np.ndarray) -> bool:
    air = np.count_nonzero((values > -1100) & (values < -900))
    padding = np.count_nonzero(values <= -1100)
    soft = np.count_nonzero((values > 0) & (values < 100))
    return bool(values.min() <= -200 and air + padding > 0.03 * values.size and soft > 0.01 * values.size)


def _is_offset_hounsfield(values: np.ndarray) -> bool:
    if values.min() < 0 or not 1800 < values.max() < 6000:
        return False
    matter = values[values > 100]
    air = values.size - matter.size
    water = np.count_nonzero((matter > OFFSET_HU - 130) & (matter < OFFSET_HU + 110))
    bone = np.count_nonzero(matter > OFFSET_HU + 250)
    return bool(air > 0.1 * values.size and water > 0.6 * matter.size and bone > 0.01 * matter.size)
