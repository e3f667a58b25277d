"""Atlas registration from predicted coordinates: an affine, a displacement field, and the atlas on the scan.

The network's coordinates mean something inside the brain only. Outside they are replaced: close to the brain by its
own deformation, smoothly extended, and farther away by the affine alone, so that the field is defined everywhere.

Where coordinates fold, a point of the atlas lies at several places of the scan and there is no way back. Then the
deformation, which is what they differ from the affine by, is smoothed with a Gaussian, no more than needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from BrainFMEngine.anatomy.affine import AffineFit, fit_affine, itk_affine_text
from BrainFMEngine.anatomy.atlas import load_atlas
from BrainFMEngine.anatomy.centroids import fit_centroids
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.outputs.fileset import FileSet
from BrainFMEngine.outputs.foreground import large_parts, largest_part, scan_foreground
from BrainFMEngine.outputs.sampling import sample

if TYPE_CHECKING:
    from BrainFMEngine.inference.prediction import Prediction

_SMALLEST_BRAIN_MM3 = 5000.0
_POINTS_FOR_FIT = 100_000
_LARGEST_DEFORMATION_MM = 30.0
_TRUSTED_MM = 1.0
_UNTRUSTED_MM = 3.0
_AFFINE_ONLY_MM = 13.0
_EXTENSION_SIGMA_MM = 4.0
_SMOOTHING_MM = (0.0, 4.0, 8.0)
"""Standard deviations that are tried one after the other."""
_FOLDED_TOLERANCE = 0.01
"""Fraction of the brain that may fold; smoothing ends there."""
_LPS_SIGN = np.array([-1.0, -1.0, 1.0], dtype=np.float32)
_SLAB = 16
_STEPS_PER_MM = 64.0


@dataclass(frozen=True)
class Registration:
    """Where the scan lies in the atlas.

    Attributes:
        coordinates_ras: (X, Y, Z, 3) float32, atlas RAS mm of every voxel; finite everywhere.
        affine: the affine part.
        atlas: (X, Y, Z) float32, the atlas warped to the scan.
        mask: (X, Y, Z) bool, where the coordinates come from the network.
        folded_fraction: part of the brain where the Jacobian determinant is not positive.
        raw_folded_fraction: the same before smoothing.
        smoothing_mm: standard deviation of the Gaussian that the deformation was smoothed with; 0 not at all.
        doubt: why the affine comes from the segmentation instead of the coordinates; "" if it does not.
    """

    coordinates_ras: np.ndarray
    affine: AffineFit
    atlas: np.ndarray
    mask: np.ndarray
    folded_fraction: float
    raw_folded_fraction: float
    smoothing_mm: float = 0.0
    doubt: str = ""


def register(prediction: Prediction) -> Registration:
    """Turn predicted coordinates into a registration, or, where they determine none, the segmentation into an affine.

    Raises:
        ValueError: there is too little brain, or neither determines a plausible transform.
    """
    grid, raw = prediction.grid, prediction.maps["atlas_coordinates"]
    mask = _where_meaningful(prediction, raw)
    if mask.sum() * grid.voxel_mm3 < _SMALLEST_BRAIN_MM3:
        raise ValueError("too little brain is visible")
    try:
        affine, doubt = _fit(raw, mask, grid), ""
        mask = mask & _near_affine(raw, grid, affine)
    except ValueError as problem:
        affine, doubt = _fit_anatomy(prediction, problem), str(problem)
        mask = np.zeros(grid.shape, dtype=bool)
    coordinates, smoothing_mm, folded = _unfolded(raw, mask, grid, affine)
    atlas = load_atlas()
    warped = sample(atlas.array, atlas.grid, coordinates, outside=0.0)
    return Registration(coordinates, affine, warped, mask, folded[-1], folded[0], smoothing_mm, doubt)


def _unfolded(
    raw: np.ndarray, mask: np.ndarray, grid: Grid, affine: AffineFit
) -> tuple[np.ndarray, float, list[float]]:
    """Return clean coordinates, the smoothing they needed in mm, and the folded fraction after each one tried."""
    folded: list[float] = []
    for smoothing_mm in _SMOOTHING_MM:
        coordinates = _clean(raw, mask, grid, affine, smoothing_mm)
        folded.append(folded_fraction(coordinates, mask, grid))
        if folded[-1] <= _FOLDED_TOLERANCE:
            break
    return coordinates, smoothing_mm, folded


def _fit(raw: np.ndarray, mask: np.ndarray, grid: Grid) -> AffineFit:
    chosen = np.argwhere(mask)[:: max(1, int(mask.sum()) // _POINTS_FOR_FIT)]
    return fit_affine(grid.to_ras(chosen), raw[tuple(chosen.T)].astype(np.float64))


def _fit_anatomy(prediction: Prediction, problem: ValueError) -> AffineFit:
    if prediction.labels is None:
        raise problem
    try:
        return fit_centroids(prediction.labels, prediction.grid)
    except ValueError as error:
        raise ValueError(f"{problem}, and {error}") from error


def write_registration(registration: Registration, files: FileSet) -> None:
    """Write coordinates (RAS mm), the affine and the displacement field (ITK, LPS mm) and the warped atlas.

    Both transforms map points of the scan to points of the atlas: what ITK needs to resample the atlas to the scan.
    """
    files.image("atlas_coordinates", rounded(registration.coordinates_ras))
    files.image("atlas", registration.atlas)
    text = itk_affine_text(registration.affine.matrix_ras)
    files.add("atlas_affine", "atlas_affine.tfm").write_text(text, encoding="ascii", newline="\n")
    # On the plain grid, without the scan's own header forms: a field must say itself where its voxels are.
    displacement = rounded(displacement_lps(registration.coordinates_ras, files.grid))
    files.image("atlas_warp", displacement, grid=files.grid, vector=True)


def rounded(millimetres: np.ndarray) -> np.ndarray:
    """Round to 1/64 mm, which halves the compressed size of a field and stays far below a voxel."""
    return np.rint(millimetres * _STEPS_PER_MM) / np.float32(_STEPS_PER_MM)


def displacement_lps(coordinates_ras: np.ndarray, grid: Grid) -> np.ndarray:
    """Return atlas point minus scan point for every voxel, (X, Y, Z, 3) float32 mm in LPS."""
    displacement = np.empty_like(coordinates_ras, dtype=np.float32)
    for part, points in _slabs(grid):
        displacement[part] = (coordinates_ras[part] - points) * _LPS_SIGN
    return displacement


def folded_fraction(coordinates_ras: np.ndarray, mask: np.ndarray, grid: Grid) -> float:
    """Return the part of `mask` where the Jacobian determinant of scan to atlas is not positive, 0..1."""
    orientation = np.sign(np.linalg.det(grid.affine_ras[:3, :3]))
    folded = 0
    for start in range(0, mask.shape[0], _SLAB):
        before = max(start - 1, 0)
        block = coordinates_ras[before : start + _SLAB + 1]
        if min(block.shape[:3]) < 2:
            continue
        jacobian = np.stack([np.gradient(block, axis=axis) for axis in range(3)], axis=-1)
        inside = slice(start - before, start - before + _SLAB)
        determinant = np.linalg.det(jacobian[inside][mask[start : start + _SLAB]])
        folded += int(np.count_nonzero(determinant * orientation <= 0))
    return folded / max(int(mask.sum()), 1)


def _where_meaningful(prediction: Prediction, raw: np.ndarray) -> np.ndarray:
    finite = np.isfinite(raw).all(axis=-1)
    if prediction.brain_mask is not None:
        return large_parts(prediction.brain_mask & finite)
    atlas = load_atlas()
    plausible = scan_foreground(prediction) & finite
    points = raw[plausible]
    plausible[plausible] = sample(atlas.array, atlas.grid, points, outside=0.0, mode="nearest") > 0
    return largest_part(plausible)


def _near_affine(raw: np.ndarray, grid: Grid, affine: AffineFit) -> np.ndarray:
    """Tell where coordinates are not so far from the affine that they must be wrong."""
    near = np.empty(grid.shape, dtype=bool)
    limit_mm = max(_LARGEST_DEFORMATION_MM, 6 * affine.residual_mm)
    for part, points in _slabs(grid):
        near[part] = np.linalg.norm(raw[part] - affine.apply(points), axis=-1) < limit_mm
    return near


def _clean(raw: np.ndarray, mask: np.ndarray, grid: Grid, affine: AffineFit, smoothing_mm: float = 0.0) -> np.ndarray:
    coordinates = np.empty((*grid.shape, 3), dtype=np.float32)
    for part, points in _slabs(grid):
        coordinates[part] = affine.apply(points)
    if not mask.any():
        return coordinates
    box = _box_around(mask, grid, _AFFINE_ONLY_MM)
    spacing_mm = grid.spacing_mm.tolist()
    away_mm = _distance_mm(mask[box], spacing_mm)
    trust = 1 - _smooth_step(away_mm, _TRUSTED_MM, _UNTRUSTED_MM)
    fade = 1 - _smooth_step(away_mm, _UNTRUSTED_MM, _AFFINE_ONLY_MM)
    # The recursive filter undershoots slightly: far from the brain its values are noise, and may not be divided by.
    brain = mask[box].astype(np.float32)
    reach = np.maximum(_blurred(brain, spacing_mm), 0.0) + 0.01
    nearby = np.maximum(_blurred(brain, spacing_mm, smoothing_mm), 0.0) + 0.01 if smoothing_mm else None
    inside = coordinates[box]
    for component in range(3):
        own = raw[box][..., component] - inside[..., component]
        own[~np.isfinite(own)] = 0.0
        masked = np.where(mask[box], own, 0.0).astype(np.float32)
        extended = _blurred(masked, spacing_mm) / reach
        if nearby is not None:
            own = _blurred(masked, spacing_mm, smoothing_mm) / nearby
        inside[..., component] += trust * own + (1 - trust) * fade * extended
    return coordinates


def _slabs(grid: Grid) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield slices of the first axis with the RAS mm of their voxels, so that memory stays small."""
    for start in range(0, grid.shape[0], _SLAB):
        stop = min(start + _SLAB, grid.shape[0])
        index = np.stack(np.meshgrid(np.arange(start, stop), *map(np.arange, grid.shape[1:]), indexing="ij"), axis=-1)
        yield slice(start, stop), grid.to_ras(index)


def _box_around(mask: np.ndarray, grid: Grid, margin_mm: float) -> tuple[slice, ...]:
    margin = np.ceil(margin_mm / grid.spacing_mm).astype(int) + 1
    where = np.argwhere(mask)
    low, high = np.maximum(where.min(axis=0) - margin, 0), where.max(axis=0) + margin + 1
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def _distance_mm(mask: np.ndarray, spacing_mm: list[float]) -> np.ndarray:
    """Return the distance to the mask in mm, 0 inside."""
    image = _itk(mask.astype(np.uint8), spacing_mm)
    distance = sitk.SignedMaurerDistanceMap(image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    return np.maximum(sitk.GetArrayFromImage(distance).T, 0.0)


def _blurred(array: np.ndarray, spacing_mm: list[float], sigma_mm: float = _EXTENSION_SIGMA_MM) -> np.ndarray:
    blurred = sitk.SmoothingRecursiveGaussian(_padded(_itk(array, spacing_mm)), sigma_mm)
    return sitk.GetArrayFromImage(sitk.Crop(blurred, (4, 4, 4), (4, 4, 4))).T


def _padded(image: sitk.Image) -> sitk.Image:
    """Pad by four voxels, which is as few as ITK's recursive filter accepts along any axis."""
    return sitk.ZeroFluxNeumannPad(image, (4, 4, 4), (4, 4, 4))


def _itk(array: np.ndarray, spacing_mm: list[float]) -> sitk.Image:
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T))
    image.SetSpacing(spacing_mm)
    return image


def _smooth_step(value: np.ndarray, low: float, high: float) -> np.ndarray:
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)
