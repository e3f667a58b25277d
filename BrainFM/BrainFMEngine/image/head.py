"""Where the head is: a bounding box that doesn't depend on how much background surrounds it.

The threshold lies a little above the background level, both measured inside the box itself (plus margin); the box is
found again with the new threshold until it stays the same. So more air or zeros around the scan change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from BrainFMEngine.image.intensity import BINS, otsu_level
from BrainFMEngine.image.volume import Shape3D, shape_3d

ABOVE_BACKGROUND = 0.12
"""Where the threshold lies between the background's median (0) and the foreground's (1)."""
OPENING_VOXELS = 2
KEPT_COMPONENT = 0.1
"""Parts of at least this fraction of the largest part belong to the head."""
MAX_ROUNDS = 6
NEIGHBOURS = 27


@dataclass(frozen=True)
class Box:
    """Voxels start <= index < stop along three axes; may reach beyond the image."""

    start: Shape3D
    stop: Shape3D

    @property
    def shape(self) -> Shape3D:
        """Voxels along each axis."""
        return shape_3d(b - a for a, b in zip(self.start, self.stop, strict=True))

    def grown(self, voxels: int) -> Box:
        """Return the box with a margin on all six sides."""
        return Box(shape_3d(a - voxels for a in self.start), shape_3d(b + voxels for b in self.stop))


def cut_out(array: np.ndarray, box: Box) -> np.ndarray:
    """Return the voxels of a box (C-order); zeros where it reaches beyond the array."""
    result = np.zeros(box.shape, array.dtype)
    inner = [(max(a, 0), min(b, n)) for a, b, n in zip(box.start, box.stop, array.shape, strict=True)]
    if all(low < high for low, high in inner):
        place = tuple(slice(low - a, high - a) for (low, high), a in zip(inner, box.start, strict=True))
        result[place] = array[tuple(slice(low, high) for low, high in inner)]
    return result


def find_head(image: np.ndarray, margin_voxels: int) -> tuple[Box, np.ndarray]:
    """Find the head in a normalised image.

    Args:
        image: (X, Y, Z) float32, 0 air .. about 1.
        margin_voxels: around the head.

    Returns:
        The box with its margin, and the rough head mask inside this box (bool, the box's shape).
    """
    levels = (np.clip(image, 0, 1) * (BINS - 1)).astype(np.uint8)
    region = Box((0, 0, 0), shape_3d(levels.shape))
    for _ in range(MAX_ROUNDS):
        mask = _head_mask(cut_out(levels, region))
        if not mask.any():
            return region, mask
        box = _moved(_bounds(mask), region.start).grown(margin_voxels)
        if box == region:
            break
        region, last = box, region
        mask = cut_out(mask, _moved(box, [-s for s in last.start]))
    return region, mask


def _head_mask(levels: np.ndarray) -> np.ndarray:
    """Return the large connected parts that are brighter than the background."""
    smooth = _sum_of_neighbours(levels)
    counts = np.bincount((smooth // NEIGHBOURS).ravel(), minlength=BINS)
    split = otsu_level(counts)
    background = _median_level(counts[: split + 1])
    foreground = split + 1 + _median_level(counts[split + 1 :])
    threshold = (background + ABOVE_BACKGROUND * (foreground - background)) * NEIGHBOURS
    return _large_parts(smooth > threshold)


def _sum_of_neighbours(levels: np.ndarray) -> np.ndarray:
    """Return the sum over 3 x 3 x 3 voxels, uint16; whole numbers, so that every orientation gives the same."""
    total = levels.astype(np.uint16)
    for axis in range(3):
        total = _combined(total, axis, 1, np.add, 0)
    return total


def _opened(mask: np.ndarray) -> np.ndarray:
    """Return the mask without what is thinner than a cube (opening); the border of the image takes nothing away."""
    for axis in range(3):
        mask = _combined(mask, axis, OPENING_VOXELS, np.logical_and, True)
    for axis in range(3):
        mask = _combined(mask, axis, OPENING_VOXELS, np.logical_or, False)
    return mask


def _combined(array: np.ndarray, axis: int, radius: int, combine: np.ufunc, outside: int) -> np.ndarray:
    """Combine each voxel with its neighbours up to `radius` along one axis."""
    widths = [(radius, radius) if a == axis else (0, 0) for a in range(3)]
    padded = np.pad(array, widths, constant_values=outside)
    shifted = [padded[(slice(None),) * axis + (slice(s, s + array.shape[axis]),)] for s in range(2 * radius + 1)]
    result = shifted[0].copy()
    for neighbour in shifted[1:]:
        combine(result, neighbour, out=result)
    return result


def _median_level(counts: np.ndarray) -> int:
    return int(np.searchsorted(np.cumsum(counts), counts.sum() / 2)) if counts.sum() else 0


def _large_parts(mask: np.ndarray) -> np.ndarray:
    image = sitk.GetImageFromArray(_opened(mask).astype(np.uint8))
    parts = sitk.GetArrayFromImage(sitk.ConnectedComponent(image))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    if sizes.size < 2:
        return mask
    return (sizes >= KEPT_COMPONENT * sizes.max())[parts] & (parts > 0)


def _bounds(mask: np.ndarray) -> Box:
    spans = []
    for axis in range(3):
        filled = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        spans.append((int(filled[0]), int(filled[-1]) + 1))
    return Box(shape_3d(a for a, _ in spans), shape_3d(b for _, b in spans))


def _moved(box: Box, by: tuple[int, ...] | list[int]) -> Box:
    start = shape_3d(a + d for a, d in zip(box.start, by, strict=True))
    return Box(start, shape_3d(b + d for b, d in zip(box.stop, by, strict=True)))
