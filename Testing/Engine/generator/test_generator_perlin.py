"""Gradient noise: the published values, and what makes it noise of this kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.perlin import gradient_noise, keep_top


def angles(cells: int, seed: int = 0) -> torch.Tensor:
    return 6.283 * torch.rand(2, cells + 1, cells + 1, cells + 1, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def reference(golden_dir):
    return np.load(golden_dir / "ops" / "pathology_shapes.npz")


@pytest.mark.golden
def test_noise_is_the_published_one(reference):
    noise = gradient_noise(reference["theta"], reference["phi"], (12, 12, 12))
    np.testing.assert_allclose(noise.numpy(), reference["noise"], atol=1e-5)


@pytest.mark.golden
def test_top_is_the_published_one(reference):
    kept, top = keep_top(torch.from_numpy(reference["noise"]), 90)
    np.testing.assert_array_equal(top.numpy(), reference["mask_p90"].astype(bool))
    np.testing.assert_array_equal(kept.numpy(), reference["noise_masked_p90"])


def test_zero_at_lattice_points_and_bounded_between():
    noise = gradient_noise(*angles(3), (12, 15, 18))
    assert noise.shape == (12, 15, 18) and noise.dtype == torch.float32
    assert noise[::4, ::5, ::6].abs().max() < 1e-6
    assert 0.2 < noise.abs().max() < 1


def test_first_axis_is_periodic():
    theta, phi = angles(2)
    other = theta.clone()
    other[-1] += 1
    assert torch.equal(gradient_noise(theta, phi, (16, 8, 8)), gradient_noise(other, phi, (16, 8, 8)))


def test_smooth():
    noise = gradient_noise(*angles(2), (32, 32, 32))
    assert max(noise.diff(dim=axis).abs().max() for axis in range(3)) < 0.2


@pytest.mark.parametrize("percentile", [0.0, 12.3, 85.0, 99.9, 100.0])
def test_top_matches_numpy_percentile(percentile):
    noise = torch.rand(7, 8, 9, generator=torch.Generator().manual_seed(1))
    _, top = keep_top(noise, percentile)
    np.testing.assert_array_equal(top.numpy(), noise.numpy() > np.percentile(noise.numpy(), percentile))


def test_bad_input_is_explained():
    theta, phi = angles(2)
    with pytest.raises(UsageError, match="lattice"):
        gradient_noise(theta, phi[:2], (8, 8, 8))
    with pytest.raises(UsageError, match="percentile"):
        keep_top(theta, 101)
