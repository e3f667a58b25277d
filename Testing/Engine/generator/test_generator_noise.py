"""Noise: the published Gaussian, Rician magnitudes, air, and how it is drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator import noise as module
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.noise import Noise, NoiseRanges, apply_noise, sample_noise
from torch.testing import assert_close

SHAPE = (24, 24, 24)


@pytest.mark.golden
def test_published_values(golden_dir, monkeypatch):
    golden = np.load(golden_dir / "ops" / "intensity.npz")
    unit, image, expected = (torch.from_numpy(golden[name]) for name in ("noise_unit", "image", "noise_out"))
    monkeypatch.setattr(module, "normal_field", lambda *_: unit.clone())
    drawn = Noise(float(golden["noise_std"]), rician=False, keep_air_zero=False, seed=0)
    assert_close(apply_noise(image, drawn), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("rician", [False, True])
def test_bright_tissue_gets_noise_of_the_std_asked_for(rician):
    residual = apply_noise(torch.full(SHAPE, 200.0), Noise(7.0, rician, False, seed=1)) - 200
    assert abs(float(residual.std()) - 7) < 0.2
    assert abs(float(residual.mean())) < 0.4


def test_air_of_a_magnitude_image_is_rayleigh():
    air = apply_noise(torch.zeros(SHAPE), Noise(10.0, True, False, seed=2))
    assert (air > 0).all()
    assert abs(float(air.mean()) - 10 * math.sqrt(math.pi / 2)) < 0.3


def test_a_gaussian_image_has_no_negative_values():
    air = apply_noise(torch.zeros(SHAPE), Noise(10.0, False, False, seed=3))
    assert air.min() == 0 and abs(float((air == 0).float().mean()) - 0.5) < 0.02


@pytest.mark.parametrize("rician", [False, True])
def test_air_of_a_skull_stripped_image_stays_zero(rician):
    image = torch.zeros(2, 8, 8, 8)
    image[:, 2:6] = 100
    drawn = Noise(5.0, rician, True, seed=4)
    noisy = apply_noise(image, drawn)
    assert (noisy[image == 0] == 0).all() and not torch.equal(noisy, image)
    tissue = torch.zeros(8, 8, 8, dtype=torch.bool)
    tissue[0] = True
    masked = apply_noise(image, drawn, tissue)
    assert (masked[:, 1:] == 0).all()
    assert torch.equal(masked[:, 0], apply_noise(image, Noise(5.0, rician, False, seed=4))[:, 0])


def test_a_seed_gives_the_same_bits():
    image = torch.rand(SHAPE) * 200
    first, again, other = (apply_noise(image, Noise(5.0, True, False, seed)) for seed in (5, 5, 6))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("seed", range(5))
def test_no_std_changes_no_bit(seed):
    image = torch.rand(SHAPE) * 200
    before = image.clone()
    assert torch.equal(apply_noise(image, sample_noise(Draws.from_seed(seed), NoiseRanges())), before)
    apply_noise(image, Noise(5.0, True, True, seed))
    assert torch.equal(image, before)


def test_what_is_drawn():
    draws = Draws.from_seed(7)
    drawn = [sample_noise(draws, NoiseRanges((5.0, 15.0), 0.5, 0.25)) for _ in range(2000)]
    ranks = (np.sort([noise.std for noise in drawn]) - 5) / 10
    assert np.abs(ranks - np.arange(2000) / 2000).max() < 0.04
    assert abs(np.mean([noise.rician for noise in drawn]) - 0.5) < 0.04
    assert abs(np.mean([noise.keep_air_zero for noise in drawn]) - 0.25) < 0.04
    assert len({noise.seed for noise in drawn}) > 1990


def test_ranges_without_sense_are_refused():
    with pytest.raises(UsageError, match="noise std"):
        NoiseRanges(std=(-1.0, 2.0))
    with pytest.raises(UsageError, match="Rician"):
        NoiseRanges(rician_probability=1.2)
