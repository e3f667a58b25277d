from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from BrainFMEngine.inference.prediction import Prediction
from BrainFMEngine.outputs.qc import QualityControl, assess
from BrainFMEngine.outputs.registration import register
from BrainFMEngine.outputs.volumes import measure_volumes
from phantom_head import make_prediction


def judge(prediction: Prediction) -> QualityControl:
    return assess(prediction, measure_volumes(prediction), None)


def scaled(prediction: Prediction, factor: float) -> Prediction:
    volumes = {label: volume * factor for label, volume in prediction.soft_volumes_mm3.items()}
    return replace(prediction, soft_volumes_mm3=volumes)


def test_a_good_result_passes(phantom: Prediction) -> None:
    quality = assess(phantom, measure_volumes(phantom), register(phantom))
    assert quality.verdict == "pass" and quality.findings == ()
    measured = quality.measurements
    assert measured.brain_volume_l == pytest.approx(1.486, abs=0.02)
    assert measured.left_right_ratio == pytest.approx(1.0, abs=0.05)
    assert measured.labels_in_air_fraction < 0.01 and measured.folded_fraction < 0.02


@pytest.mark.parametrize(("factor", "verdict"), [(0.01, "fail"), (0.4, "check"), (1.6, "check"), (2.5, "fail")])
def test_volume_decides(phantom: Prediction, factor: float, verdict: str) -> None:
    quality = judge(scaled(phantom, factor))
    assert quality.verdict == verdict and "not a plausible brain" in quality.findings[0]


def test_one_missing_hemisphere_fails(phantom: Prediction) -> None:
    labels = np.where(np.isin(phantom.labels, [41, 42, 43]), 907, phantom.labels).astype(np.int16)
    assert judge(replace(phantom, labels=labels)).verdict == "fail"


def test_unequal_sides_are_doubtful(phantom: Prediction) -> None:
    volumes = {label: v * (1.5 if label in (2, 3) else 1) for label, v in phantom.soft_volumes_mm3.items()}
    quality = judge(replace(phantom, soft_volumes_mm3=volumes))
    assert quality.verdict == "check" and "times as large" in quality.findings[0]


def test_labels_in_air_fail(phantom: Prediction) -> None:
    image = np.where(np.indices(phantom.grid.shape)[0] < 24, 0, phantom.image).astype(np.float32)
    quality = judge(replace(phantom, image=image))
    assert quality.verdict == "fail" and "shows air" in quality.findings[0]


def test_a_stripped_scan_passes(phantom: Prediction) -> None:
    image = np.where(phantom.brain_mask, phantom.image, 0).astype(np.float32)
    assert judge(replace(phantom, image=image)).verdict == "pass"


def test_a_stripped_ct_passes(phantom: Prediction) -> None:
    image = np.where(phantom.brain_mask, 30.0, 0.0).astype(np.float32)
    conformed = replace(phantom.conformed, modality="ct")
    assert judge(replace(phantom, image=image, conformed=conformed)).verdict == "pass"


def test_a_cut_field_of_view_is_doubtful_and_not_wrong() -> None:
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = [-72, -90, 10]
    quality = judge(make_prediction(None, (49, 61, 22), affine_ras=affine))
    assert quality.verdict == "check" and "cuts the brain" in quality.findings[0]


def test_unsure_labels(phantom: Prediction) -> None:
    assert judge(replace(phantom, confidence=dict.fromkeys(phantom.confidence, 0.55))).verdict == "check"
    assert judge(replace(phantom, confidence=dict.fromkeys(phantom.confidence, 0.2))).verdict == "fail"
