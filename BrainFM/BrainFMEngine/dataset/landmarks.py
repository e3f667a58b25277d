"""A smooth displacement that brings points near their places: Gaussian kernels with a ridge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

REACH_MM = 25.0
RIDGE = 0.1


@dataclass(frozen=True)
class LandmarkWarp:
    """The displacement: kernels at `centres_mm` (N, 3), with `weights_mm` (N, 3)."""

    centres_mm: np.ndarray
    weights_mm: np.ndarray

    def __call__(self, points_mm: np.ndarray) -> np.ndarray:
        """Return the displacement (..., 3) of points (..., 3), mm."""
        flat = points_mm.reshape(-1, 3)
        result = np.empty_like(flat, dtype=np.float64)
        for start in range(0, len(flat), 1 << 16):
            part = slice(start, start + (1 << 16))
            result[part] = _kernels(flat[part], self.centres_mm) @ self.weights_mm
        return result.reshape(points_mm.shape)


def fit_landmarks(from_mm: np.ndarray, to_mm: np.ndarray) -> LandmarkWarp:
    """Fit a displacement to pairs of points (N, 3), mm; the ridge keeps it smooth where pairs contradict."""
    matrix = _kernels(from_mm, from_mm) + RIDGE * np.eye(len(from_mm))
    return LandmarkWarp(from_mm, np.linalg.solve(matrix, to_mm - from_mm))


def _kernels(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    squared = ((points[:, None] - centres[None]) ** 2).sum(-1)
    return np.exp(-squared / (2 * REACH_MM**2))
