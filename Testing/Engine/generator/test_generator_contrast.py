"""Painting: what is drawn, that it repeats, and that it equals the published tables."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.contrast import (
    Contrast,
    ContrastRanges,
    paint,
    paint_values,
    sample_contrast,
    soften,
    without_background,
)
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.labels import brainfm_scheme, freesurfer_scheme
from BrainFMEngine.generator.presets import PRESETS, target_values
from BrainFMEngine.generator.record import from_record, to_record

RANDOM = ContrastRanges(kind="random")


@pytest.fixture
def rows(rng) -> torch.Tensor:
    return torch.from_numpy(rng.integers(0, len(freesurfer_scheme()), (20, 18, 16)).astype(np.uint8))


@pytest.fixture
def boxes() -> torch.Tensor:
    scheme = freesurfer_scheme()
    rows = torch.zeros(28, 24, 24, dtype=torch.uint8)
    rows[4:12, 4:20, 4:20], rows[12:24, 4:20, 4:20] = scheme.row(2), scheme.row(515)
    return rows


def draw(seed: int, ranges: ContrastRanges = RANDOM, scheme=None) -> Contrast:
    return sample_contrast(Draws.from_seed(seed), scheme or freesurfer_scheme(), ranges)


def test_random_means_and_stds_are_uniform_in_their_ranges():
    ranges = replace(RANDOM, class_probability=0, tissue_probability=0)
    contrasts = [draw(seed, ranges) for seed in range(300)]
    for name, (low, high) in (("mean", ranges.mean), ("std", ranges.std)):
        values = np.array([getattr(contrast, name)[1:50] for contrast in contrasts])
        assert low <= values.min() and values.max() <= high
        counts = np.histogram(values[:, :15], 8, (low, high))[0] / values[:, :15].size
        assert np.abs(counts - 1 / 8).max() < 0.015


def test_left_and_right_share_a_gaussian_in_every_kind():
    scheme = freesurfer_scheme()
    for kind in ("random", *PRESETS):
        for seed in range(6):
            contrast = draw(seed, ContrastRanges(kind=kind))
            assert np.array_equal(contrast.mean, contrast.mean[scheme.partner])
            assert np.array_equal(contrast.std, contrast.std[scheme.partner])


def test_larger_groups_are_drawn_as_often_as_asked():
    ranges = replace(RANDOM, class_probability=0.3, tissue_probability=0.2)
    contrasts = [draw(seed, ranges) for seed in range(400)]
    share = {name: np.mean([c.grouping == name for c in contrasts]) for name in ("structure", "class", "tissue")}
    assert share == pytest.approx({"structure": 0.5, "class": 0.3, "tissue": 0.2}, abs=0.07)
    scheme = freesurfer_scheme()
    hippocampus, amygdala, caudate = (scheme.row(label) for label in (17, 18, 11))
    for contrast in contrasts:
        assert (contrast.mean[hippocampus] == contrast.mean[amygdala]) == (contrast.grouping != "structure")
        assert (contrast.mean[hippocampus] == contrast.mean[caudate]) == (contrast.grouping == "tissue")


def test_presets_are_drawn_as_often_as_asked():
    kinds = [draw(seed, ContrastRanges(preset_probability=0.6)).kind for seed in range(400)]
    assert np.mean([kind != "random" for kind in kinds]) == pytest.approx(0.6, abs=0.08)
    assert set(kinds) == {"random", *PRESETS}


def test_backgrounds():
    random = [draw(seed) for seed in range(300)]
    names = [contrast.background for contrast in random]
    assert np.mean([name == "zero" for name in names]) == pytest.approx(0.5, abs=0.1)
    assert set(names) == {"zero", "noise", "bright"}
    air = freesurfer_scheme().row(501)
    for contrast in random + [draw(seed, ContrastRanges(kind="t2")) for seed in range(30)]:
        assert contrast.mean[air] == contrast.mean[0]
        if contrast.background == "zero":
            assert contrast.mean[0] == 0 and contrast.std[0] == 0
        if contrast.background == "noise":
            assert contrast.mean[0] <= 15
        assert contrast.background != "bright" or contrast.kind == "random"


def test_same_draw_same_bits_other_seed_other_image(rows):
    for kind in ("random", "t1", "ct"):
        ranges = ContrastRanges(kind=kind)
        first, again, other = (paint(rows, draw(seed, ranges)) for seed in (1, 1, 2))
        assert torch.equal(first, again) and not torch.equal(first, other)
        assert torch.equal(first, paint(rows, draw(1, ranges)))


def test_a_contrast_survives_its_record(rows):
    for kind in ("random", "flair", "ct"):
        contrast = draw(4, ContrastRanges(kind=kind))
        read = from_record(Contrast, json.loads(json.dumps(to_record(contrast))))
        assert torch.equal(paint(rows, read), paint(rows, contrast))


def test_voxels_follow_the_gaussian_of_their_row():
    scheme = freesurfer_scheme()
    contrast = replace(draw(3), soften_voxels=0.0)
    row = int(np.argmax(contrast.mean))
    image = paint(torch.full((32, 32, 32), row, dtype=torch.uint8), contrast)
    assert image.mean().item() == pytest.approx(float(contrast.mean[row]), abs=0.5)
    assert image.std().item() == pytest.approx(float(contrast.std[row]), rel=0.03)
    assert len(contrast.mean) == len(scheme)


def test_patches_have_the_std_that_is_asked_for():
    contrast = draw(3, ContrastRanges(kind="t1"))
    texture = np.full_like(contrast.mean, 20)
    contrast = replace(contrast, mean=texture * 10, std=texture * 0, texture=texture, soften_voxels=0.0)
    image = paint(torch.ones(40, 40, 40, dtype=torch.uint8), contrast)
    assert image.std().item() == pytest.approx(20, rel=0.12)
    assert (image[1:] - image[:-1]).std().item() < 12


def test_images_are_not_negative_and_ct_keeps_to_its_window(boxes):
    for kind in ("random", *PRESETS):
        for seed in range(5):
            image = paint(boxes, draw(seed, ContrastRanges(kind=kind)))
            assert image.dtype == torch.float32 and image.min() >= 0
            assert kind != "ct" or image.max() <= 255


def test_ct_bone_is_saturated_and_air_black(boxes):
    image = paint(boxes, draw(0, ContrastRanges(kind="ct")))
    assert image[15:21, 8:16, 8:16].min() == 255
    assert image[:3].max() == 0 and 60 < image[7:9, 8:16, 8:16].mean() < 130


def test_a_mask_leaves_exact_zeros(boxes):
    contrast = without_background(draw(1, ContrastRanges(kind="t1")))
    mask = boxes == freesurfer_scheme().row(2)
    image = paint(boxes, contrast, mask)
    assert (image[~mask] == 0).all() and (image[mask] > 0).any()
    assert contrast.mean[0] == 0 and contrast.background == "zero"


def test_softening_mixes_neighbours_and_keeps_constants():
    image = torch.full((12, 11, 10), 7.0)
    assert torch.allclose(soften(image, 0.6), image, atol=1e-5)
    assert soften(image, 0.0) is image
    image = torch.zeros(12, 12, 12)
    image[6:] = 100
    blurred = soften(image, 0.5)
    assert 0 < blurred[5, 6, 6] < 50 < blurred[6, 6, 6] < 100
    assert blurred[0, 6, 6] == 0 and blurred[11, 6, 6] == pytest.approx(100, rel=1e-5)


def test_nominal_targets_are_painted_by_row(boxes):
    values = target_values("CT", freesurfer_scheme())
    image = paint_values(boxes, values)
    assert image.dtype == torch.float32
    assert image[0, 0, 0] == -1 and image[5, 5, 5] == pytest.approx(0.03) and image[20, 10, 10] == pytest.approx(1.1)


def test_brainfm_maps_are_painted_with_partial_volume():
    scheme = brainfm_scheme()
    contrast = draw(2, scheme=scheme)
    half, white, grey = scheme.row(175), scheme.row(2), scheme.row(3)
    assert contrast.mean[half] == pytest.approx((contrast.mean[white] + contrast.mean[grey]) / 2, rel=1e-5)
    expected = np.sqrt((contrast.std[white] ** 2 + contrast.std[grey] ** 2) / 2)
    assert contrast.std[half] == pytest.approx(expected, rel=1e-5)


def test_wrong_ranges_are_refused():
    for wrong in (
        {"kind": "t3"},
        {"preset_probability": 1.5},
        {"background_zero_probability": 0.9, "background_bright_probability": 0.3},
        {"mean": (200.0, 25.0)},
    ):
        with pytest.raises(UsageError):
            ContrastRanges(**wrong)


@pytest.mark.golden
@pytest.mark.parametrize("case", ["plain", "photo"])
def test_partial_volume_rows_mix_as_the_published_generator_does(golden_dir, case):
    data = np.load(golden_dir / "ops" / "contrast.npz")
    mean, std = 25 + 200 * data[f"{case}_uniform_means"], 5 + 20 * data[f"{case}_uniform_stds"]
    if data[f"{case}_background_zeroed"]:
        mean[0] = 0
    scheme = brainfm_scheme()
    mean, std = scheme.mix(mean[scheme.ids], std[scheme.ids])
    np.testing.assert_allclose(mean, data[f"{case}_mu"][scheme.ids], rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(std, data[f"{case}_sigma"][scheme.ids], rtol=1e-5, atol=1e-3)
