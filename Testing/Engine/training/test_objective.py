"""The objective: which terms a sample gives, where they count, and what hidden tissue does to them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from boxes import SHAPE, box_subject
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.contrast import ContrastRanges
from BrainFMEngine.generator.generator import Sample, generate
from BrainFMEngine.generator.parameters import GeneratorOptions
from BrainFMEngine.training import losses
from BrainFMEngine.training.ages import read_ages, with_age
from BrainFMEngine.training.finish_samples import finish_samples
from BrainFMEngine.training.objective import (
    batch_terms,
    neighbour_terms,
    objective_terms,
    sum_terms,
    value_terms,
    weighted_sum,
)
from BrainFMEngine.training.recipe_options import DataOptions, ObjectiveOptions
from BrainFMEngine.training.terms import TERMS

PUBLISHED = ObjectiveOptions(
    {
        "T1": 1.0,
        "T1_grad": 1.0,
        "CT": 1.0,
        "CT_soft": 1.0,
        "CT_bone": 1.0,
        "registration": 1.0,
        "seg_ce": 1.0,
        "seg_dice": 1.0,
    }
    | {"bias_field_log": 1.0, "distance": 1.0}
)
CHANNELS = {"T1": 1, "CT": 1, "registration": 3, "segmentation": 40, "bias_field_log": 1, "distance": 4}
AGES_FILE = "participant age\nboxes 41.5\nother\t7\n"


@pytest.fixture(scope="module")
def sample() -> Sample:
    options = GeneratorOptions(SHAPE, severities=(0.5,), contrast=ContrastRanges(kind="random"))
    return generate(box_subject(("T1", "CT")), options, 4)[0]


@pytest.fixture(scope="module")
def outputs() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    return {name: torch.randn(1, channels, *SHAPE, generator=generator) for name, channels in CHANNELS.items()}


def test_terms_are_those_of_the_recipe_the_network_and_the_sample(sample, outputs):
    terms = objective_terms(outputs, sample, PUBLISHED)
    assert set(terms) == set(PUBLISHED.weights)
    assert set(objective_terms({"T1": outputs["T1"]}, sample, PUBLISHED)) == {"T1", "T1_grad"}
    poor = replace(sample, targets={"T1": sample.targets["T1"]})
    assert set(objective_terms(outputs, poor, PUBLISHED)) == {"T1", "T1_grad"}
    assert set(objective_terms(outputs, sample, ObjectiveOptions({"T1": 1.0, "CT": 0.0}))) == {"T1"}
    assert all(term.shape == () and term.dtype == torch.float32 for term in terms.values())


def test_voxelwise_terms_and_terms_of_neighbours_are_told_apart(sample, outputs):
    gaps = tuple(slice(1, None, 2) for _ in range(3))
    part = {name: output[(..., *gaps)] for name, output in outputs.items()}
    assert set(value_terms(part, sample.part(gaps), PUBLISHED)) == {n for n in PUBLISHED.weights if n != "T1_grad"}
    block = (slice(3, 19), slice(0, 16), slice(8, 24))
    part = {name: output[(..., *block)] for name, output in outputs.items()}
    assert set(neighbour_terms(part, sample.part(block), PUBLISHED)) == {"T1_grad"}


def test_published_formulas(sample, outputs):
    terms = objective_terms(outputs, replace(sample, visible=None), PUBLISHED)
    targets, log_probability = sample.targets, outputs["segmentation"][0].log_softmax(0)
    assert terms["T1"] == losses.l1(outputs["T1"][0], targets["T1"])
    assert terms["seg_ce"] == losses.cross_entropy(log_probability, targets["segmentation"], 1 / 40)
    assert terms["seg_dice"] == losses.soft_dice(log_probability.exp(), targets["segmentation"])
    head = sample.head.float()
    assert terms["bias_field_log"] == losses.l2(outputs["bias_field_log"][0], targets["bias_field_log"], head)


def test_weights_as_divisor_give_a_mean_over_what_counts(sample, outputs):
    options = replace(PUBLISHED, air_weights={"registration": 0.0, "T1": 0.2}, average="weights")
    terms = objective_terms(outputs, replace(sample, visible=None), options)
    error = (outputs["registration"][0] - sample.targets["registration"]).abs()
    assert terms["registration"] == pytest.approx(float(error[:, sample.head].mean()), rel=1e-5)
    error, weight = (outputs["T1"][0] - sample.targets["T1"]).abs(), 0.2 + 0.8 * sample.head
    assert terms["T1"] == pytest.approx(float((error * weight).sum() / weight.sum()), rel=1e-5)


def test_soft_tissue_of_a_ct_is_counted_on_its_own(sample, outputs):
    target = torch.full_like(sample.targets["CT"], -1.0)
    target[:, 12:20], target[:, 20:] = 0.05, 0.6
    head = torch.ones(SHAPE, dtype=torch.bool)
    head[:14] = False
    scan = replace(sample, targets={"CT": target}, head=head, visible=None)
    term = objective_terms(outputs, scan, PUBLISHED)["CT_soft"]
    assert term == pytest.approx(float((outputs["CT"][0, :, 14:20] - 0.05).abs().mean()), rel=1e-5)
    air = replace(scan, targets={"CT": target.clamp(max=-1.0)})
    assert objective_terms(outputs, air, PUBLISHED)["CT_soft"] == 0


def test_bone_of_a_ct_is_counted_on_its_own(sample, outputs):
    target = torch.full_like(sample.targets["CT"], 0.05)
    target[:, 20:] = 0.6
    scan = replace(sample, targets={"CT": target}, head=torch.ones(SHAPE, dtype=torch.bool), visible=None)
    term = objective_terms(outputs, scan, PUBLISHED)["CT_bone"]
    assert term == pytest.approx(float((outputs["CT"][0, :, 20:] - 0.6).abs().mean()), rel=1e-5)
    soft = replace(scan, targets={"CT": target.clamp(max=0.05)})
    assert objective_terms(outputs, soft, PUBLISHED)["CT_bone"] == 0


def test_hidden_tissue_does_not_count_for_the_heads_that_are_named(sample, outputs):
    visible = torch.ones(SHAPE, dtype=torch.bool)
    visible[:10] = False
    hidden = replace(sample, visible=visible)
    worse = {name: output + 9.0 * ~visible for name, output in outputs.items()}
    worse["segmentation"] = outputs["segmentation"].clone()
    worse["segmentation"][:, 3, :10] += 9
    every = replace(PUBLISHED, visible_heads=tuple(CHANNELS))
    for options, safe in (
        (PUBLISHED, {"T1", "CT", "CT_soft", "CT_bone"}),
        (every, set(PUBLISHED.weights) - {"T1_grad"}),
    ):
        before, after = (objective_terms(out, hidden, options) for out in (outputs, worse))
        same = {name for name in before if torch.isclose(before[name], after[name], rtol=1e-5)}
        assert safe <= same
        assert options is every or "registration" not in same


def test_a_sample_that_is_hidden_altogether_gives_no_loss_and_no_nan(sample, outputs):
    options = replace(PUBLISHED, visible_heads=tuple(CHANNELS), average="weights", dice_classes="present")
    nothing = replace(sample, visible=torch.zeros(SHAPE, dtype=torch.bool), head=torch.zeros(SHAPE, dtype=torch.bool))
    terms = objective_terms(outputs, nothing, options)
    assert all(torch.isfinite(term) for term in terms.values()), terms


def test_samples_are_summed_and_weighted(sample, outputs):
    terms = objective_terms(outputs, sample, PUBLISHED)
    total = sum_terms([terms, {"T1": terms["T1"]}])
    assert total["T1"] == 2 * terms["T1"] and total["distance"] == terms["distance"]
    options = replace(PUBLISHED, weights={**PUBLISHED.weights, "T1": 5.0})
    difference = weighted_sum(terms, options) - weighted_sum(terms, PUBLISHED)
    assert difference == pytest.approx(4 * float(terms["T1"]), rel=1e-4)
    with pytest.raises(UsageError, match="no target"):
        weighted_sum({}, PUBLISHED)


def test_contrastive_term_is_the_mean_over_pairs():
    generator = torch.Generator().manual_seed(2)
    features = [torch.randn(1, 8, 4, 4, 4, generator=generator) for _ in range(3)]
    options = ObjectiveOptions({"contrastive": 1.0})
    pairs = [batch_terms([features[a], features[b]], options)["contrastive"] for a, b in ((0, 1), (0, 2), (1, 2))]
    assert batch_terms(features, options)["contrastive"] == pytest.approx(float(torch.stack(pairs).mean()))
    assert batch_terms(features, PUBLISHED) == {} and batch_terms(features[:1], options) == {}


def test_another_number_of_channels_is_refused(sample, outputs):
    with pytest.raises(UsageError, match="distance"):
        objective_terms({"distance": outputs["distance"][:, :2]}, sample, PUBLISHED)


def test_every_kind_of_term_is_finite_and_has_a_gradient(sample):
    targets = {**sample.targets, "pathology": sample.head[None].float(), "age": torch.tensor(40.0)}
    targets |= {name: targets["T1"] for name in ("T2", "FLAIR", "image", "high_res_residual")}
    options = ObjectiveOptions(dict.fromkeys(TERMS, 1.0))
    names = {TERMS[name].heads[0] for name in TERMS}
    channels = CHANNELS | {"age": 0}
    shapes = {name: (1, channels.get(name, 1), *SHAPE) if name != "age" else (1,) for name in names}
    outputs = {name: torch.randn(shape, requires_grad=True) for name, shape in shapes.items()}
    terms = objective_terms(outputs, replace(sample, targets=targets), options)
    assert set(terms) == set(TERMS)
    weighted_sum(terms, options).backward()
    assert all(torch.isfinite(output.grad).all() and output.grad.abs().sum() > 0 for output in outputs.values())


def test_a_left_hemisphere_has_nothing_to_its_right():
    options = GeneratorOptions(SHAPE, severities=(0.5,), protocol="brainfm-left-18")
    (whole,) = generate(box_subject(("T1", "CT")), options, 6)
    (half,) = finish_samples([whole], DataOptions(hemisphere="left"))
    assert half.head.any() and half.head.sum() < whole.head.sum()
    assert half.targets["distance"].shape == (2, *SHAPE)
    assert torch.equal(half.targets["segmentation"] > 0, half.head)
    assert half.image[:, ~half.head].abs().max() == 0 and torch.all(half.targets["CT"][:, ~half.head] == -1)
    assert torch.all(half.targets["registration"][0][half.head] < 0)
    unlabelled = replace(whole, targets={"T1": whole.targets["T1"]})
    with pytest.raises(UsageError, match="boxes"):
        finish_samples([unlabelled], DataOptions(hemisphere="left"))


def test_ages_are_read_and_given_to_the_samples_of_known_subjects(sample, tmp_path):
    path = tmp_path / "ages.txt"
    path.write_text(AGES_FILE)
    ages = read_ages(path)
    assert ages == {"boxes": 41.5, "other": 7.0}
    (known,) = finish_samples([sample], DataOptions(), ages)
    assert known.targets["age"] == 41.5
    term = objective_terms({"age": torch.tensor([-40.0])}, known, ObjectiveOptions({"age": 1.0}))["age"]
    assert term == pytest.approx(1.5)
    assert "age" not in with_age(sample, {"other": 7.0}).targets
    for wrong in ("a 1\nb old\n", "a 1\na 2\n", "a 1\nb -3\n"):
        path.write_text(wrong)
        with pytest.raises(UsageError, match="line 2"):
            read_ages(path)


@pytest.mark.parametrize(
    "values, word",
    [
        ({"weights": {"T1_gard": 1.0}}, "T1_grad"),
        ({"weights": {"T1": -1.0}}, "T1"),
        ({"weights": {"T1": float("nan")}}, "T1"),
        ({"weights": {}}, "no term"),
        ({"weights": {"T1": 1.0}, "air_weights": {"skull": 0.0}}, "skull"),
    ],
)
def test_an_impossible_objective_is_refused(values, word):
    with pytest.raises(UsageError, match=word):
        ObjectiveOptions(**values)
