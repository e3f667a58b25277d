"""Where a NIfTI image is: which of its two forms counts, and what is doubtful about them.

| qform code | sform code | they agree (0.1 mm at the corners) | used |
|---|---|---|---|
| > 0 | > 0 | yes | sform |
| > 0 | > 0 | no | sform, with a warning in mm and degrees |
| > 0 | 0 | - | qform |
| 0 | > 0 | - | sform |
| 0 | 0 | - | voxel sizes alone, with a warning that left and right are unknown |
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from BrainFMEngine.errors import InputImageError

AGREE_MM = 0.1
FIX_HINT = "Export the image again, or correct its header."
MILLIMETRE, UNKNOWN_UNIT = 2, 0


@dataclass(frozen=True)
class Forms:
    """The position fields of a NIfTI header: matrices (4, 4) voxel index to RAS mm, codes, and the one that counts."""

    affine_ras: np.ndarray
    qform: np.ndarray | None
    sform: np.ndarray | None
    qform_code: int
    sform_code: int
    warnings: tuple[str, ...]


def choose_form(name: str, header: Any, shape: tuple[int, ...]) -> Forms:
    """Apply the table above to a nibabel NIfTI header.

    Raises:
        InputImageError: voxel sizes that are not positive, or a matrix with NaN or without inverse.
    """
    spacing_mm = _checked_spacing(name, header)
    qform_code, sform_code = (max(int(header[key]), 0) for key in ("qform_code", "sform_code"))
    qform, sform = _qform(header) if qform_code else None, header.get_sform() if sform_code else None
    warnings = []
    if sform_code:
        affine = sform
        if qform_code:
            warnings += _conflict(qform, sform, shape)
    elif qform_code:
        affine = qform
    else:
        affine = header.get_base_affine()
        warnings.append("the header does not say how the image lies in space: left and right are unknown")
    if affine is None or not is_invertible(affine):
        raise InputImageError(f"the position of {name} in space cannot be right: {_text(affine)}", FIX_HINT)
    warnings += _spacing_mismatch(spacing_mm, affine) + _unit_warning(header)
    usable_qform = qform if qform is not None and is_invertible(qform) else None
    return Forms(np.asarray(affine, np.float64), usable_qform, sform, qform_code, sform_code, tuple(warnings))


def is_invertible(affine: np.ndarray | None) -> bool:
    """Tell whether a (4, 4) affine is finite and its axes are clearly not in one plane."""
    if affine is None or not np.all(np.isfinite(affine)):
        return False
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    return bool(lengths.min() > 0 and abs(np.linalg.det(affine[:3, :3] / lengths)) > 1e-2)


def corner_distance_mm(first: np.ndarray, second: np.ndarray, shape: tuple[int, ...]) -> float:
    """Return the largest distance in mm between where two affines put the corners of an image."""
    corners = np.array([(*corner, 1) for corner in product(*((0, n - 1) for n in shape))], np.float64)
    return float(np.linalg.norm(corners @ (first - second).T[:, :3], axis=1).max())


def _checked_spacing(name: str, header: Any) -> np.ndarray:
    spacing_mm = np.asarray(header["pixdim"][1:4], np.float64)
    if not np.all(np.isfinite(spacing_mm)) or spacing_mm.min() <= 0:
        text = " x ".join(f"{value:g}" for value in spacing_mm)
        raise InputImageError(f"the voxel size of {name} cannot be right: {text}", FIX_HINT)
    return spacing_mm


def _qform(header: Any) -> np.ndarray | None:
    """Return the qform, or None when its quaternion is no rotation."""
    try:
        return header.get_qform()
    except Exception:  # nibabel raises several kinds for quaternions longer than 1
        return None


def _conflict(qform: np.ndarray | None, sform: np.ndarray | None, shape: tuple[int, ...]) -> list[str]:
    if qform is None or sform is None or not is_invertible(qform) or not is_invertible(sform):
        return ["the qform of the header is damaged; the sform is used"]
    distance_mm = corner_distance_mm(qform, sform, shape)
    if distance_mm <= AGREE_MM:
        return []
    degrees = _angle_degrees(qform, sform)
    return [f"qform and sform disagree by {distance_mm:.1f} mm and {degrees:.1f} degrees; the sform is used"]


def _angle_degrees(first: np.ndarray, second: np.ndarray) -> float:
    """Return the angle of the rotation between the axes of two affines (180 when one is a mirror of the other)."""
    unit_first, unit_second = (matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0) for matrix in (first, second))
    turn = unit_first @ np.linalg.inv(unit_second)
    return float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))


def _spacing_mismatch(spacing_mm: np.ndarray, affine: np.ndarray) -> list[str]:
    columns_mm = np.linalg.norm(affine[:3, :3], axis=0)
    if np.all(np.abs(spacing_mm - columns_mm) <= 1e-3 * columns_mm):
        return []
    said, used = (" x ".join(f"{v:.3g}" for v in values) for values in (spacing_mm, columns_mm))
    return [f"the header gives two voxel sizes, {said} mm and {used} mm; the second, of the sform, is used"]


def _unit_warning(header: Any) -> list[str]:
    unit = int(header["xyzt_units"]) & 7
    if unit in (MILLIMETRE, UNKNOWN_UNIT):
        return []
    name = {1: "metres", 3: "micrometres"}.get(unit, f"unit {unit}")
    return [f"the header says that lengths are in {name}; they are taken as millimetres"]


def _text(affine: np.ndarray | None) -> str:
    if affine is None:
        return "its qform is no rotation"
    return "its matrix is " + "; ".join(" ".join(f"{v:g}" for v in row) for row in np.asarray(affine)[:3])
