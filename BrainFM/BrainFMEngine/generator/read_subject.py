"""A subject from files: a label map, its real images, and what follows from them, on a 1 mm RAS grid."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from BrainFMEngine.errors import InputImageError, UsageError
from BrainFMEngine.generator.distances import SURFACES, signed_distances_mm
from BrainFMEngine.generator.label_maps import recognise, to_rows
from BrainFMEngine.generator.read_surface import read_surface
from BrainFMEngine.generator.subject import COARSE_STEP, Subject, code_distances
from BrainFMEngine.generator.surface_distances import distances_from_surface
from BrainFMEngine.generator.tissues import CONTRASTS
from BrainFMEngine.image.conform import orthogonal_grid
from BrainFMEngine.image.io import read_image, read_layout
from BrainFMEngine.image.orientation import reorient
from BrainFMEngine.image.resample import resample
from BrainFMEngine.image.volume import Grid, Volume
from BrainFMEngine.progress import Progress, SilentProgress

MARGIN_MM = 6
NOMINAL = {"T1": (90, 0.9), "T2": (99, 0.95), "FLAIR": (90, 0.68)}
"""Which percentile of the head is brought to which nominal tissue value: white matter, fluid, grey matter."""
LARGEST_LABEL = 65535


def read_subject(
    labels: Path,
    images: Mapping[str, Path] | None = None,
    coordinates: Path | None = None,
    overrides: Mapping[int, int] | None = None,
    surfaces: Mapping[str, Path] | None = None,
    progress: Progress | None = None,
) -> Subject:
    """Read a label map and what belongs to it.

    Args:
        labels: FreeSurfer, SynthSeg or BrainFM generation labels, any grid; brought to 1 mm RAS by nearest neighbour.
        images: contrast (T1, T2, FLAIR, CT) -> scan of the same head, aligned with the labels.
        coordinates: image with three components, atlas RAS mm of each voxel.
        overrides: label id -> known id, for ids that no scheme knows.
        surfaces: "lp", "lw", "rp" and "rw" -> cortical surface in scanner RAS, from which distances are then measured.
        progress: told each stage.

    Returns:
        The subject, air around the head cut away. Distances are there where the map has both sides of a cortex.

    Raises:
        InputImageError: the map is no label map, or has unknown labels (they are listed).
        UsageError: a contrast that no head has.
    """
    progress = progress or SilentProgress()
    progress.stage("reading labels", 0.0)
    volume = _read_labels(labels, progress)
    scheme, _ = recognise(np.unique(volume.array), overrides)
    volume = _cropped(volume)
    rows = to_rows(volume.array, scheme, overrides)
    progress.stage("measuring distances", 0.1)
    if surfaces:
        distance = _distances_from_surfaces(surfaces, volume.grid, progress)
    else:
        distance = _coded_distances(scheme.ids[rows]) if scheme.sided else None
    progress.stage("reading images", 0.4)
    return Subject(
        name=labels.name.split(".")[0],
        rows=torch.from_numpy(rows),
        distance=distance,
        atlas_mm=None if coordinates is None else _read_coordinates(coordinates, volume.grid),
        images={name: _read_contrast(name, path, volume.grid) for name, path in (images or {}).items()},
        scheme=scheme,
        affine_ras=volume.affine_ras,
    )


def _read_labels(path: Path, progress: Progress) -> Volume:
    volume = reorient(read_image(path, progress=progress))
    array = volume.array
    if not np.isfinite(array).all() or array.min() < 0 or array.max() > LARGEST_LABEL or (array != array.round()).any():
        raise InputImageError(f"{path.name} is no label map: its values are not whole numbers", "Is it a scan?")
    array = array.astype(np.int32)
    grid = orthogonal_grid(volume.grid, 1.0)
    if grid.same_as(volume.grid):
        return Volume(array, volume.affine_ras, path)
    return Volume(resample(array, volume.grid, grid, 0, "nearest"), grid.affine_ras, path)


def _cropped(volume: Volume) -> Volume:
    """Cut air away, except for a margin."""
    occupied = volume.array > 0
    if not occupied.any():
        raise InputImageError(f"{volume.source.name} has no label but 0")
    low, high = [], []
    for axis in range(3):
        line = np.flatnonzero(occupied.any(axis=tuple(a for a in range(3) if a != axis)))
        low.append(max(int(line[0]) - MARGIN_MM, 0))
        high.append(min(int(line[-1]) + 1 + MARGIN_MM, occupied.shape[axis]))
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    affine = volume.affine_ras.copy()
    affine[:3, 3] = volume.grid.to_ras(np.array(low, float))
    return Volume(np.ascontiguousarray(volume.array[box]), affine, volume.source)


def _coded_distances(labels: np.ndarray) -> torch.Tensor | None:
    distances = signed_distances_mm(labels)
    return None if distances is None else torch.from_numpy(code_distances(distances))


def _distances_from_surfaces(surfaces: Mapping[str, Path], grid: Grid, progress: Progress) -> torch.Tensor:
    missing = [name for name in SURFACES if name not in surfaces]
    if missing or len(surfaces) != len(SURFACES):
        raise UsageError(f"surfaces are needed for {', '.join(SURFACES)}", f"Missing: {', '.join(missing) or 'none'}.")
    meshes = [read_surface(surfaces[name], progress) for name in SURFACES]
    distances = np.stack([distances_from_surface(*mesh, grid.affine_ras, grid.shape) for mesh in meshes])
    return torch.from_numpy(code_distances(distances))


def _read_contrast(name: str, path: Path, grid: Grid) -> torch.Tensor:
    if name not in CONTRASTS:
        raise UsageError(f"{name!r} is no contrast", f"Known: {', '.join(c.lower() for c in CONTRASTS)}.")
    scan = read_image(path)
    array = np.nan_to_num(scan.array, nan=0.0, posinf=0.0, neginf=0.0)
    if name == "CT":
        return torch.from_numpy((resample(array, scan.grid, grid, -1000.0) / 1000).astype(np.float16))
    percentile, nominal = NOMINAL[name]
    array = resample(array - min(0.0, float(array.min())), scan.grid, grid, 0.0)
    bright = array[array > 0.02 * array.max()]
    if not bright.size:
        raise InputImageError(f"{path.name} does not cover the head of the label map", "Are they aligned?")
    return torch.from_numpy((array / np.percentile(bright, percentile) * nominal).clip(0, 1.5).astype(np.float16))


def _read_coordinates(path: Path, grid: Grid) -> torch.Tensor:
    count = math.prod(read_layout(path).shape[3:])
    if count != 3:
        raise InputImageError(f"{path.name} holds {count} values a voxel", "Atlas coordinates are x, y and z in mm.")
    frames = [read_image(path, frame=component) for component in range(3)]
    shape = tuple(-(-n // COARSE_STEP) + 1 for n in grid.shape)
    affine = grid.affine_ras @ np.diag([COARSE_STEP] * 3 + [1])
    coarse = [resample(frame.array, frame.grid, Grid(shape, affine), 0.0) for frame in frames]
    return torch.from_numpy(np.stack(coarse).astype(np.float16))
