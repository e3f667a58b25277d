"""Surfaces on their way from a child process: vertices, normals and triangles as plain numbers, read at once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Surface:
    """A closed surface.

    Attributes:
        vertices: (V, 3) float32, mm.
        normals: (V, 3) float32, outward.
        triangles: (F, 3) int32, counterclockwise from outside.
    """

    vertices: np.ndarray
    normals: np.ndarray
    triangles: np.ndarray


def writeSurface(path: Path, surface: Surface) -> None:
    """Write a surface: two int64 sizes, then the three arrays."""
    with path.open("wb") as file:
        np.array([len(surface.vertices), len(surface.triangles)], np.int64).tofile(file)
        for array, dtype in ((surface.vertices, "f4"), (surface.normals, "f4"), (surface.triangles, "i4")):
            np.ascontiguousarray(array, dtype).tofile(file)


def readSurface(path: Path) -> Surface:
    """Read what `writeSurface` wrote.

    Raises:
        ValueError: it is cut short.
    """
    with path.open("rb") as file:
        vertices, triangles = (int(size) for size in np.fromfile(file, np.int64, 2))
        parts = ((vertices, "f4"), (vertices, "f4"), (triangles, "i4"))
        arrays = [np.fromfile(file, dtype, 3 * size) for size, dtype in parts]
    if [array.size for array in arrays] != [3 * size for size, _dtype in parts]:
        raise ValueError("the file is cut short")
    return Surface(*(array.reshape(-1, 3) for array in arrays))
