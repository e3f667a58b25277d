"""Metrics: equal to the published ones, to scikit-image's, and to what can be told by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from BrainFMEngine.anatomy.protocols import BRAINID_33
from BrainFMEngine.evaluation.metrics import (
    dice_of_present,
    distance_errors_mm,
    l1,
    norm_l2,
    psnr,
    published_dice,
    registration_errors_mm,
    registration_l1,
)
from BrainFMEngine.evaluation.similarity import scaled, ssim, ssim_in


@pytest.fixture
def golden(golden_dir):
    """Published values: images lose their batch and channel axes."""
    with np.load(golden_dir / "ops" / "metrics.npz") as data:
        return {name: np.squeeze(data[name]) for name in data.files}


@pytest.mark.golden
def test_image_metrics_are_the_published_ones(golden):
    made, truth = golden["output"], golden["target"]
    assert l1(made, truth) == pytest.approx(golden["l1"], rel=1e-6)
    assert psnr(made, truth) == pytest.approx(golden["psnr"], rel=1e-6)
    assert norm_l2(golden["bias_est"], golden["bias_true"]) == pytest.approx(golden["norm_l2"], rel=1e-5)


@pytest.mark.golden
@pytest.mark.parametrize("sigma", ["0.5", "1.0", "1.5", "3.0"])
def test_ssim_is_the_published_one(golden, sigma):
    expected = golden[f"ssim_sigma{sigma}"]
    assert ssim(golden["output"], golden["target"], float(sigma)) == pytest.approx(expected, abs=1e-5)


@pytest.mark.golden
def test_dice_over_33_classes_is_the_published_one(golden):
    scores = published_dice(golden["label_output"], golden["label_target"], BRAINID_33.ids)
    np.testing.assert_allclose(scores, golden["dice_per_class"], atol=1e-6)
    assert scores.mean() == pytest.approx(golden["dice_mean_over_33"], rel=1e-5)


def test_ssim_in_a_region_is_that_of_scikit_image(rng):
    structural_similarity = pytest.importorskip("skimage.metrics").structural_similarity
    region = np.zeros((26, 25, 24), bool)
    region[3:24, 5:22, 4:20] = True
    region[:, 6, 7] = False
    truth = np.abs(rng.normal(size=region.shape)).astype(np.float32) * region
    made = truth + 0.5 * rng.normal(size=region.shape).astype(np.float32)
    box = (slice(3, 24), slice(5, 22), slice(4, 20))
    pair = [scaled(image * region)[box] for image in (made, truth)]
    expected = structural_similarity(*pair, data_range=1, full=True)[1][region[box]].mean()
    assert ssim_in(made, truth, region) == pytest.approx(expected, abs=1e-6)


def test_similarity_of_equal_and_of_small_volumes(rng):
    volume = rng.random((12, 13, 14)).astype(np.float32)
    everywhere = np.ones(volume.shape, bool)
    assert ssim(volume, volume) == pytest.approx(1)
    assert ssim_in(3 * volume, volume, everywhere) == pytest.approx(1)
    assert math.isnan(ssim(volume[:10], volume[:10]))
    assert math.isnan(ssim_in(volume, volume, np.zeros_like(everywhere)))
    assert math.isnan(ssim_in(volume[:6], volume[:6], everywhere[:6]))
    assert np.isfinite(ssim_in(np.zeros_like(volume), volume, everywhere))


def test_psnr_by_hand():
    truth = np.full((4, 4, 4), 10.0)
    assert psnr(truth - 1, truth) == pytest.approx(20)
    assert psnr(truth, truth) == math.inf
    assert math.isnan(psnr(truth, 0 * truth))


def test_dice_conventions_differ_in_what_is_absent():
    truth = np.array([0, 0, 2, 2, 3, 999])
    labels = np.array([0, 2, 2, 2, 0, 3])
    assert dice_of_present(labels, truth, (2, 3, 4)) == {2: pytest.approx(4 / 5), 3: 0}
    published = published_dice(labels, truth, (0, 2, 3, 4))
    np.testing.assert_allclose(published, [2 * 1 / 5, 4 / 5, 0, 0])


def test_distances_count_near_the_surface_only():
    truth = np.array([-3.0, -1.0, 2.0, 3.0])
    np.testing.assert_allclose(distance_errors_mm(truth + [9, 1, 2, 9], truth), [1, 2])
    assert distance_errors_mm(truth[:1], truth[:1]).size == 0


def test_registration_errors_are_lengths():
    truth = np.zeros((2, 3))
    made = np.array([[3.0, 4.0, 0.0], [0.0, 0.0, -1.0]])
    np.testing.assert_allclose(registration_errors_mm(made, truth), [5, 1])
    assert registration_l1(made, truth) == pytest.approx(8 / 6 / 100)


def test_the_bias_metric_ignores_scale(rng):
    field = 1 + 0.1 * rng.random((8, 8, 8))
    assert norm_l2(2 * field, field) == pytest.approx(0, abs=1e-3)
