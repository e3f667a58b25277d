"""Mixing real and synthetic images: weights that mean what they say, on one scale."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.mixup import Mixup, MixupRanges, apply_mixup, sample_mixup
from BrainFMEngine.generator.scale import robust_maximum, scale_robustly

ALWAYS = MixupRanges(probability=1.0)


def test_weights_add_up_and_ct_is_never_mixed():
    for seed in range(20):
        mixup = sample_mixup(Draws.from_seed(seed), ("CT", "T1", "FLAIR"), ALWAYS)
        assert set(mixup.weights) == {"synthetic", "T1", "FLAIR"}
        assert sum(mixup.weights.values()) == pytest.approx(1)
        assert min(mixup.weights.values()) >= 0


def test_nothing_is_mixed_without_images_or_by_chance():
    assert sample_mixup(Draws.from_seed(0), ("CT",), ALWAYS) is None
    assert sample_mixup(Draws.from_seed(0), ("T1",), MixupRanges(0.0)) is None
    drawn = [sample_mixup(Draws.from_seed(seed), ("T1",), MixupRanges(0.2)) is not None for seed in range(500)]
    assert np.mean(drawn) == pytest.approx(0.2, abs=0.06)


def test_images_are_brought_to_one_scale():
    synthetic = 200 * torch.rand(24, 24, 24)
    real = {"T1": synthetic / 5000}
    mixed = apply_mixup(synthetic, real, Mixup({"synthetic": 0.3, "T1": 0.7}))
    assert torch.allclose(mixed, synthetic, rtol=1e-4, atol=1e-3)
    assert apply_mixup(synthetic, real, None) is synthetic


def test_robust_maximum_ignores_air_and_a_hot_voxel():
    image = torch.zeros(60, 60, 60)
    image[20:40, 20:40, 20:40] = 100
    image[30, 30, 30] = 1e6
    assert robust_maximum(image) == 100
    assert scale_robustly(image).max() == 1
    assert torch.isfinite(scale_robustly(torch.zeros(9, 9, 9))).all()
