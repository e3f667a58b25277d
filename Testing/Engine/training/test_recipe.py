"""Recipes: every shipped one is complete and can be trained; files come back as they were or are refused."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from boxes import SHAPE, box_subject
from BrainFMEngine.anatomy.protocols import COMPACT_40
from BrainFMEngine.errors import FileAccessError, UsageError
from BrainFMEngine.generator.contrast import ContrastRanges
from BrainFMEngine.generator.generator import Sample, generate
from BrainFMEngine.network.build import build_network
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.training.finish_samples import finish_samples
from BrainFMEngine.training.objective import batch_terms, objective_terms, sum_terms, weighted_sum
from BrainFMEngine.training.recipe import (
    Recipe,
    adopt_backbone,
    recipe_from_json,
    recipe_from_text,
    recipe_hash,
    recipe_to_json,
    with_values,
)
from BrainFMEngine.training.recipe_batch import draw_subject, make_recipe_batch
from BrainFMEngine.training.recipe_options import DataOptions
from BrainFMEngine.training.recipe_presets import PRESETS
from BrainFMEngine.training.recipes import ALIASES, RECIPES, named_recipe

SHIPPED = [(name, preset) for name in RECIPES for preset in PRESETS]
CONTRASTS = ("T1", "T2", "FLAIR", "CT")


@cache
def shipped(name: str, preset: str) -> Recipe:
    return named_recipe(name, preset)


def tiny(recipe: Recipe) -> Recipe:
    """The same heads and terms on a network and samples that cost nothing."""
    age_size = None if recipe.network.age_size is None else SHAPE
    generator = replace(
        recipe.generator,
        shape=SHAPE,
        real_input_probability=0.0,
        contrast=ContrastRanges(kind="random"),
        severities=(0.5,) * min(2, recipe.samples),
    )
    network = replace(recipe.network, f_maps=8, num_levels=2, age_size=age_size)
    return replace(recipe, network=network, generator=generator, samples=min(2, recipe.samples))


def samples_of(recipe: Recipe) -> list[Sample]:
    samples = generate(box_subject(CONTRASTS), recipe.generator, 3)
    return finish_samples(samples, recipe.data, {"boxes": 50.0} if recipe.needs_ages else None)


@pytest.mark.parametrize("name, preset", SHIPPED)
def test_a_shipped_recipe_builds_its_network(name, preset):
    recipe = shipped(name, preset)
    with torch.device("meta"):
        network = build_network(recipe.network.config())
    named = dict(network.named_parameters())
    assert all(f"head.final_conv_{head}.weight" in named for head in recipe.network.heads)
    assert (recipe.name, recipe.preset) == (name, preset)


@pytest.mark.parametrize("name, preset", SHIPPED)
def test_a_shipped_recipe_gives_all_its_terms_and_trains_all_its_weights(name, preset):
    recipe = tiny(shipped(name, preset))
    torch.manual_seed(1)
    network = build_network(recipe.network.config())
    terms, features = [], []
    for sample in samples_of(recipe):
        outputs = network(sample.image[None])
        features.append(outputs["features"][-1])
        terms.append(objective_terms(outputs, sample, recipe.objective))
    total = sum_terms(terms) | batch_terms(features, recipe.objective)
    assert set(total) == set(recipe.objective.weights)
    objective = weighted_sum(total, recipe.objective)
    objective.backward()
    assert torch.isfinite(objective)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
    assert all(p.grad.abs().sum() > 0 for name, p in network.named_parameters() if name.startswith("head.final_conv"))


@pytest.mark.parametrize("name, preset", SHIPPED)
def test_a_recipe_comes_back_from_its_file(name, preset, tmp_path):
    recipe = shipped(name, preset)
    path = tmp_path / "recipe.json"
    path.write_text(recipe_to_json(recipe), encoding="utf-8")
    again = recipe_from_json(path)
    assert again == recipe
    assert recipe_hash(again) == recipe_hash(recipe)


def test_a_mini_batch_follows_from_the_state_of_its_generator():
    recipe = tiny(shipped("adapt-segmentation", "quick"))
    subjects = [box_subject(), box_subject(("T1",))]
    first, second, third = (make_recipe_batch(subjects, recipe, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert len(first) == recipe.samples
    assert torch.equal(first[0].image, second[0].image) and not torch.equal(first[0].image, third[0].image)
    low, high = recipe.data.severities
    assert all(low <= batch[0].parameters.severity <= high for batch in (first, third))


def test_subjects_with_scans_are_drawn_as_often_as_asked():
    subjects = [replace(box_subject(), name="painted"), replace(box_subject(("T1",)), name="real")]
    rng = np.random.default_rng(1)
    for probability, least, most in ((0.0, 0, 0), (0.2, 20, 60), (None, 70, 130), (1.0, 200, 200)):
        drawn = [draw_subject(subjects, DataOptions(real_probability=probability), rng).is_real for _ in range(200)]
        assert least <= sum(drawn) <= most
    assert not draw_subject(subjects[:1], DataOptions(real_probability=1.0), rng).is_real
    with pytest.raises(UsageError, match="no subject"):
        draw_subject([], DataOptions(), rng)


def test_published_hyper_parameters():
    joint, guided = shipped("brainfm", "paper"), shipped("brain-id", "paper")
    for recipe in (joint, guided):
        assert (recipe.network.f_maps, recipe.network.num_levels, recipe.samples) == (64, 5, 4)
        assert recipe.generator.shape == (128, 128, 128)
        assert (recipe.optimizer.learning_rate, recipe.optimizer.betas) == (1e-4, (0.9, 0.999))
        assert recipe.optimizer.weight_decay == 0 and recipe.schedule.gamma == 0.1
        assert set(recipe.objective.weights.values()) == {1.0}
    assert (guided.steps, guided.schedule.warm_up_steps, guided.schedule.drops) == (300_000, 2000, (160_000, 240_000))
    assert (joint.network.unit_features, guided.network.unit_features) == (True, False)
    assert (joint.generator.mixup.probability, guided.generator.mixup.probability) == (0.2, 0.0)
    assert guided.generator.real_input_probability == 0
    few = named_recipe("brainfm", "paper", subjects=10)
    assert (few.steps, few.schedule.warm_up_steps, few.schedule.drops) == (20_000, 50, (10_000, 16_000))
    assert named_recipe("adapt-segmentation", "paper", subjects=298).steps == 400 * 75


def test_compact_weighs_what_a_small_network_would_not_learn():
    recipe = shipped("brainfm", "compact")
    weights = recipe.objective.weights
    assert [weights[name] for name in ("T1", "T2", "FLAIR", "CT", "CT_soft", "CT_bone")] == [5, 8, 8, 4, 20, 4]
    assert (weights["registration"], weights["distance"]) == (12, 0.3)
    assert all(weights[name] == 1 for name in ("seg_ce", "seg_dice", "bias_field_log", "T1_grad", "CT_grad"))
    assert recipe.objective.air_weights["T2"] == 0.2
    rates = recipe.optimizer.head_rates
    assert set(rates) == set(recipe.network.heads) and min(rates.values()) > 10
    assert (recipe.network.f_maps, recipe.network.num_levels) == (16, 5)
    assert recipe.network.heads["segmentation"] == len(COMPACT_40.ids)
    assert recipe.generator.protocol == COMPACT_40.name


def test_variants_differ_in_what_they_should():
    adapted, scratch = shipped("adapt-super-resolution", "paper"), shipped("scratch-super-resolution", "paper")
    assert adapted.network.contrast_heads == ("high_res_residual",)
    assert replace(adapted, name=scratch.name, start=scratch.start) == scratch
    assert shipped("adapt-segmentation", "paper").network.contrast_heads == ()
    assert shipped("low-field", "paper").generator.corruption.resolution.low_field_probability == 1
    rigid = shipped("brain-age", "paper").generator.deformation
    assert (rigid.affine.shear, rigid.affine.scale, rigid.velocity.std_mm) == (0, 0, 0)
    assert shipped("hemisphere", "paper").data.hemisphere == "left"
    assert named_recipe("adapt", "paper") == shipped("adapt-reconstruction", "paper")
    assert set(ALIASES.values()) <= set(RECIPES)


def test_what_is_adapted_needs_a_model():
    with pytest.raises(UsageError, match="weights of a model"):
        shipped("adapt-segmentation", "paper").start.check()
    shipped("adapt-segmentation", "compact").start.check()
    shipped("scratch", "paper").start.check()
    released = NetworkConfig({"T1": 1}, f_maps=32, num_levels=6, unit_features=True)
    fitted = adopt_backbone(shipped("adapt-bias-field", "paper"), released).network
    assert (fitted.f_maps, fitted.num_levels, fitted.unit_features) == (32, 6, True)
    assert fitted.contrast_heads == ("bias_field_log",)


def test_single_values_can_be_changed():
    recipe = shipped("brainfm", "quick")
    changed = with_values(recipe, {"optimizer.learning_rate": 2e-3, "objective.weights.T1": 7, "steps": 5})
    assert (changed.optimizer.learning_rate, changed.objective.weights["T1"], changed.steps) == (2e-3, 7.0, 5)
    assert recipe_hash(changed) != recipe_hash(recipe)
    for path, nearest in (("optimizer.lerning_rate", "learning_rate"), ("optimiser.betas", "optimizer")):
        with pytest.raises(UsageError, match=nearest):
            with_values(recipe, {path: 1})


@pytest.mark.parametrize(
    "values, word",
    [
        ({"network.heads.segmentation": 33}, "compact-40"),
        ({"network.heads.pathology": 1}, "pathology"),
        ({"objective.weights.image": 1.0}, "image"),
        ({"optimizer.head_rates.image": 2.0}, "image"),
        ({"network.f_maps": 12}, "12"),
        ({"generator.shape": [2, 32, 32]}, "too small"),
        ({"generator.protocol": "compact"}, "compact"),
        ({"data.hemisphere": "left"}, "distance"),
        ({"data.severities": None, "samples": 3}, "severities"),
        ({"steps": 0}, "steps"),
        ({"ema_decay": 1.0}, "ema_decay"),
        ({"precision": "bf8"}, "bf16"),
        ({"network.age_size": [16, 16, 16]}, "age"),
    ],
)
def test_a_contradiction_is_refused(values, word):
    with pytest.raises(UsageError, match=word):
        with_values(shipped("brainfm", "quick"), values)


@pytest.mark.parametrize(
    "text, word",
    [
        ("[]", "table"),
        ('{"name": "x"', "JSON"),
        ('{"format_version": 2}', "format 2"),
        ('{"steps": NaN}', "NaN"),
        ("[" * 100_000, "JSON"),
        ('{"name": "x", "preset": "y"}', "lacks"),
        ('{"objectiv": {}}', "objective"),
    ],
)
def test_a_broken_recipe_is_refused(text, word):
    with pytest.raises(UsageError) as caught:
        recipe_from_text(text)
    assert word in str(caught.value)


def test_a_recipe_file_that_is_none(tmp_path):
    with pytest.raises(FileAccessError):
        recipe_from_json(tmp_path / "absent.json")
    path = tmp_path / "recipe.json"
    path.write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(UsageError, match="UTF-8"):
        recipe_from_json(path)
    path.write_text(json.dumps({"nam": "x"}))
    with pytest.raises(UsageError, match="recipe.json.*nam"):
        recipe_from_json(path)


def test_unknown_names_are_answered_with_the_nearest():
    for arguments, nearest in ((("brain-fm", "paper"), "brainfm"), (("brainfm", "papr"), "paper")):
        with pytest.raises(UsageError, match=nearest):
            named_recipe(*arguments)
    with pytest.raises(UsageError, match="0 subjects"):
        named_recipe("brainfm", "paper", subjects=0)
