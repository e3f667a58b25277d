"""Evaluation of a model: inputs that never change, answers on their voxels, perfect answers, tables and pictures."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from boxes import SHAPE, box_subject
from BrainFMEngine.anatomy.protocols import COMPACT_40
from BrainFMEngine.errors import UsageError
from BrainFMEngine.evaluation.case import Case, input_names, make_cases
from BrainFMEngine.evaluation.evaluate import compared, evaluate, measure_subject
from BrainFMEngine.evaluation.maps import LABELS
from BrainFMEngine.evaluation.picture import draw_comparison
from BrainFMEngine.evaluation.row import Row
from BrainFMEngine.evaluation.score import Pair, score
from BrainFMEngine.evaluation.synthetic import KINDS, synthetic_samples
from BrainFMEngine.evaluation.tables import summarise, to_markdown, write_csv
from BrainFMEngine.evaluation.validation import compare_sample
from BrainFMEngine.generator.generator import generate
from BrainFMEngine.generator.parameters import GeneratorOptions
from BrainFMEngine.generator.subject import DISTANCE_OFFSET, DISTANCE_SCALE

torch = pytest.importorskip("torch")


class Heard:
    """Progress that keeps what it is told."""

    def __init__(self):
        self.stages = []

    def stage(self, name, fraction):
        self.stages.append((name, fraction))

    def warning(self, message):
        raise AssertionError(message)


def case_of(subject, name: str) -> Case:
    return next(case for case in make_cases(subject) if case.input == name)


def painted(subject, kind: str):
    return next(synthetic_samples(subject, (kind,)))


def numbers(rows) -> dict[tuple[str, str], float]:
    return {(row.task, row.metric): row.value for row in rows}


@pytest.mark.parametrize("kind", ["T1", "CT", "random-1"])
def test_synthetic_inputs_are_the_same_every_time(kind):
    subject = box_subject()
    first, second = (painted(subject, kind) for _ in range(2))
    assert torch.equal(first.image, second.image)
    renamed = painted(replace(subject, name="another"), kind)
    assert not torch.equal(first.image, renamed.image)


def test_real_images_are_never_mixed_into_synthetic_inputs():
    samples = [painted(replace(box_subject(("T1", "T2")), name=f"s{n}"), "T2") for n in range(12)]
    assert all(sample.parameters.mixup is None for sample in samples)


def test_a_subject_offers_what_it_has():
    assert input_names(box_subject()) == [f"synthetic {kind}" for kind in KINDS]
    with_images = box_subject(("T1", "CT"))
    assert input_names(with_images, ("real",)) == ["real CT", "real T1"]
    unlabelled = replace(with_images, rows=None)
    assert input_names(unlabelled) == ["real CT", "real T1"]
    with pytest.raises(UsageError, match="no label map"):
        painted(unlabelled, "T1")


def test_a_real_image_and_its_answers_are_untouched():
    subject = box_subject(("T1", "CT"))
    case = case_of(subject, "real CT")
    assert case.modality == "ct"
    np.testing.assert_array_equal(case.volume.array, 1000 * subject.images["CT"].float().numpy())
    assert torch.equal(case.targets["T1"][0], subject.images["T1"].float())
    distance = (subject.distance.float() - DISTANCE_OFFSET) / DISTANCE_SCALE
    assert torch.allclose(case.targets["distance"], distance.clamp(-3, 3))
    voxels = torch.stack(torch.meshgrid(*(torch.arange(n) for n in subject.shape), indexing="ij")).float()
    assert torch.allclose(100 * case.targets["registration"], voxels - 19, atol=0.02)
    truth = np.array(COMPACT_40.ids)[case.targets["segmentation"].numpy()]
    assert (truth[9, 15, 15], truth[25, 15, 15], truth[20, 15, 15]) == (2, 42, 24)
    assert case.brain.sum() == np.isin(truth, (2, 42, 24)).sum() > 0


def test_perfect_answers_have_perfect_numbers(predictor):
    subject = box_subject()
    for kind in ("T1", "CT"):
        case = case_of(subject, f"synthetic {kind}")
        pair = compared(predictor, case, predictor.predict(case.volume, modality="mr"))
        perfect = numbers(score(replace(pair, made=pair.truth)))
        assert perfect["seg", "mean Dice"] == perfect["seg", "Dice Left-Cerebral-White-Matter"] == 1
        assert perfect["seg", "mean Dice of 33 classes"] == pytest.approx(4 / 33)
        for task, metric in perfect:
            if metric.startswith(("L1", "median", "norm-L2")):
                assert perfect[task, metric] == pytest.approx(0, abs=1e-3), (task, metric)
            if metric.startswith("SSIM"):
                assert perfect[task, metric] == pytest.approx(1), (task, metric)
        assert ("bias", "norm-L2 in brain") in perfect or kind == "CT"


def test_super_resolution_is_compared_in_the_units_of_the_sample(predictor):
    for kind in ("T1", "CT"):
        case = case_of(box_subject(), f"synthetic {kind}")
        prediction = predictor.predict(case.volume, modality=case.modality)
        window = prediction.conformed.intensity_high - prediction.conformed.intensity_low
        truth = compared(predictor, case, prediction).truth["highres"]
        right = (truth * case.scale - prediction.conformed.intensity_low) / window
        perfect = replace(prediction, maps={**prediction.maps, "highres": right})
        pair = compared(predictor, case, perfect)
        np.testing.assert_allclose(pair.made["highres"], pair.truth["highres"], atol=1e-5)


def test_every_input_is_measured_and_told(predictor):
    heard = Heard()
    subjects = [box_subject(("T1",)), replace(box_subject(), name="second")]
    rows = list(evaluate(predictor, subjects, heard))
    expected = [(s.name, name) for s in subjects for name in input_names(s)]
    assert list(dict.fromkeys((row.subject, row.input) for row in rows)) == expected
    assert [fraction for _, fraction in heard.stages] == sorted(fraction for _, fraction in heard.stages)
    assert {row.task for row in rows} == {"seg", "registration", "distance", "bias", *MAPS}
    assert {row.unit for row in rows} == {"", "mm", "100 mm", "dB", "HU"}
    assert all(np.isfinite(row.value) for row in rows)
    assert len({(row.subject, row.input, row.task, row.metric) for row in rows}) == len(rows)


MAPS = ("T1w", "T2w", "FLAIR", "CT", "highres")


def test_inputs_that_are_left_out_change_nothing_about_the_others(predictor):
    subject = box_subject(("T1", "CT"))
    kept = ["synthetic CT", "synthetic random-2", "real T1"]
    without = [name for name in input_names(subject) if name not in kept]
    heard = Heard()
    part = list(measure_subject(predictor, subject, heard, without=without))
    assert [measurement.case.input for measurement in part] == kept
    assert [row for measurement in part for row in measurement.rows] == [
        row for row in evaluate(predictor, [subject]) if row.input in kept
    ]
    assert all(0 <= fraction < 1 for _, fraction in heard.stages)


def test_inputs_of_a_subject_share_their_answers():
    cases = list(make_cases(box_subject(("T1", "CT"))))
    for name in ("segmentation", "distance", "registration", "T1", "CT"):
        assert len({id(case.targets[name]) for case in cases}) == 2, name  # painted and real
    assert len({id(case.targets["high_res_residual"]) for case in cases[:6]}) == 6


def test_without_labels_the_head_is_measured(predictor):
    subject = replace(box_subject(("T1", "CT")), rows=None, distance=None, atlas_mm=None)
    found = {row.metric for row in evaluate(predictor, [subject]) if row.task in ("T1w", "CT")}
    assert {"L1 in head", "SSIM in head", "SSIM"} <= found
    assert not any("brain" in metric for metric in found)
    mask = subject.images["T1"].numpy() > 0.5
    assert all(case.brain is mask for case in make_cases(subject, brain_mask=mask))


def test_a_structure_that_the_model_cannot_find_is_not_counted():
    truth = {LABELS: np.array([[[2, 41, 0]]])}
    made = {LABELS: np.array([[[2, 0, 0]]])}
    assert numbers(score(Pair("s", "i", made, truth)))["seg", "mean Dice"] == 0.5
    one_sided = numbers(score(Pair("s", "i", made, truth, known_ids=(0, 2))))
    assert one_sided == {("seg", "Dice Left-Cerebral-White-Matter"): 1, ("seg", "mean Dice"): 1}


def test_raw_heads_and_targets_become_the_same_maps():
    sample = generate(box_subject(), GeneratorOptions(shape=SHAPE, severities=(0.3,), paint_targets=True), 1)[0]
    outputs = {name: target[None] for name, target in sample.targets.items() if name != "segmentation"}
    channels = sample.targets["segmentation"]
    outputs["segmentation"] = torch.nn.functional.one_hot(channels, 40).movedim(-1, 0)[None].float()
    pair = compare_sample(outputs, sample, COMPACT_40, "boxes", "synthetic")
    made, truth = pair.made, pair.truth
    assert made.keys() == truth.keys() >= {LABELS, "T1w", "CT", "lp", "rw", "biasfield", "atlas_coordinates", "highres"}
    for name, array in truth.items():
        np.testing.assert_array_equal(made[name], array)
    assert truth["atlas_coordinates"].shape == (*SHAPE, 3) and truth["CT"].min() < -500
    assert pair.brain.sum() > 0 and numbers(score(pair))["seg", "mean Dice"] == 1


def test_a_picture_shows_each_result_above_its_target(predictor):
    case = next(iter(make_cases(box_subject(), ("synthetic",))))
    pair = compared(predictor, case, predictor.predict(case.volume))
    picture = draw_comparison(case.volume.array, pair.made, pair.truth, "boxes ü: T1")
    only_input = draw_comparison(case.volume.array, {}, {}, "")
    assert picture.width > 8 * only_input.width / 2 and np.asarray(picture).std() > 5
    assert draw_comparison(case.volume.array, pair.made, {}, "no truth").width == picture.width


ROWS = [
    Row("a", "synthetic T1", "seg", "mean Dice", 0.5),
    Row("b", "synthetic T1", "seg", "mean Dice", 0.7),
    Row("a", "synthetic CT", "seg", "mean Dice", 0.3),
    Row("a", "synthetic T1", "seg", "Dice Left-Thalamus", 0.25),
    Row("a", "real T1", "CT", "L1 in brain", 41.26, "HU"),
]


def test_summaries_by_hand():
    found = {(item.input, item.metric): item for item in summarise(ROWS)}
    one = found["synthetic T1", "mean Dice"]
    assert (one.mean, one.count) == (pytest.approx(0.6), 2) and one.sd == pytest.approx(0.1414, abs=1e-4)
    assert found["all synthetic", "mean Dice"].count == 3
    assert ("all real", "L1 in brain") not in found
    assert found["real T1", "L1 in brain"].sd is None


def test_tables_for_programs_and_people(tmp_path):
    write_csv(tmp_path / "results.csv", ROWS)
    with (tmp_path / "results.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert lines[-1] == {
        "subject": "a",
        "input": "real T1",
        "task": "CT",
        "metric": "L1 in brain",
        "value": "41.26",
        "unit": "HU",
    }
    text = to_markdown(ROWS)
    assert "| synthetic T1 | 0.600 ± 0.141 (2) |" in text
    assert "| input | L1 in brain, HU |" in text and "| real T1 | 41.3 (1) |" in text
    assert text.index("all synthetic") > text.index("synthetic CT")
    assert "| Left-Thalamus | 0.250 |" in text
