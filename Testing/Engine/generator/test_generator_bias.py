"""Bias field: the published field, its size and smoothness, and how it is drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.bias import Bias, BiasRanges, apply_bias, bias_log_field, sample_bias
from BrainFMEngine.generator.draws import Draws
from torch.testing import assert_close

SEVERE = BiasRanges(grid_scale=(0.02, 0.04), std=(0.1, 0.6))


@pytest.mark.golden
def test_published_values(golden_dir):
    golden = np.load(golden_dir / "ops" / "intensity.npz")
    bias = Bias(float(golden["bias_std"]), golden["bias_coarse_log"])
    log = bias_log_field(bias, golden["bias_log"].shape)
    assert_close(log, torch.from_numpy(golden["bias_log"]), rtol=1e-5, atol=1e-6)
    shaded = apply_bias(torch.from_numpy(golden["image"]), log)
    assert_close(shaded, torch.from_numpy(golden["bias_out"]), rtol=1e-5, atol=1e-3)


def test_no_std_changes_no_bit():
    bias = sample_bias(Draws.from_seed(3), (16, 16, 16), BiasRanges(std=(0.0, 0.0)))
    image = torch.rand(16, 16, 16) * 255
    assert torch.equal(apply_bias(image, bias_log_field(bias, image.shape)), image)


def test_channels_share_the_field():
    image = torch.rand(2, 8, 9, 10)
    log = bias_log_field(sample_bias(Draws.from_seed(4), (8, 9, 10), SEVERE), (8, 9, 10))
    assert torch.equal(apply_bias(image, log)[1], apply_bias(image[1], log))


@pytest.mark.parametrize(("shape", "spacing"), [((8, 8, 8), 1.0), ((160, 128, 96), 1.0), ((80, 64, 48), 2.0)])
def test_nodes_follow_the_millimetres_and_are_never_too_few(shape, spacing):
    draws = Draws.from_seed(5)
    for _ in range(50):
        nodes = sample_bias(draws, shape, SEVERE, spacing).coarse_log.shape
        for n, length in zip(nodes, shape, strict=True):
            assert max(2, round(0.02 * length * spacing)) <= n <= max(2, round(0.04 * length * spacing))


def test_the_grid_takes_no_draws_of_strength():
    for ranges in (BiasRanges((0.01, 0.01), (0.0, 0.0)), BiasRanges((0.08, 0.08), (0.1, 0.6))):
        draws = Draws.from_seed(6)
        sample_bias(draws, (160, 160, 160), ranges)
        after = (draws.level.uniform(), draws.pattern.uniform())
        reference = Draws.from_seed(6)
        sample_bias(reference, (16, 16, 16), SEVERE)
        assert after == (reference.level.uniform(), reference.pattern.uniform())


def test_std_is_uniform_and_so_is_the_field_it_scales():
    draws = Draws.from_seed(7)
    drawn = [sample_bias(draws, (128, 128, 128), SEVERE) for _ in range(2000)]
    ranks = np.sort([(bias.std - 0.1) / 0.5 for bias in drawn])
    assert np.abs(ranks - np.arange(2000) / 2000).max() < 0.04
    values = np.concatenate([(bias.coarse_log / bias.std).ravel() for bias in drawn])
    assert abs(values.mean()) < 0.01 and abs(values.std() - 1) < 0.01


def test_the_field_is_smooth():
    bias = sample_bias(Draws.from_seed(8), (32, 32, 32), BiasRanges((0.1, 0.1), (0.5, 0.5)))
    log = bias_log_field(bias, (32, 32, 32))
    largest = torch.from_numpy(bias.coarse_log).abs().max()
    assert log.abs().max() <= largest + 1e-6
    assert max(float(log.diff(dim=d).abs().max()) for d in range(3)) <= 2 * float(largest) * 3 / 32 + 1e-5


def test_limits_that_fall_are_refused():
    with pytest.raises(UsageError, match="bias std") as caught:
        BiasRanges(std=(0.5, 0.1))
    assert caught.value.hint
