"""Three planes through the brain, in true proportions whatever the voxels' order, orientation and size.

Radiological convention: the patient's left is on the picture's right; sagittal views look from the left, nose first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from BrainFMEngine.image.volume import Grid
from BrainFMEngine.outputs.sampling import sample

Interpolation: TypeAlias = Literal["linear", "nearest"]

_MARGIN_MM = 16.0
_SMALLEST_MM, _LARGEST_MM = 60.0, 260.0


@dataclass(frozen=True)
class View:
    """A plane: where its pixels are.

    Attributes:
        name: "Axial", "Coronal" or "Sagittal".
        marks: letters at the left and right edge.
        points_ras: (height, width, 3) mm, top row first.
    """

    name: str
    marks: tuple[str, str]
    points_ras: np.ndarray

    def read(self, array: np.ndarray, grid: Grid, outside: float, mode: Interpolation) -> np.ndarray:
        """Return the values (height, width) of `array` on this plane."""
        return sample(array, grid, self.points_ras, outside, mode)


def plan_views(mask: np.ndarray, grid: Grid, pixels_per_mm: float) -> tuple[View, ...]:
    """Put three planes through the middle of `mask` (X, Y, Z) bool, wide enough to show it with a margin."""
    points = grid.to_ras(np.argwhere(mask if mask.any() else np.ones_like(mask)).astype(np.float64))
    centre = np.median(points, axis=0)
    low, high = np.percentile(points, 0.2, axis=0) - _MARGIN_MM, np.percentile(points, 99.8, axis=0) + _MARGIN_MM
    middle, size = (low + high) / 2, np.clip(high - low, _SMALLEST_MM, _LARGEST_MM)
    plan = (("Axial", ("R", "L"), 0, 1), ("Coronal", ("R", "L"), 0, 2), ("Sagittal", ("A", "P"), 1, 2))
    return tuple(
        View(name, marks, _plane(centre, middle, size, across, up, pixels_per_mm)) for name, marks, across, up in plan
    )


def field_size_mm(mask: np.ndarray, grid: Grid) -> float:
    """Return the widest extent that `plan_views` will show, in mm."""
    axial, _, sagittal = plan_views(mask, grid, 0.1)
    return 10.0 * max(axial.points_ras.shape[1], sagittal.points_ras.shape[1])


def _plane(
    centre: np.ndarray, middle: np.ndarray, size: np.ndarray, across: int, up: int, pixels_per_mm: float
) -> np.ndarray:
    width, height = (round(float(size[axis]) * pixels_per_mm) for axis in (across, up))
    points = np.empty((height, width, 3))
    points[:] = centre
    points[..., across] = middle[across] - (np.arange(width) - (width - 1) / 2) / pixels_per_mm
    points[..., up] = middle[up] - ((np.arange(height) - (height - 1) / 2) / pixels_per_mm)[:, None]
    return points
