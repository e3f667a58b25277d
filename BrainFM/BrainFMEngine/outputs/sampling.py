"""Values of an image at points in world space, linear or nearest, without torch.

Whole images are moved between grids by `image.resample`; this is for points that do not form a grid.
"""

from __future__ import annotations

from itertools import product
from typing import Literal

import numpy as np

from BrainFMEngine.image.volume import Grid

_POINTS_AT_ONCE = 1 << 20


def sample(
    array: np.ndarray, grid: Grid, points_ras: np.ndarray, outside: float, mode: Literal["linear", "nearest"] = "linear"
) -> np.ndarray:
    """Read `array` (X, Y, Z), lying on `grid`, at `points_ras` (..., 3) in mm.

    Returns:
        (...) float32; `outside` for points beyond the outermost voxel centres (half a voxel is tolerated).
    """
    read = _linear if mode == "linear" else _nearest
    points = points_ras.reshape(-1, 3)
    values = np.empty(len(points), dtype=np.float32)
    for start in range(0, len(points), _POINTS_AT_ONCE):
        part = slice(start, start + _POINTS_AT_ONCE)
        index = grid.to_index(points[part].astype(np.float64))
        inside = np.all((index >= -0.5) & (index <= np.array(array.shape) - 0.5), axis=1)
        values[part] = outside
        values[part][inside] = read(array, index[inside])
    return values.reshape(points_ras.shape[:-1])


def _nearest(array: np.ndarray, index: np.ndarray) -> np.ndarray:
    rounded = np.clip(np.floor(index + 0.5).astype(np.intp), 0, np.array(array.shape) - 1)
    return array[tuple(rounded.T)]


def _linear(array: np.ndarray, index: np.ndarray) -> np.ndarray:
    last = np.array(array.shape) - 1
    index = np.clip(index, 0, last)
    low = np.minimum(index.astype(np.intp), np.maximum(last - 1, 0))
    high = np.minimum(low + 1, last)
    fraction = (index - low).astype(np.float32)
    total = np.zeros(len(index), dtype=np.float32)
    for corner in product((0, 1), repeat=3):
        weight = np.ones(len(index), dtype=np.float32)
        place = []
        for axis, upper in enumerate(corner):
            weight *= fraction[:, axis] if upper else 1 - fraction[:, axis]
            place.append((high if upper else low)[:, axis])
        total += weight * array[tuple(place)]
    return total
