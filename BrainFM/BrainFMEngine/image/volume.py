"""A volume: an array, its affine, and where it came from.

Terms. *Voxel index*: (i, j, k) along the array's axes 0, 1, 2. *RAS*: millimetres in scanner or atlas space,
x grows to the patient's Right, y to Anterior, z to Superior. `affine_ras` maps the index of a voxel's centre to RAS.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

Shape3D = tuple[int, int, int]


def shape_3d(sizes: Iterable[int]) -> Shape3D:
    """Return three sizes as plain integers."""
    x, y, z = sizes
    return int(x), int(y), int(z)


@dataclass(frozen=True)
class Grid:
    """Where voxels are: `shape` (X, Y, Z) and `affine_ras` (4, 4), voxel index to RAS mm."""

    shape: Shape3D
    affine_ras: np.ndarray

    @property
    def spacing_mm(self) -> np.ndarray:
        """Voxel size along each array axis, (3,) in mm."""
        return np.linalg.norm(self.affine_ras[:3, :3], axis=0)

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel in mm³."""
        return float(abs(np.linalg.det(self.affine_ras[:3, :3])))

    def to_ras(self, index: np.ndarray) -> np.ndarray:
        """Map voxel indices (..., 3) to RAS mm (..., 3)."""
        return index @ self.affine_ras[:3, :3].T + self.affine_ras[:3, 3]

    def to_index(self, point_ras: np.ndarray) -> np.ndarray:
        """Map RAS mm (..., 3) to continuous voxel indices (..., 3)."""
        inverse = np.linalg.inv(self.affine_ras)
        return point_ras @ inverse[:3, :3].T + inverse[:3, 3]

    def same_as(self, other: Grid, tolerance_mm: float = 1e-3) -> bool:
        """Tell whether both grids have the same shape and the same affine."""
        return self.shape == other.shape and np.allclose(self.affine_ras, other.affine_ras, atol=tolerance_mm)


@dataclass(frozen=True)
class Volume:
    """An image on a grid.

    Attributes:
        array: (X, Y, Z) or (X, Y, Z, C); any real dtype.
        affine_ras: (4, 4) float64, index of a voxel's centre to RAS mm.
        source: the file it was read from, if any.
        header: what the reader kept to write results that overlay in any viewer (see `image.io`).
    """

    array: np.ndarray
    affine_ras: np.ndarray
    source: Path | None = None
    header: dict[str, Any] = field(default_factory=dict)

    @property
    def grid(self) -> Grid:
        """The grid that the array lies on."""
        return Grid(shape_3d(self.array.shape[:3]), self.affine_ras)

    @property
    def spacing_mm(self) -> np.ndarray:
        """Voxel size along each array axis, (3,) in mm."""
        return self.grid.spacing_mm

    def with_array(self, array: np.ndarray) -> Volume:
        """Return the same geometry with another array of the same spatial shape."""
        if array.shape[:3] != self.array.shape[:3]:
            raise ValueError(f"array {array.shape} does not lie on the grid {self.array.shape[:3]}")
        return replace(self, array=array)
