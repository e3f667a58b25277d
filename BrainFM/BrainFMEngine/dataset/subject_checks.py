"""What is wrong or doubtful about one prepared subject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from BrainFMEngine.anatomy.protocols import LabelProtocol
from BrainFMEngine.dataset.alignment_check import misalignment
from BrainFMEngine.dataset.info import SubjectInfo
from BrainFMEngine.dataset.subject_arrays import IMAGE_PREFIX, shape_of
from BrainFMEngine.generator.labels import LabelScheme, rows_to_channels
from BrainFMEngine.generator.subject_units import DISTANCE_OFFSET

BRAIN_ML = (700.0, 2200.0)
SMALLEST_VOXELS, LARGEST_VOXELS = 32, 512
FURTHEST_MM = 400.0
WORST_REGISTRATION_MM = 8.0
WORST_FOLDED = 0.01
SIDE_RATIO = 1.5
RIGHT_SIGN = 0.8


@dataclass(frozen=True)
class Problem:
    """Something about a dataset: an error (training on it would be wrong), or a warning.

    `subject` is None where it is about the whole dataset.
    """

    subject: str | None
    severity: Literal["error", "warning"]
    message: str
    hint: str = ""


def check_subject(
    info: SubjectInfo, arrays: dict[str, np.ndarray], scheme: LabelScheme, protocol: LabelProtocol
) -> list[Problem]:
    """Check one subject.

    Args:
        info: of the subject.
        arrays: as `subject_arrays.load_arrays` returns them.
        scheme: of the rows.
        protocol: whose structures should be there.

    Returns:
        Problems, errors first.
    """
    errors = _geometry(arrays) + _values(arrays)
    warnings: list[str] = []
    if "rows" in arrays:
        rows = arrays["rows"]
        if int(rows.max()) >= len(scheme):
            errors.append(f"label row {int(rows.max())} is out of range: {scheme.name} has {len(scheme)}")
        elif not errors:
            errors += _anatomy(rows, arrays, scheme)
            warnings += _structures(rows, scheme, protocol)
            for name, image in _images(arrays).items():
                doubt = misalignment(image, rows, scheme)
                errors += [f"the {name} scan {doubt}"] if doubt else []
    if not errors:
        errors += _distances(arrays, scheme)
    warnings += _missing(info, arrays) + _registration(info) + list(info.checks.warnings)
    return [Problem(info.name, "error", text) for text in errors] + [
        Problem(info.name, "warning", text) for text in dict.fromkeys(warnings)
    ]


def _images(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {key.removeprefix(IMAGE_PREFIX): array for key, array in arrays.items() if key.startswith(IMAGE_PREFIX)}


def _geometry(arrays: dict[str, np.ndarray]) -> list[str]:
    shape, affine = shape_of(arrays), arrays["affine_ras"]
    errors = []
    if min(shape) < SMALLEST_VOXELS or max(shape) > LARGEST_VOXELS:
        errors.append(f"its grid of {' x '.join(map(str, shape))} voxels is no head")
    if not np.isfinite(affine).all() or not np.allclose(affine[:3, :3].T @ affine[:3, :3], np.eye(3), atol=1e-3):
        return [*errors, "its grid is not 1 mm with right angles"]
    if np.linalg.det(affine[:3, :3]) < 0 or (np.diag(affine)[:3] <= 0.5).any():
        errors.append("its axes do not run to right, anterior and superior")
    return errors


def _values(arrays: dict[str, np.ndarray]) -> list[str]:
    errors = []
    for name, image in _images(arrays).items():
        if not np.isfinite(image).all():
            errors.append(f"the {name} scan has values that are no numbers")
        elif image.min() == image.max():
            errors.append(f"the {name} scan is empty: every voxel is {float(image.min()):g}")
    if "atlas_mm" in arrays:
        coordinates = arrays["atlas_mm"].astype(np.float32)
        if not np.isfinite(coordinates).all() or np.abs(coordinates).max() > FURTHEST_MM:
            errors.append("its atlas coordinates are no millimetres")
        elif min(np.ptp(part) for part in coordinates) < SMALLEST_VOXELS / 2:
            errors.append("its atlas coordinates hardly change: they are no coordinates")
    return errors


def _anatomy(rows: np.ndarray, arrays: dict[str, np.ndarray], scheme: LabelScheme) -> list[str]:
    counts = np.bincount(rows.ravel(), minlength=len(scheme))
    if not counts[scheme.brain].any():
        return ["its labels have no brain"]
    return _sides(rows, counts, arrays["affine_ras"], scheme) if scheme.sided else []


def _sides(rows: np.ndarray, counts: np.ndarray, affine: np.ndarray, scheme: LabelScheme) -> list[str]:
    index = np.arange(len(scheme))
    left = (index < scheme.partner) & scheme.brain
    right = (index > scheme.partner) & scheme.brain
    totals = counts[left].sum(), counts[right].sum()
    if not max(totals):
        return []
    if not min(totals) or max(totals) / min(totals) > SIDE_RATIO:
        return [f"one side has {totals[0] / 1000:.0f} ml and the other {totals[1] / 1000:.0f} ml: sides seem merged"]
    along = np.arange(rows.shape[0])
    centres = [(_profile(rows, side) @ along) / max(_profile(rows, side).sum(), 1) for side in (left, right)]
    if (centres[1] - centres[0]) * affine[0, 0] < 0:
        return ["left and right are exchanged: its left structures lie on the right"]
    return []


def _profile(rows: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    return chosen[rows].sum((1, 2))


def _structures(rows: np.ndarray, scheme: LabelScheme, protocol: LabelProtocol) -> list[str]:
    brain_ml = float(scheme.brain[rows].sum()) / 1000
    if not BRAIN_ML[0] <= brain_ml <= BRAIN_ML[1]:
        return [f"its brain has {brain_ml:.0f} ml; {BRAIN_ML[0]:.0f} to {BRAIN_ML[1]:.0f} are plausible"]
    if not scheme.sided:
        return []
    present = np.flatnonzero(np.bincount(rows.ravel(), minlength=len(scheme)))
    channels = set(rows_to_channels(scheme, protocol)[present].tolist())
    absent = [
        structure.name
        for channel, structure in enumerate(protocol.structures)
        if channel not in channels and not structure.extracerebral and structure.id not in (77, 85, 24, 99)
    ]
    return [f"its labels lack {', '.join(absent[:8])}{' and more' if len(absent) > 8 else ''}"] if absent else []


def _distances(arrays: dict[str, np.ndarray], scheme: LabelScheme) -> list[str]:
    if "distance" not in arrays or "rows" not in arrays or not scheme.sided:
        return []
    for channel, label in ((1, 2), (3, 41)):
        inside = arrays["distance"][channel][arrays["rows"] == scheme.row(label)] < DISTANCE_OFFSET
        if inside.size and inside.mean() < RIGHT_SIGN:
            return ["its distance maps do not belong to its labels: white matter lies outside of the white surface"]
    return []


def _missing(info: SubjectInfo, arrays: dict[str, np.ndarray]) -> list[str]:
    expected = {
        "rows": "labels (nothing can be painted, no segmentation target)",
        "distance": "distance maps (no distance target)",
        "atlas_mm": "atlas coordinates (no registration target)",
    }
    missing = [text for key, text in expected.items() if key not in arrays]
    if "rows" in arrays and "segmentation" not in info.targets:
        missing.append("a segmentation target (its labels do not tell left from right)")
    return [f"lacks {text}" for text in missing]


def _registration(info: SubjectInfo) -> list[str]:
    checks, warnings = info.checks, []
    if checks.registration_error_mm is not None and checks.registration_error_mm > WORST_REGISTRATION_MM:
        warnings.append(f"its structures lie {checks.registration_error_mm:.1f} mm (median) from the atlas's")
    if checks.folded is not None and checks.folded > WORST_FOLDED:
        warnings.append(f"its atlas coordinates fold in {100 * checks.folded:.1f} % of the brain")
    return warnings
