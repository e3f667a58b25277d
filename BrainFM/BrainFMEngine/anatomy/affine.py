"""The affine transform that atlas coordinates imply, fitted so that wrong voxels do not count.

Iteratively reweighted least squares: absolute deviations first (a start that outliers cannot pull far), then Tukey's
biweight with c = 4.685 and a scale from the median (Holland & Welsch 1977, Communications in Statistics A6).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_TUKEY_C = 4.685
_ABSOLUTE_ROUNDS, _TUKEY_ROUNDS = 10, 30
_SMALLEST_EXTENT_MM = 3.0
_SCALE_RANGE = (0.4, 2.5)
_LARGEST_RESIDUAL_MM = 20.0
_LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class AffineFit:
    """An affine transform from scan to atlas.

    Attributes:
        matrix_ras: (4, 4), scan RAS mm to atlas RAS mm.
        residual_mm: median distance between the coordinates and the affine.
    """

    matrix_ras: np.ndarray
    residual_mm: float

    def apply(self, points_ras: np.ndarray) -> np.ndarray:
        """Map scan RAS mm (..., 3) to atlas RAS mm (..., 3)."""
        return points_ras @ self.matrix_ras[:3, :3].T + self.matrix_ras[:3, 3]


def fit_affine(scan_ras: np.ndarray, atlas_ras: np.ndarray) -> AffineFit:
    """Fit 12 degrees of freedom to pairs of points, (N, 3) mm each.

    Raises:
        ValueError: the points do not determine a plausible transform; the message says why.
    """
    centre = scan_ras.mean(axis=0)
    if np.linalg.svd(np.cov((scan_ras - centre).T), compute_uv=False)[-1] < _SMALLEST_EXTENT_MM**2:
        raise ValueError("the brain is visible in too thin a slab")
    design = np.column_stack([(scan_ras - centre) / 100.0, np.ones(len(scan_ras))])
    solution = _robust_solution(design, atlas_ras)
    matrix = np.eye(4)
    matrix[:3, :3] = solution[:3].T / 100.0
    matrix[:3, 3] = solution[3] - matrix[:3, :3] @ centre
    residual_mm = float(np.median(_distances(design, solution, atlas_ras)))
    _check_plausible(matrix[:3, :3], residual_mm)
    return AffineFit(matrix, residual_mm)


def _robust_solution(design: np.ndarray, target: np.ndarray) -> np.ndarray:
    solution = _weighted_solution(design, target, np.ones(len(design)))
    for _ in range(_ABSOLUTE_ROUNDS):
        solution = _weighted_solution(design, target, 1.0 / np.maximum(_distances(design, solution, target), 0.1))
    for _ in range(_TUKEY_ROUNDS):
        distances = _distances(design, solution, target)
        scaled = distances / (_TUKEY_C * max(1.4826 * float(np.median(distances)), 1e-3))
        previous, weights = solution, np.where(scaled < 1, (1 - scaled**2) ** 2, 0.0)
        solution = _weighted_solution(design, target, weights)
        if np.allclose(solution, previous, atol=1e-6):
            break
    return solution


def _weighted_solution(design: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    weighted = design * weights[:, None]
    return np.linalg.lstsq(weighted.T @ design, weighted.T @ target, rcond=None)[0]


def _distances(design: np.ndarray, solution: np.ndarray, target: np.ndarray) -> np.ndarray:
    return np.linalg.norm(design @ solution - target, axis=1)


def _check_plausible(linear: np.ndarray, residual_mm: float) -> None:
    scales = np.linalg.svd(linear, compute_uv=False)
    if np.linalg.det(linear) <= 0:
        raise ValueError("the coordinates are mirrored")
    if scales[-1] < _SCALE_RANGE[0] or scales[0] > _SCALE_RANGE[1]:
        raise ValueError(f"the coordinates imply a scaling of {scales[-1]:.2g} to {scales[0]:.2g}")
    if residual_mm > _LARGEST_RESIDUAL_MM:
        raise ValueError(f"the coordinates scatter by {residual_mm:.0f} mm around any affine")


def itk_affine_text(matrix_ras: np.ndarray) -> str:
    """Return the ITK transform file (`.tfm`) of a RAS matrix: LPS to LPS, centre of rotation at the origin."""
    matrix = _LPS_FROM_RAS @ matrix_ras @ _LPS_FROM_RAS
    parameters = " ".join(f"{value:.17g}" for value in (*matrix[:3, :3].ravel(), *matrix[:3, 3]))
    return (
        "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"
        f"Parameters: {parameters}\nFixedParameters: 0 0 0\n"
    )
