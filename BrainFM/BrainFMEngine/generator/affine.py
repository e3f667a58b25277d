"""The linear part of a deformation: rotation, shear, scaling, shift (BrainFM §3.1.1, ranges of Brain-ID Table B.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.range_checks import check_limits

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class AffineRanges:
    """Half-widths of the uniform draws of each axis: degrees, unitless shear, scaling around 1, and shift in mm."""

    rotation_deg: float = 15.0
    shear: float = 0.2
    scale: float = 0.2
    shift_mm: Triple = (0.0, 0.0, 0.0)

    def __post_init__(self):
        for name in ("rotation_deg", "shear", "scale"):
            check_limits(f"AffineRanges.{name}", (0.0, getattr(self, name)))
        for width in self.shift_mm:
            check_limits("AffineRanges.shift_mm", (0.0, width))
        if self.scale >= 1:
            raise UsageError(f"a scaling of 1 ± {self.scale} reaches a flat head", "Keep scale below 1.")


@dataclass(frozen=True)
class Affine:
    """One draw, a value for each of the axes R, A, S; `scale` counts subject mm a sample mm."""

    rotation_deg: Triple = (0.0, 0.0, 0.0)
    shear: Triple = (0.0, 0.0, 0.0)
    scale: Triple = (1.0, 1.0, 1.0)
    shift_mm: Triple = (0.0, 0.0, 0.0)

    def matrix(self) -> np.ndarray:
        """Return diag(scale) · shears · rotations, (3, 3) float64, from sample offsets to subject offsets.

        Its determinant is the product of `scale`: neither shears nor rotations change volumes.
        """
        h0, h1, h2 = self.shear
        shears = (
            np.array([[1, 0, 0], [h1, 1, 0], [h2, 0, 1]])
            @ np.array([[1, h0, 0], [0, 1, 0], [0, h2, 1]])
            @ np.array([[1, 0, h0], [0, 1, h1], [0, 0, 1]])
        )
        about_x, about_y, about_z = (_rotation(axis, degrees) for axis, degrees in enumerate(self.rotation_deg))
        return np.diag(self.scale) @ shears @ about_x @ about_y @ about_z

    @property
    def distance_scale(self) -> float:
        """Subject mm a sample mm, the mean over directions: (s0 · s1 · s2)^(1/3)."""
        return float(np.prod(self.scale) ** (1 / 3))


def sample_affine(draws: Draws, ranges: AffineRanges) -> Affine:
    """Draw every value uniformly within its half-width; severity has no say (Brain-ID Table B.1)."""

    def around(middle: float, half_widths: Triple) -> Triple:
        return tuple((middle + np.array(half_widths) * draws.pattern.uniform(-1, 1, 3)).tolist())

    return Affine(
        rotation_deg=around(0, (ranges.rotation_deg,) * 3),
        shear=around(0, (ranges.shear,) * 3),
        scale=around(1, (ranges.scale,) * 3),
        shift_mm=around(0, ranges.shift_mm),
    )


def _rotation(axis: int, degrees: float) -> np.ndarray:
    """Return the right-handed rotation about one axis."""
    i, j = [(1, 2), (2, 0), (0, 1)][axis]
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = math.cos(math.radians(degrees))
    matrix[j, i] = math.sin(math.radians(degrees))
    matrix[i, j] = -matrix[j, i]
    return matrix
