"""Quality control: is this a plausible brain, plausibly segmented and registered? Says pass, check or fail.

The limits are wide on purpose: they catch wrong inputs and failed runs, not unusual anatomy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from BrainFMEngine.anatomy.structures import structures
from BrainFMEngine.outputs.fileset import FileSet
from BrainFMEngine.outputs.foreground import scan_foreground
from BrainFMEngine.outputs.registration import Registration
from BrainFMEngine.outputs.volumes import StructureVolume

if TYPE_CHECKING:
    from BrainFMEngine.inference.prediction import Prediction

Verdict = Literal["pass", "check", "fail"]
_LITRE_MM3 = 1e6
_BRAIN_STEM = 16
_FLUID = (4, 5, 14, 15, 24, 43, 44)
_ALWAYS_PRESENT = (2, 3, 41, 42)
_PLAUSIBLE_L, _POSSIBLE_L, _NO_BRAIN_L = (0.7, 2.2), (0.35, 2.8), 0.05
_PLAUSIBLE_RATIO, _POSSIBLE_RATIO = (0.8, 1.25), (0.4, 2.5)
_AIR_CHECK, _AIR_FAIL = 0.1, 0.35
_CONFIDENCE_CHECK, _CONFIDENCE_FAIL, _CONFIDENCE_LOW = 0.65, 0.4, 0.5
_FOLDED_CHECK, _FOLDED_FAIL = 0.02, 0.2
_RESIDUAL_CHECK_MM, _RESIDUAL_FAIL_MM = 8.0, 16.0
_CUT_MM2 = 400.0


@dataclass(frozen=True)
class Measurements:
    """What the verdict is made from; None where it could not be measured.

    Attributes:
        brain_volume_l: everything inside the skull, in litres.
        left_right_ratio: left over right volume of paired structures.
        labels_in_air_fraction: part of the tissue labels where the scan shows air.
        brain_cut_mm2: area of brain on the border of the field of view.
        mean_confidence: mean probability of the labels inside the skull.
        folded_fraction: part of the brain where the registration's Jacobian is not positive.
        raw_folded_fraction: the same for the network's coordinates, before the registration was smoothed.
        smoothing_mm: standard deviation of that smoothing; 0 if there was none.
        affine_residual_mm: median distance between atlas coordinates and their affine fit.
    """

    brain_volume_l: float | None = None
    left_right_ratio: float | None = None
    labels_in_air_fraction: float | None = None
    brain_cut_mm2: float | None = None
    mean_confidence: float | None = None
    folded_fraction: float | None = None
    raw_folded_fraction: float | None = None
    smoothing_mm: float | None = None
    affine_residual_mm: float | None = None


@dataclass(frozen=True)
class QualityControl:
    """Verdict, the sentences that explain it, the measurements, and per-structure confidence by name."""

    verdict: Verdict
    findings: tuple[str, ...]
    measurements: Measurements
    confidence: dict[str, float]


def assess(
    prediction: Prediction, volumes: Sequence[StructureVolume], registration: Registration | None, problem: str = ""
) -> QualityControl:
    """Judge a prediction.

    Args:
        prediction: with labels where the model gives them.
        volumes: from `measure_volumes`, the total last; empty without labels.
        registration: the registration that was made, if any.
        problem: why there is no registration although it was asked for.
    """
    measured = _measure(prediction, volumes, registration)
    findings = [*_judge_brain(measured, volumes), *_judge_rest(measured)]
    if registration is not None and registration.doubt:
        sentence = f"the atlas registration is only an affine from the segmentation: {registration.doubt}"
        findings.append(("check", sentence))
    if problem:
        findings.append(("check", f"no registration was written: {problem}"))
    if not volumes:
        findings.append(("check", "there is no segmentation, so whether this is a brain was not assessed"))
    levels = {level for level, _ in findings}
    verdict: Verdict = "fail" if "fail" in levels else "check" if "check" in levels else "pass"
    confidence = {v.name: round(v.confidence, 4) for v in volumes if v.id is not None and v.confidence is not None}
    return QualityControl(verdict, tuple(text for _, text in findings), measured, confidence)


def write_qc(quality: QualityControl, warnings: Sequence[str], files: FileSet) -> None:
    """Write `qc.json`: verdict, findings, all warnings of the run, measurements, confidence per structure."""
    content = {
        "verdict": quality.verdict,
        "findings": list(quality.findings),
        "warnings": list(warnings),
        "measurements": asdict(quality.measurements),
        "confidence": quality.confidence,
        "low_confidence": sorted(name for name, value in quality.confidence.items() if value < _CONFIDENCE_LOW),
    }
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    files.add("qc", "qc.json").write_text(text + "\n", encoding="utf-8")


def _measure(
    prediction: Prediction, volumes: Sequence[StructureVolume], registration: Registration | None
) -> Measurements:
    brain, labels = prediction.brain_mask, prediction.labels
    air = cut_mm2 = None
    if brain is not None and labels is not None:
        air = _labels_in_air(prediction, brain, labels)
        cut_mm2 = _brain_on_border_mm2(prediction, brain, labels)
    return Measurements(
        brain_volume_l=volumes[-1].soft_mm3 / _LITRE_MM3 if volumes else None,
        left_right_ratio=_left_right_ratio(volumes),
        labels_in_air_fraction=air,
        brain_cut_mm2=cut_mm2,
        mean_confidence=volumes[-1].confidence if volumes else None,
        folded_fraction=registration.folded_fraction if registration else None,
        raw_folded_fraction=registration.raw_folded_fraction if registration else None,
        smoothing_mm=registration.smoothing_mm if registration else None,
        affine_residual_mm=registration.affine.residual_mm if registration else None,
    )


def _left_right_ratio(volumes: Sequence[StructureVolume]) -> float | None:
    sums = {"left": 0.0, "right": 0.0}
    for row in volumes:
        side = structures()[row.id].side if row.id is not None else "none"
        if side in sums:
            sums[side] += row.soft_mm3
    return sums["left"] / sums["right"] if sums["left"] > 0 and sums["right"] > 0 else None


def _labels_in_air(prediction: Prediction, brain: np.ndarray, labels: np.ndarray) -> float:
    tissue = brain & ~np.isin(labels, _FLUID)
    return 1.0 - float(scan_foreground(prediction)[tissue].mean()) if tissue.any() else 0.0


def _brain_on_border_mm2(prediction: Prediction, brain: np.ndarray, labels: np.ndarray) -> float:
    """Area of brain (without brain stem, which every scan cuts) in the outermost voxels of the scan as read."""
    native, grid = prediction.conformed.native.grid, prediction.grid
    index = native.to_index(grid.to_ras(np.argwhere(brain & (labels != _BRAIN_STEM))))
    on_border = (index < 0.5) | (index > np.array(native.shape) - 1.5)
    return float((on_border.sum(axis=0) * grid.voxel_mm3 / native.spacing_mm).max(initial=0.0))


def _judge_brain(measured: Measurements, volumes: Sequence[StructureVolume]) -> Iterator[tuple[Verdict, str]]:
    if measured.brain_volume_l is None:
        return
    cut_mm2 = measured.brain_cut_mm2 or 0.0
    cut = cut_mm2 > _CUT_MM2
    if cut:
        yield "check", f"the field of view cuts the brain ({cut_mm2 / 100:.0f} cm² on its border)"
    litres = measured.brain_volume_l * (1.0 if measured.left_right_ratio else 2.0 if _one_sided(volumes) else 1.0)
    sentence = f"not a plausible brain: {measured.brain_volume_l:.2f} l inside the skull"
    if litres < _NO_BRAIN_L or (not cut and not _POSSIBLE_L[0] <= litres) or litres > _POSSIBLE_L[1]:
        yield "fail", sentence
    elif not _PLAUSIBLE_L[0] <= litres <= _PLAUSIBLE_L[1]:
        yield "check", sentence
    empty = [row.name for row in volumes if row.id in _ALWAYS_PRESENT and row.hard_mm3 == 0]
    if empty:
        yield ("check" if cut else "fail"), f"not found at all: {', '.join(empty)}"
    ratio = measured.left_right_ratio
    if ratio is not None and not _PLAUSIBLE_RATIO[0] <= ratio <= _PLAUSIBLE_RATIO[1]:
        impossible = not _POSSIBLE_RATIO[0] <= ratio <= _POSSIBLE_RATIO[1]
        yield ("fail" if impossible and not cut else "check"), f"left is {ratio:.2f} times as large as right"


def _one_sided(volumes: Sequence[StructureVolume]) -> bool:
    return {structures()[row.id].side for row in volumes if row.id is not None} <= {"left", "none"}


def _judge_rest(measured: Measurements) -> Iterator[tuple[Verdict, str]]:
    air, confidence = measured.labels_in_air_fraction, measured.mean_confidence
    folded, raw = measured.folded_fraction, measured.raw_folded_fraction
    residual_mm = measured.affine_residual_mm
    if air is not None and air > _AIR_CHECK:
        yield _level(air > _AIR_FAIL), f"{air:.0%} of the brain labels lie where the scan shows air"
    if confidence is not None and confidence < _CONFIDENCE_CHECK:
        yield _level(confidence < _CONFIDENCE_FAIL), f"the segmentation is unsure (mean confidence {confidence:.2f})"
    if folded is not None and folded > _FOLDED_CHECK:
        yield _level(folded > _FOLDED_FAIL), f"the registration folds in {folded:.0%} of the brain"
    elif raw is not None and raw > _FOLDED_CHECK:
        yield "check", f"the atlas coordinates fold in {raw:.0%} of the brain; the registration was smoothed for that"
    if residual_mm is not None and residual_mm > _RESIDUAL_CHECK_MM:
        sentence = f"the registration is {residual_mm:.0f} mm from any affine"
        yield _level(residual_mm > _RESIDUAL_FAIL_MM), sentence


def _level(severe: bool) -> Verdict:
    return "fail" if severe else "check"
