"""Atlas coordinates of a subject from files, in any of the forms that registrations leave."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.errors import FileAccessError, InputImageError
from BrainFMEngine.generator.subject import COARSE_STEP
from BrainFMEngine.image.io import read_image, read_layout
from BrainFMEngine.image.resample import resample
from BrainFMEngine.image.volume import Grid, shape_3d

HUNDREDTHS = 0.01
EDGE_MM = 120.0
"""How far the outermost values of a displacement field go on, for heads that reach beyond it."""


def coarse_grid(grid: Grid) -> Grid:
    """Return the grid of every `COARSE_STEP`-th voxel, to one step past the last: that of `Subject.atlas_mm`."""
    shape = shape_3d(-(-n // COARSE_STEP) + 1 for n in grid.shape)
    return Grid(shape, grid.affine_ras @ np.diag([COARSE_STEP] * 3 + [1]))


def read_coordinates(files: Path | Sequence[Path], grid: Grid) -> Tensor:
    """Read the atlas RAS mm of a subject's voxels.

    Args:
        files: one image with three components in mm; or three images x, y, z in hundredths of a millimetre (the
            authors' `mni_reg`); or a text file with a (4, 4) affine and an image with three components, the
            displacement in mm that is added after the affine, on a grid in atlas RAS mm.
        grid: of the subject.

    Returns:
        (3, x, y, z) float16 mm on `coarse_grid(grid)`.

    Raises:
        InputImageError: the files are none of these.
        FileAccessError: one cannot be read.
    """
    files = [files] if isinstance(files, Path) else list(files)
    target = coarse_grid(grid)
    if len(files) == 1:
        coordinates = _components(files[0], target)
    elif len(files) == 3:
        coordinates = np.stack([_resampled(file, None, target) for file in files]) * HUNDREDTHS
    elif len(files) == 2 and files[0].suffix == ".txt":
        matrix = _read_affine(files[0])
        moved = Grid(target.shape, matrix @ target.affine_ras)
        coordinates = _components(files[1], moved, EDGE_MM) + np.moveaxis(grid_points(moved), -1, 0)
    else:
        raise InputImageError(f"{files[0].name} and {len(files) - 1} more files are no atlas coordinates")
    return torch.from_numpy(coordinates.astype(np.float16))


def grid_points(grid: Grid) -> np.ndarray:
    """Return (X, Y, Z, 3) float64, RAS mm of every voxel: the atlas coordinates of what lies in atlas space."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), -1)
    return grid.to_ras(index.astype(np.float64))


def _components(path: Path, target: Grid, edge_mm: float = 0.0) -> np.ndarray:
    count = math.prod(read_layout(path).shape[3:])
    if count != 3:
        raise InputImageError(f"{path.name} holds {count} values a voxel", "Atlas coordinates are x, y and z in mm.")
    return np.stack([_resampled(path, component, target, edge_mm) for component in range(3)])


def _resampled(path: Path, frame: int | None, target: Grid, edge_mm: float = 0.0) -> np.ndarray:
    image = read_image(path, frame=frame)
    margin = np.ceil(edge_mm / image.spacing_mm).astype(int)
    array = np.pad(image.array, [(m, m) for m in margin], mode="edge")
    affine = image.affine_ras.copy()
    affine[:3, 3] = image.grid.to_ras(-margin.astype(np.float64))
    return resample(array, Grid(array.shape, affine), target, 0.0)


def _read_affine(path: Path) -> np.ndarray:
    try:
        matrix = np.loadtxt(path)
    except OSError as error:
        raise FileAccessError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise InputImageError(f"{path.name} is not a table of numbers") from error
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-6:
        raise InputImageError(f"{path.name} is no affine of four rows and four columns")
    return matrix
