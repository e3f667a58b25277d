"""Linear registration by mutual information (Mattes 2003, IEEE TMI 22:120), the same bits in every run.

SimpleITK's physical space is used as RAS here; it does not mind which way axes point.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from BrainFMEngine.image.conform import straighten
from BrainFMEngine.image.volume import Volume

SEED = 1
BINS = 32
SAMPLED = 0.2
STEP_MM, SMALLEST_STEP_MM = 1.0, 0.005
ROUNDS = 150
RELAXATION = 0.7
"""How much of a step is left where the gradient turns; with less, turns stop short by degrees."""


@dataclass(frozen=True)
class Level:
    """One level of resolution: every `shrink`-th voxel of an image blurred by `blur_mm`."""

    shrink: int
    blur_mm: float


LEVELS = (Level(4, 4.0), Level(2, 2.0), Level(1, 0.0))


@contextmanager
def one_thread() -> Iterator[None]:
    """Let SimpleITK add up in the same order every time; a filter's own setting does not reach its metric."""
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def to_sitk(volume: Volume) -> sitk.Image:
    """Return a float32 image whose physical space is RAS mm."""
    volume = straighten(volume)
    array = np.ascontiguousarray(np.nan_to_num(volume.array).transpose(2, 1, 0), dtype=np.float32)
    image = sitk.GetImageFromArray(array)
    spacing = volume.spacing_mm
    image.SetSpacing(spacing.tolist())
    image.SetDirection((volume.affine_ras[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(volume.affine_ras[:3, 3].tolist())
    return image


def register(fixed: Volume, moving: Volume, rigid: bool, start_ras: np.ndarray | None = None) -> np.ndarray:
    """Find the transform under which two images tell most about each other.

    Args:
        fixed, moving: (X, Y, Z) images, any contrast and spacing.
        rigid: six degrees of freedom; else the twelve of an affine.
        start_ras: (4, 4) fixed RAS mm to moving RAS mm to begin with; None for the centres of mass.

    Returns:
        (4, 4) fixed RAS mm to moving RAS mm.

    Raises:
        RuntimeError: the images do not overlap.
    """
    fixed_image, moving_image = to_sitk(fixed), to_sitk(moving)
    transform = sitk.Euler3DTransform() if rigid else sitk.AffineTransform(3)
    centre = _centre_of_mass(fixed)
    transform.SetCenter(centre.tolist())
    if start_ras is None:
        transform.SetTranslation((_centre_of_mass(moving) - centre).tolist())
    else:
        _begin_at(transform, start_ras, centre, rigid)
    with one_thread():
        _method(transform, fixed_image).Execute(fixed_image, moving_image)
    return matrix_of(transform)


def _method(transform: sitk.Transform, fixed: sitk.Image) -> sitk.ImageRegistrationMethod:
    """Return the registration that changes `transform` in place."""
    method = sitk.ImageRegistrationMethod()
    method.SetNumberOfThreads(1)
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(SAMPLED, SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(STEP_MM, SMALLEST_STEP_MM, ROUNDS, RELAXATION)
    method.SetOptimizerScalesFromPhysicalShift()
    levels = _levels(fixed)
    method.SetShrinkFactorsPerLevel([level.shrink for level in levels])
    method.SetSmoothingSigmasPerLevel([level.blur_mm for level in levels])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInitialTransform(transform, inPlace=True)
    return method


def matrix_of(transform: sitk.Transform) -> np.ndarray:
    """Return the (4, 4) matrix of a linear transform."""
    matrix = np.eye(4)
    matrix[:3, 3] = transform.TransformPoint((0.0, 0.0, 0.0))
    for axis in range(3):
        point = np.zeros(3)
        point[axis] = 1.0
        matrix[:3, axis] = np.array(transform.TransformPoint(point.tolist())) - matrix[:3, 3]
    return matrix


def _begin_at(
    transform: sitk.Euler3DTransform | sitk.AffineTransform, start_ras: np.ndarray, centre: np.ndarray, rigid: bool
) -> None:
    linear, offset = start_ras[:3, :3], start_ras[:3, 3]
    if rigid:
        left, _, right = np.linalg.svd(linear)
        linear = left @ right
    transform.SetMatrix(linear.ravel().tolist())
    transform.SetTranslation((linear @ centre + offset - centre).tolist())


def _centre_of_mass(volume: Volume) -> np.ndarray:
    weights = np.nan_to_num(volume.array).astype(np.float64)
    weights = (weights - weights.min()).clip(max=np.percentile(weights - weights.min(), 99))
    total = weights.sum()
    if total <= 0:
        return volume.grid.to_ras((np.array(volume.array.shape) - 1) / 2)
    profiles = [weights.sum(tuple(other for other in range(3) if other != axis)) for axis in range(3)]
    return volume.grid.to_ras(np.array([profile @ np.arange(len(profile)) / total for profile in profiles]))


def _levels(image: sitk.Image) -> tuple[Level, ...]:
    """Return the levels at which every axis keeps at least 16 voxels; 1 mm itself is not needed for whole heads."""
    smallest = min(image.GetSize())
    return tuple(level for level in LEVELS[:2] if smallest >= 16 * level.shrink) or LEVELS[2:]
