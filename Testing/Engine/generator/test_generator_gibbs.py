"""Gibbs ringing: a step overshoots as Fourier series do, and only along the axes that are truncated."""

from __future__ import annotations

import pytest
import torch
from BrainFMEngine.generator.gibbs import SMALLEST_KEPT, Gibbs, apply_gibbs


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("strength", [0.5, 0.8, 1.0])
def test_step_overshoots_by_about_nine_percent(axis, strength):
    image = torch.full((64, 8, 9), 50.0)
    image[16:48] = 150
    result = apply_gibbs(image.transpose(0, axis).contiguous(), Gibbs(strength, (axis,))).transpose(0, axis)
    assert 0.05 < (result.max() - 150) / 100 < 0.12
    assert 0.05 < (50 - result.min()) / 100 < 0.12


def test_other_axes_are_left_alone():
    image = torch.zeros(20, 21, 22)
    image[:, :, 11:] = 100
    result = apply_gibbs(image, Gibbs(1.0, (0, 1)))
    torch.testing.assert_close(result, image, atol=1e-3, rtol=0)


@pytest.mark.parametrize("count", [32, 33])
@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_k_space_is_a_box(count, strength):
    image = 100 + torch.rand((count, count, count), generator=torch.Generator().manual_seed(3))
    result = apply_gibbs(image, Gibbs(strength, (0, 1, 2)))
    frequency = torch.fft.fftfreq(count).abs()
    kept = frequency <= 0.5 * (1 - (1 - SMALLEST_KEPT) * strength)
    box = kept[:, None, None] & kept[:, None] & kept
    expected = torch.fft.fftn(image) * box
    torch.testing.assert_close(torch.fft.fftn(result), expected, atol=0.3, rtol=1e-3)


def test_mean_is_kept():
    image = 100 * torch.rand((17, 16, 15), generator=torch.Generator().manual_seed(3)) + 300
    assert abs(apply_gibbs(image, Gibbs(1.0, (0, 1, 2))).mean() / image.mean() - 1) < 1e-4
