"""Bringing the scans of one head onto each other: six degrees of freedom, nothing interpolated.

A scan is moved by changing its affine; it is interpolated once, when it is put on the subject's grid. A scan on the
same grid as the reference is taken to be aligned already, and left as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from BrainFMEngine.dataset.mutual_information import register
from BrainFMEngine.errors import InputImageError
from BrainFMEngine.image.volume import Grid, Volume

APART_MM = 80.0
"""Scans whose fields of view have centres this far apart are not in one scanner space."""


@dataclass(frozen=True)
class Aligned:
    """A scan in the reference's space, and how far the corners of its field of view moved, at most, in mm."""

    volume: Volume
    moved_mm: float


def align_all(images: Mapping[str, Volume], reference: str, same_as: Grid | None = None) -> dict[str, Aligned]:
    """Align scans rigidly with one of them.

    Args:
        images: contrast -> scan.
        reference: the contrast that stays where it is.
        same_as: another grid (the label map's) on which scans count as aligned.

    Raises:
        InputImageError: a scan does not overlap with the reference.
    """
    fixed = images[reference]
    aligned = {}
    for name, moving in images.items():
        together = fixed.grid.same_as(moving.grid) or (same_as is not None and same_as.same_as(moving.grid))
        aligned[name] = Aligned(moving, 0.0) if name == reference or together else align(fixed, moving)
    return aligned


def align(fixed: Volume, moving: Volume) -> Aligned:
    """Align one scan rigidly with another.

    Args:
        fixed, moving: scans of one head.

    Raises:
        InputImageError: they do not overlap.
    """
    apart = np.linalg.norm(_centre(fixed.grid) - _centre(moving.grid))
    start = np.eye(4) if apart < APART_MM else None
    try:
        matrix = register(fixed, moving, rigid=True, start_ras=start)
    except RuntimeError as error:
        name = moving.source.name if moving.source else "a scan"
        raise InputImageError(
            f"{name} cannot be aligned with the other scans", "Do they show the same head?"
        ) from error
    affine = np.linalg.inv(matrix) @ moving.affine_ras
    shift = _corners(moving.grid) - _corners(Grid(moving.grid.shape, affine))
    return Aligned(replace(moving, affine_ras=affine), float(np.linalg.norm(shift, axis=1).max()))


def _centre(grid: Grid) -> np.ndarray:
    return grid.to_ras((np.array(grid.shape) - 1) / 2)


def _corners(grid: Grid) -> np.ndarray:
    return grid.to_ras(np.array(list(product(*((0, n - 1) for n in grid.shape))), float))
