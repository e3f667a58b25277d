"""From a scan as read to what the network takes: RAS axes, 1 mm, 0..1, the head and a fixed margin of background.

The convention, the same for every scan and every model. The first layer normalises over the whole volume, so the
amount of background matters:

1. axes closest to RAS (`orientation`), voxels of 1 mm with anti-aliasing (`resize`); a sheared scan is brought onto
   orthogonal axes through its full matrix; oblique scans keep their own axes;
2. values 0..1 (`intensity`);
3. the box of the head (`head`) with a margin of 8 mm is cut out, the neck left out (`neck`); where it reaches beyond
   the scan there are zeros;
4. zeros are added evenly on both sides up to the next multiple of the network's `size_multiple` (at least two
   multiples, at least 32 voxels), the odd one at the upper end.

The affine follows every step, so that results go back to the scan's own grid exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import numpy as np

from BrainFMEngine.errors import InputImageError
from BrainFMEngine.image.checks import SMALLEST_CONFORMED, check_geometry, finite_values, label_map_warning
from BrainFMEngine.image.field_of_view import field_of_view_warnings
from BrainFMEngine.image.head import Box, cut_out, find_head
from BrainFMEngine.image.intensity import (
    HIGH_PERCENTILE,
    IntensityRange,
    Modality,
    ct_range,
    detect_modality,
    robust_range,
)
from BrainFMEngine.image.neck import without_neck
from BrainFMEngine.image.orientation import orthogonal_part, reorient
from BrainFMEngine.image.resize import resize_to_spacing
from BrainFMEngine.image.volume import Grid, Shape3D, Volume, shape_3d
from BrainFMEngine.progress import Progress, SilentProgress

MARGIN_MM = 8.0
SHEAR_TOLERANCE = 1e-3
"""Largest cosine between axes that still counts as orthogonal."""
ROUGH_CEILING = 2.0
"""Values are first clipped here, so that a hot voxel cannot spread, and at 1 once the head is known."""


@dataclass(frozen=True)
class ConformedImage:
    """What the network takes, and where it came from.

    Attributes:
        volume: (X, Y, Z) float32 0..1 on the 1 mm RAS grid, each axis a multiple of the asked number.
        native: the scan as read, with NaN and infinities replaced.
        modality: as what it was treated.
        intensity_low, intensity_high: native values that became 0 and 1.
        warnings: what is doubtful, including what reading the file said.
    """

    volume: Volume
    native: Volume
    modality: Modality
    intensity_low: float
    intensity_high: float
    warnings: tuple[str, ...]


def conform(
    volume: Volume,
    size_multiple: int,
    modality: Literal["auto", "mr", "ct"] = "auto",
    spacing_mm: float = 1.0,
    progress: Progress | None = None,
) -> ConformedImage:
    """Prepare a scan for the network as the module describes.

    Args:
        volume: a 3D scan of real numbers, any orientation and resolution.
        size_multiple: what each axis of the result is divisible by, 2 ** (levels - 1).
        modality: "auto" looks at the values; CT must be in Hounsfield units.
        spacing_mm: voxel size that the network was trained at.
        progress: told what is doubtful, beside what reading already said.

    Raises:
        InputImageError: the image cannot be right.
    """
    progress = progress or SilentProgress()
    name = volume.source.name if volume.source else "the image"
    _check_array(name, volume.array)
    known = tuple(volume.header.get("warnings", ()))
    doubts = check_geometry(name, volume.array.shape, volume.affine_ras, spacing_mm)
    array, replaced = finite_values(name, volume.array)
    native = volume if array is volume.array else volume.with_array(array)
    kind, intensities, unsure = _intensities(array, modality)
    head = _normalised_head(native, kind, intensities, size_multiple, spacing_mm)
    doubts += replaced + unsure + label_map_warning(native) + head.warnings
    new = [doubt for doubt in dict.fromkeys(doubts) if doubt not in known]
    for doubt in new:
        progress.warning(doubt)
    return ConformedImage(head.volume, native, kind, head.range.low, head.range.high, (*known, *new))


@dataclass(frozen=True)
class _Head:
    volume: Volume
    range: IntensityRange
    warnings: list[str]


def _check_array(name: str, array: np.ndarray) -> None:
    if array.ndim != 3 or array.dtype.kind not in "iufb":
        raise InputImageError(f"{name} is not a 3D image of real numbers: {array.shape} {array.dtype}")


def _intensities(array: np.ndarray, modality: str) -> tuple[Modality, IntensityRange, list[str]]:
    detected, water, unsure = detect_modality(array)
    if modality == "mr" or (modality == "auto" and detected == "mr"):
        return "mr", robust_range(array), []
    return "ct", ct_range(water), unsure


def _normalised_head(
    native: Volume, kind: Modality, intensities: IntensityRange, size_multiple: int, spacing_mm: float
) -> _Head:
    upright = reorient(native)
    upright = upright.with_array(intensities.apply(upright.array, ROUGH_CEILING if kind == "mr" else 1.0))
    image = straighten(resize_to_spacing(upright, spacing_mm), spacing_mm)
    box, mask = find_head(image.array, round(MARGIN_MM / spacing_mm))
    warnings = field_of_view_warnings(image.array, box, mask, spacing_mm)
    box, mask = without_neck(box, mask, spacing_mm)
    values = cut_out(image.array, box)
    top = float(np.percentile(values[mask], HIGH_PERCENTILE)) if kind == "mr" and mask.any() else 1.0
    final = IntensityRange(intensities.low, intensities.low + top * (intensities.high - intensities.low))
    cropped = Volume(np.clip(values / top, 0, 1), _shifted(image.affine_ras, box.start), native.source)
    return _Head(pad_to_multiple(cropped, size_multiple), final, warnings)


def pad_to_multiple(volume: Volume, size_multiple: int) -> Volume:
    """Add zeros evenly on both sides up to the next multiple, at least two multiples and 32 voxels."""
    sizes = padded_shape(shape_3d(volume.array.shape), size_multiple)
    before = [(size - n) // 2 for size, n in zip(sizes, volume.array.shape, strict=True)]
    box = Box(shape_3d(-b for b in before), shape_3d(size - b for size, b in zip(sizes, before, strict=True)))
    return replace(volume, array=cut_out(volume.array, box), affine_ras=_shifted(volume.affine_ras, box.start))


def padded_shape(shape: Shape3D, size_multiple: int) -> Shape3D:
    """Return the shape that `pad_to_multiple` gives."""
    least = max(SMALLEST_CONFORMED, 2 * size_multiple)
    return shape_3d(math.ceil(max(n, least) / size_multiple) * size_multiple for n in shape)


def straighten(volume: Volume, spacing_mm: float = 1.0) -> Volume:
    """Return a volume with orthogonal axes: itself, or, when sheared, resampled onto the nearest orthogonal ones."""
    if not is_sheared(volume.affine_ras):
        return volume
    from BrainFMEngine.image.resample import resample

    grid = orthogonal_grid(volume.grid, spacing_mm)
    return Volume(resample(volume.array, volume.grid, grid, 0.0), grid.affine_ras, volume.source, volume.header)


def is_sheared(affine_ras: np.ndarray) -> bool:
    """Tell whether axes deviate from right angles by more than rounding noise."""
    unit = affine_ras[:3, :3] / np.linalg.norm(affine_ras[:3, :3], axis=0)
    return bool(np.abs(unit.T @ unit - np.eye(3)).max() > SHEAR_TOLERANCE)


def orthogonal_grid(grid: Grid, spacing_mm: float) -> Grid:
    """Return the grid with the nearest orthogonal axes that holds all voxels of a sheared one."""
    axes = orthogonal_part(grid.affine_ras)
    corners = np.array(list(product(*((-0.5, n - 0.5) for n in grid.shape))))
    along = grid.to_ras(corners) @ axes
    low, high = along.min(axis=0), along.max(axis=0)
    shape = shape_3d(max(round(float(extent)), 1) for extent in (high - low) / spacing_mm)
    affine = np.eye(4)
    affine[:3, :3] = axes * spacing_mm
    affine[:3, 3] = axes @ ((low + high) / 2 - (np.array(shape) - 1) / 2 * spacing_mm)
    return Grid(shape, affine)


def _shifted(affine_ras: np.ndarray, start: tuple[int, ...]) -> np.ndarray:
    """Return the affine of an array that begins at voxel `start` of the old one."""
    moved = np.array(affine_ras, np.float64)
    moved[:3, 3] += affine_ras[:3, :3] @ np.asarray(start, np.float64)
    return moved
