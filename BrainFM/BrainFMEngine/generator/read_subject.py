"""A subject from files: a label map, its real images, and what follows from them, on a 1 mm RAS grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from BrainFMEngine.errors import InputImageError, UsageError
from BrainFMEngine.generator.distances import REACH_MM, SURFACES, signed_distances_mm
from BrainFMEngine.generator.label_maps import recognise, to_rows
from BrainFMEngine.generator.read_contrast import read_contrast
from BrainFMEngine.generator.read_coordinates import read_coordinates
from BrainFMEngine.generator.read_surface import read_surface
from BrainFMEngine.generator.subject import DISTANCE_OFFSET, DISTANCE_SCALE, Subject, code_distances
from BrainFMEngine.generator.surface_distances import distances_from_surface
from BrainFMEngine.image.conform import orthogonal_grid
from BrainFMEngine.image.io import read_image
from BrainFMEngine.image.orientation import reorient
from BrainFMEngine.image.resample import resample
from BrainFMEngine.image.volume import Grid, Volume
from BrainFMEngine.progress import Progress, SilentProgress

MARGIN_MM = 6
LARGEST_LABEL = 65535


def read_subject(
    labels: Path,
    images: Mapping[str, Path | Volume] | None = None,
    coordinates: Path | Sequence[Path] | None = None,
    overrides: Mapping[int, int] | None = None,
    surfaces: Mapping[str, Path] | None = None,
    progress: Progress | None = None,
    distances: Mapping[str, Path] | None = None,
    measure: bool = True,
) -> Subject:
    """Read a label map and what belongs to it.

    Args:
        labels: FreeSurfer, SynthSeg or BrainFM generation labels, any grid; brought to 1 mm RAS by nearest neighbour.
        images: contrast (T1, T2, FLAIR, CT) -> scan of the same head, aligned with the labels.
        coordinates: image with three components, atlas RAS mm of each voxel, or another form of `read_coordinates`.
        overrides: label id -> known id, for ids that no scheme knows.
        surfaces: "lp", "lw", "rp" and "rw" -> cortical surface in scanner RAS, from which distances are then measured.
        progress: told each stage.
        distances: "lp", "lw", "rp" and "rw" -> image of distances coded as `Subject.distance`, instead of measuring.
        measure: whether distances are measured from the labels; `with_distances` does it later.

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
    distance: torch.Tensor | None
    if surfaces:
        distance = _distances_from_surfaces(surfaces, volume.grid, progress)
    elif distances:
        distance = _distances_from_maps(distances, volume.grid)
    else:
        distance = _coded_distances(scheme.ids[rows]) if scheme.sided and measure else None
    progress.stage("reading images", 0.4)
    scans = {name: read_contrast(name, scan, volume.grid, rows, scheme) for name, scan in (images or {}).items()}
    return Subject(
        name=labels.name.split(".")[0],
        rows=torch.from_numpy(rows),
        distance=distance,
        atlas_mm=None if coordinates is None else read_coordinates(coordinates, volume.grid),
        images=scans,
        scheme=scheme,
        affine_ras=volume.affine_ras,
    )


def with_distances(subject: Subject) -> Subject:
    """Return the subject with distances measured from its labels, as far as they have both sides of a cortex."""
    if subject.distance is not None or subject.rows is None or not subject.scheme.sided:
        return subject
    distance = _coded_distances(subject.scheme.ids[subject.rows.cpu().numpy()])
    return subject if distance is None else replace(subject, distance=distance.to(subject.device))


def read_images_only(
    name: str, images: Mapping[str, Volume], coordinates: Path | Sequence[Path] | None = None
) -> Subject:
    """Make a subject without labels from scans of one head.

    Args:
        name: of the subject.
        images: contrast -> scan; the first one gives the 1 mm RAS grid, the others are aligned with it.
        coordinates: as of `read_subject`.

    Returns:
        The subject, what is 0 around the first scan cut away.

    Raises:
        InputImageError: no scan, or an empty one.
    """
    if not images:
        raise InputImageError(f"{name} has neither labels nor scans")
    first = reorient(next(iter(images.values())))
    grid = orthogonal_grid(first.grid, 1.0)
    array = first.array - min(0.0, float(first.array.min()))
    head = Volume(resample(array, first.grid, grid, 0.0), grid.affine_ras, first.source)
    grid = _cropped(head).grid
    return Subject(
        name=name,
        rows=None,
        atlas_mm=None if coordinates is None else read_coordinates(coordinates, grid),
        images={contrast: read_contrast(contrast, scan, grid) for contrast, scan in images.items()},
        affine_ras=grid.affine_ras,
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
        raise InputImageError(f"{volume.source.name if volume.source else 'the scan'} is 0 everywhere")
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


def _distances_from_maps(maps: Mapping[str, Path], grid: Grid) -> torch.Tensor:
    """Read maps coded `mm * DISTANCE_SCALE + DISTANCE_OFFSET`, as the authors' data have them; far away outside."""
    missing = [name for name in SURFACES if name not in maps]
    if missing:
        raise UsageError(f"distance maps are needed for {', '.join(SURFACES)}", f"Missing: {', '.join(missing)}.")
    far = DISTANCE_OFFSET + REACH_MM * DISTANCE_SCALE
    images = [read_image(maps[name]) for name in SURFACES]
    coded = np.stack([resample(image.array, image.grid, grid, far) for image in images])
    return torch.from_numpy(coded.round().clip(0, 255).astype(np.uint8))
