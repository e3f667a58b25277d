"""Gamma: the published formula, fixed points, and how it is drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.gamma import Gamma, GammaRanges, apply_gamma, sample_gamma
from torch.testing import assert_close


@pytest.mark.golden
def test_published_values(golden_dir):
    golden = np.load(golden_dir / "ops" / "intensity.npz")
    image, expected = (torch.from_numpy(golden[name]) for name in ("image", "gamma_out"))
    assert_close(apply_gamma(image, Gamma(float(golden["gamma_exponent"]))), expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("exponent", [0.7, 1.3])
def test_air_and_the_fixed_intensity_stay(exponent):
    image = torch.tensor([0.0, 100.0, 300.0])
    changed = apply_gamma(image, Gamma(exponent))
    assert changed[0] == 0
    assert_close(changed[2], image[2])
    assert_close(changed[1], torch.tensor(300 * (1 / 3) ** exponent))


def test_no_std_changes_no_bit():
    gamma = sample_gamma(Draws.from_seed(1), GammaRanges(std=0.0))
    image = torch.rand(4, 4, 4) * 255
    assert gamma == Gamma(1.0)
    assert torch.equal(apply_gamma(image, gamma), image)


def test_log_of_the_exponent_is_normal():
    draws = Draws.from_seed(2)
    logs = np.array([math.log(sample_gamma(draws, GammaRanges(0.1)).exponent) for _ in range(2000)])
    assert abs(logs.mean()) < 0.01
    assert abs(logs.std() - 0.1) < 0.005
    assert abs((np.abs(logs) < 0.1).mean() - 0.683) < 0.04


def test_the_input_is_left_alone():
    image = torch.full((2, 2, 2), 100.0)
    apply_gamma(image, Gamma(1.2))
    assert (image == 100).all()


def test_a_negative_std_is_refused():
    with pytest.raises(UsageError, match="gamma std"):
        GammaRanges(std=-0.1)
