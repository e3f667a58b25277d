"""Atlas coordinates of a subject: an affine, landmarks, and a diffeomorphism between subject and bundled atlas.

1. Affine from the centroids of structures (`anatomy.centroids`); by mutual information where labels tell no structures.
2. The rest of the centroids' ways as a smooth displacement (`landmarks`).
3. Diffeomorphic demons (Vercauteren 2009, NeuroImage 45:S61) from there, on a 3 mm grid, between the atlas and the
   subject painted in its grey levels; then the centroids once more.

One thread and no random number beyond a fixed seed: the same subject gets the same coordinates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
import torch
from torch import Tensor

from BrainFMEngine.anatomy.atlas import atlas_centroids
from BrainFMEngine.anatomy.centroids import fit_centroids
from BrainFMEngine.dataset.atlas_likeness import atlas_brain, brain_like_atlas
from BrainFMEngine.dataset.landmarks import fit_landmarks
from BrainFMEngine.dataset.mutual_information import one_thread, register
from BrainFMEngine.errors import InputImageError
from BrainFMEngine.generator.read_coordinates import coarse_grid, grid_points
from BrainFMEngine.generator.subject import COARSE_STEP, Subject, is_brain
from BrainFMEngine.image.resample import resample
from BrainFMEngine.image.volume import Grid, Volume, shape_3d

STEP_MM = 3.0
MARGIN_MM = 15.0
SMOOTHING_VOXELS = 2.0
ROUNDS = ((2, 20), (1, 20))
"""(shrink factor, rounds) of the demons."""
LONGEST_UPDATE_VOXELS = 1.5
SMALLEST_STRUCTURE_ML = 0.15


@dataclass(frozen=True)
class AtlasRegistration:
    """Coordinates (3, x, y, z) float16 as `Subject.atlas_mm`, how well they fit, and where they fold.

    `error_mm` is the median distance between the mapped centroids of structures and the atlas's. They also guide the
    registration, so it tells of the fit, not of an independent check. None where labels tell no structures.
    """

    atlas_mm: Tensor
    error_mm: float | None
    folded: float


def register_to_atlas(subject: Subject) -> AtlasRegistration:
    """Register a subject with the bundled atlas.

    Args:
        subject: on a 1 mm grid, with labels or images, on the CPU.

    Raises:
        InputImageError: its position cannot be found.
    """
    atlas, brain = atlas_brain(), brain_like_atlas(subject)
    points, targets = _centroids(subject)
    affine = _affine(subject, atlas, brain)
    work = _work_grid(atlas.grid)
    where = grid_points(work)
    field = np.zeros((*work.shape, 3))
    if len(points):
        field = fit_landmarks(_moved(points, affine), targets)(where)
    field = _demons(_on(atlas, work), _on(Volume(brain.array, affine @ brain.affine_ras), work), field, atlas)
    coordinates = _coordinates(coarse_grid(brain.grid), affine, field, work)
    if len(points):
        mapped = _mean_coordinates(subject, coordinates)
        coordinates += np.moveaxis(fit_landmarks(mapped, targets)(np.moveaxis(coordinates, 0, -1)), -1, 0)
    atlas_mm = torch.from_numpy(coordinates.astype(np.float16))
    return AtlasRegistration(atlas_mm, registration_error_mm(subject, atlas_mm), folded_fraction(subject, atlas_mm))


def registration_error_mm(subject: Subject, atlas_mm: Tensor) -> float | None:
    """Return the median distance of structures' centroids to the atlas's, mm; None without structures."""
    _, targets = _centroids(subject)
    if not len(targets):
        return None
    errors = np.linalg.norm(_mean_coordinates(subject, atlas_mm.float().numpy()) - targets, axis=1)
    return float(np.median(errors))


def folded_fraction(subject: Subject, atlas_mm: Tensor) -> float:
    """Return the fraction of the brain (of the grid, without labels) in which coordinates do not keep orientation."""
    coordinates = atlas_mm.float().numpy()
    jacobian = np.stack([np.stack(np.gradient(component), -1) for component in coordinates], -2)
    sign = np.sign(np.linalg.det(subject.affine_ras[:3, :3]))
    folded = np.linalg.det(jacobian) * sign <= 0
    if subject.rows is None:
        return float(folded.mean())
    brain = is_brain(subject.rows[::COARSE_STEP, ::COARSE_STEP, ::COARSE_STEP], subject.scheme).numpy()
    inside = folded[tuple(slice(0, n) for n in brain.shape)][brain]
    return float(inside.mean()) if inside.size else 0.0


def _affine(subject: Subject, atlas: Volume, brain: Volume) -> np.ndarray:
    """Return (4, 4) subject RAS mm to atlas RAS mm."""
    if subject.rows is not None and subject.scheme.sided:
        try:
            labels = subject.scheme.ids[subject.rows.numpy()]
            return fit_centroids(labels, brain.grid).matrix_ras
        except ValueError:
            pass  # too few structures, or a strange constellation of them
    try:
        return np.linalg.inv(register(atlas, brain, rigid=False))
    except RuntimeError as error:
        raise InputImageError(f"{subject.name} cannot be registered with the atlas", "Does it show a brain?") from error


def _centroids(subject: Subject) -> tuple[np.ndarray, np.ndarray]:
    """Return RAS mm (N, 3) of the structures that subject and atlas share, and where the atlas has them."""
    if subject.rows is None or not subject.scheme.sided:
        return np.empty((0, 3)), np.empty((0, 3))
    counts, means = _structure_means(subject)
    here, there = [], []
    for label, centroid in atlas_centroids().items():
        row = subject.scheme.row(label)
        if counts[row] >= SMALLEST_STRUCTURE_ML * 1000:
            here.append(means[row])
            there.append(centroid)
    grid = Grid(subject.shape, subject.affine_ras)
    return grid.to_ras(np.array(here).reshape(-1, 3)), np.array(there).reshape(-1, 3)


def _structure_means(subject: Subject, values: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return for every row its number of voxels, and the mean (rows, 3) of voxel index or of `values` (3, X, Y, Z)."""
    assert subject.rows is not None
    rows = subject.rows.numpy().ravel()
    count = len(subject.scheme)
    voxels = np.bincount(rows, minlength=count)
    sums = []
    for axis, size in enumerate(subject.shape):
        if values is None:
            index = np.arange(size).reshape([-1 if axis == other else 1 for other in range(3)])
            weights = np.broadcast_to(index, subject.shape).ravel()
        else:
            weights = values[axis].ravel()
        sums.append(np.bincount(rows, weights, count))
    return voxels, np.stack(sums, 1) / np.maximum(voxels, 1)[:, None]


def _mean_coordinates(subject: Subject, coordinates: np.ndarray) -> np.ndarray:
    """Return the mean coordinate (N, 3) mm of every structure of `_centroids`."""
    grid = Grid(subject.shape, subject.affine_ras)
    full = np.stack([resample(part.astype(np.float32), coarse_grid(grid), grid, 0.0) for part in coordinates])
    counts, means = _structure_means(subject, full)
    rows = [subject.scheme.row(label) for label in atlas_centroids()]
    return means[[row for row in rows if counts[row] >= SMALLEST_STRUCTURE_ML * 1000]]


def _work_grid(grid: Grid) -> Grid:
    """Return the 3 mm grid around the atlas on which the displacement lives."""
    affine = np.diag([STEP_MM, STEP_MM, STEP_MM, 1.0])
    affine[:3, 3] = grid.to_ras(np.zeros(3)) - MARGIN_MM
    shape = shape_3d(int(np.ceil((n + 2 * MARGIN_MM) / STEP_MM)) for n in grid.shape)
    return Grid(shape, affine)


def _on(volume: Volume, grid: Grid) -> np.ndarray:
    return resample(volume.array, volume.grid, grid, 0.0)


def _demons(atlas: np.ndarray, brain: np.ndarray, start: np.ndarray, original: Volume) -> np.ndarray:
    """Return the displacement (X, Y, Z, 3) mm that brings points of the affinely placed brain to the atlas."""
    fixed, moving = _image(brain), _image(np.clip(atlas, 0, float(original.array.max())))
    field = sitk.GetImageFromArray(np.ascontiguousarray(start.transpose(2, 1, 0, 3)), isVector=True)
    field.SetSpacing([STEP_MM] * 3)
    with one_thread():
        for shrink, rounds in ROUNDS:
            demons = sitk.DiffeomorphicDemonsRegistrationFilter()
            demons.SetNumberOfIterations(rounds)
            demons.SetSmoothDisplacementField(True)
            demons.SetStandardDeviations(SMOOTHING_VOXELS)
            demons.SetMaximumUpdateStepLength(LONGEST_UPDATE_VOXELS)
            small = [_shrunk(image, shrink) for image in (fixed, moving)]
            field = demons.Execute(*small, sitk.Resample(field, small[0], sitk.Transform(), sitk.sitkLinear))
    return sitk.GetArrayFromImage(field).transpose(2, 1, 0, 3)


def _image(array: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.transpose(2, 1, 0), dtype=np.float32))
    image.SetSpacing([STEP_MM] * 3)
    return image


def _shrunk(image: sitk.Image, factor: int) -> sitk.Image:
    if factor == 1:
        return image
    return sitk.Shrink(sitk.SmoothingRecursiveGaussian(image, factor * STEP_MM / 2), [factor] * 3)


def _coordinates(grid: Grid, affine: np.ndarray, field: np.ndarray, work: Grid) -> np.ndarray:
    """Return atlas mm (3, x, y, z) float64 of a grid in subject space."""
    placed = Grid(grid.shape, affine @ grid.affine_ras)
    shift = resample(np.ascontiguousarray(field), work, placed, 0.0)
    return np.moveaxis(grid_points(placed) + shift, -1, 0)


def _moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return points @ matrix[:3, :3].T + matrix[:3, 3]
