"""Lesions: of plausible size, in the brain only, with the sign of the contrast, and off by default."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.pathology import (
    Pathology,
    PathologyRanges,
    encode,
    grow_lesion,
    lesion_mask,
    lesion_probability,
    sample_pathology,
)
from BrainFMEngine.generator.record import from_record, to_record

SHAPE = (48, 48, 48)
SPACING_MM = 3.0
ALWAYS = PathologyRanges(probability=1.0)


def drawn(seed: int, ranges: PathologyRanges = ALWAYS) -> Pathology:
    pathology = sample_pathology(Draws.from_seed(seed), ranges)
    assert pathology is not None
    return pathology


@pytest.fixture(scope="module")
def inside() -> torch.Tensor:
    """An ellipsoid of about 0.8 litres with a hole for the ventricles."""
    x, y, z = torch.meshgrid(*[torch.linspace(-1, 1, size) for size in SHAPE], indexing="ij")
    brain = (x / 0.8) ** 2 + (y / 0.9) ** 2 + (z / 0.75) ** 2 < 1
    return brain & ((x / 0.25) ** 2 + (y / 0.4) ** 2 + (z / 0.2) ** 2 > 1)


@pytest.fixture(scope="module")
def image(inside) -> torch.Tensor:
    return torch.where(inside, 100.0, 30.0)


def test_off_by_default_and_bit_identical(inside, image):
    for seed in range(20):
        assert sample_pathology(Draws.from_seed(seed), PathologyRanges()) is None
    none = lesion_probability(None, SHAPE, inside, SPACING_MM)
    assert none.shape == SHAPE and not none.any()
    assert torch.equal(encode(image, none, None, "T1"), image)


def test_off_and_on_use_the_same_random_numbers():
    off, on = Draws.from_seed(3), Draws.from_seed(3)
    assert sample_pathology(off, PathologyRanges()) is None
    assert sample_pathology(on, ALWAYS) is not None
    assert off.level.uniform() == on.level.uniform()
    assert off.pattern.uniform() == on.pattern.uniform()


@pytest.mark.parametrize("seed", range(8))
def test_probability_stays_inside_and_reaches_one(inside, seed):
    probability = lesion_probability(drawn(seed), SHAPE, inside, SPACING_MM)
    assert probability.shape == SHAPE and probability.dtype == torch.float32
    assert 0 <= probability.min() and probability.max() == pytest.approx(1)
    assert not probability[~inside].any()


def test_volumes_are_those_of_lesions(inside):
    volumes = []
    for seed in range(30):
        pathology = drawn(seed)
        mask = lesion_mask(lesion_probability(pathology, SHAPE, inside, SPACING_MM), pathology)
        volumes.append(int(mask.sum()) * SPACING_MM**3 / 1000)
    assert 0.1 <= min(volumes) and max(volumes) <= 150
    assert 1 < np.median(volumes) < 20


def test_volume_in_millilitres_does_not_hang_on_the_grid():
    pathology = replace(drawn(1), radius_mm=20.0, place=0.5)
    volumes = []
    for spacing_mm, size in ((4.0, 25), (2.0, 49)):
        everywhere = torch.ones(size, size, size, dtype=torch.bool)
        probability = lesion_probability(pathology, everywhere.shape, everywhere, spacing_mm)
        volumes.append(float(probability.sum()) * spacing_mm**3)
    assert volumes[0] == pytest.approx(volumes[1], rel=0.1)


@pytest.mark.parametrize("seed", range(12))
def test_growth_stays_in_the_box(seed):
    ranges = PathologyRanges(probability=1, growth_probability=1, growth_steps=(10, 10))
    lesion = grow_lesion(drawn(seed, ranges))
    assert lesion.min() > -1e-4 and lesion.max() == 1
    assert max(lesion.select(axis, face).abs().max() for axis in range(3) for face in (1, -2)) < 0.05


def test_growth_changes_the_shape():
    pathology = replace(drawn(2), growth_steps=0)
    assert (grow_lesion(pathology) - grow_lesion(replace(pathology, growth_steps=8))).abs().max() > 0.2


@pytest.mark.parametrize(("kind", "sign"), [("T1", -1), ("CT", -1), ("T2", 1), ("FLAIR", 1), ("flair", 1)])
def test_sign_follows_the_contrast(inside, image, kind, sign):
    pathology = replace(drawn(4), noise_std=0.0)
    probability = lesion_probability(pathology, SHAPE, inside, SPACING_MM)
    change = encode(image, probability, pathology, kind) - image
    expected = sign * pathology.intensity * 100
    assert change[probability == 1].mean() == pytest.approx(expected, rel=1e-4)
    assert (sign * change >= 0).all()


@pytest.mark.parametrize("as_tensor", [False, True])
def test_sign_of_random_contrast_follows_grey_and_white(inside, image, as_tensor):
    pathology = replace(drawn(4), noise_std=0.0)
    probability = lesion_probability(pathology, SHAPE, inside, SPACING_MM)
    for brighter in (True, False):
        flag = torch.tensor(brighter) if as_tensor else brighter
        like = encode(image, probability, pathology, "T2" if brighter else "T1")
        assert torch.equal(encode(image, probability, pathology, "random", flag), like)


def test_sign_rule_overrides_the_contrast(inside, image):
    pathology = replace(drawn(4), sign_rule="brighter")
    probability = lesion_probability(pathology, SHAPE, inside, SPACING_MM)
    assert (encode(image, probability, pathology, "CT") - image).sum() > 0


def test_image_is_untouched_outside_the_lesion_and_never_negative(inside, image):
    pathology = replace(drawn(6), intensity=1.0, noise_std=30.0)
    probability = lesion_probability(pathology, SHAPE, inside, SPACING_MM)
    result = encode(image, probability, pathology, "T1")
    assert torch.equal(result[probability == 0], image[probability == 0])
    assert result.min() >= 0 and image.min() == 30


def test_deterministic_and_replayed_from_a_record(inside, image):
    pathology = drawn(7)
    again = from_record(Pathology, json.loads(json.dumps(to_record(pathology))))
    probability = lesion_probability(pathology, SHAPE, inside, SPACING_MM)
    assert torch.equal(lesion_probability(again, SHAPE, inside, SPACING_MM), probability)
    assert torch.equal(encode(image, probability, again, "T2"), encode(image, probability, pathology, "T2"))
    assert not torch.equal(lesion_probability(drawn(8), SHAPE, inside, SPACING_MM), probability)


def test_place_counts_through_the_brain():
    inside = torch.zeros(24, 24, 24, dtype=torch.bool)
    inside[3, 4, 5] = inside[20, 4, 5] = inside[20, 19, 18] = True
    for place, voxel in ((0.0, (3, 4, 5)), (0.4, (20, 4, 5)), (0.99, (20, 19, 18))):
        probability = lesion_probability(replace(drawn(1), place=place), inside.shape, inside)
        assert probability[voxel] == pytest.approx(1)


def test_no_brain_no_lesion():
    nothing = torch.zeros(24, 24, 24, dtype=torch.bool)
    pathology = drawn(0)
    probability = lesion_probability(pathology, nothing.shape, nothing)
    assert not probability.any() and not lesion_mask(probability, pathology).any()
    image = torch.rand(24, 24, 24)
    assert torch.equal(encode(image, probability, pathology, "T1"), image)


@pytest.mark.parametrize(
    "wrong",
    [
        {"probability": 1.5},
        {"percentile": (90.0, 80.0)},
        {"percentile": (90.0, 100.0)},
        {"cells": 0},
        {"radius_mm": (0.0, 5.0)},
        {"growth_steps": (3, 1)},
        {"velocity": -1.0},
    ],
)
def test_ranges_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UsageError):
        PathologyRanges(**wrong)


def test_unknown_kind_and_wrong_mask_are_explained(inside, image):
    pathology = drawn(0)
    with pytest.raises(UsageError, match="flairr"):
        encode(image, torch.zeros(SHAPE), pathology, "flairr")
    with pytest.raises(UsageError, match="does not fit"):
        lesion_probability(pathology, (8, 8, 8), inside)
