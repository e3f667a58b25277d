"""Ghosting: copies lie where the theory of periodic motion puts them."""

from __future__ import annotations

import pytest
import torch
from BrainFMEngine.generator.ghosting import FULL_AMPLITUDE, Ghosting, apply_ghosting


def block() -> torch.Tensor:
    image = torch.zeros(24, 24, 24)
    image[4:7, 4:7, 4:7] = 200
    return image


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("period", [3, 4, 6, 8])
@pytest.mark.parametrize("strength", [0.4, 1.0])
def test_copies_lie_a_share_of_the_field_of_view_away(axis, period, strength):
    image = block()
    result = apply_ghosting(image, Ghosting(strength, axis, period, 0.7))
    copy = FULL_AMPLITUDE * strength * image
    shift = 24 // period
    expected = image + copy.roll(shift, axis) + copy.roll(-shift, axis)
    torch.testing.assert_close(result, expected, atol=1e-2, rtol=0)


def test_only_the_phase_encoding_axis_is_disturbed():
    result = apply_ghosting(block(), Ghosting(1.0, 1, 5, 0.0))
    outside = torch.ones(24, 24, 24, dtype=torch.bool)
    outside[4:7, :, 4:7] = False
    assert result[outside].abs().max() < 1e-3


@pytest.mark.parametrize("phase_rad", [0.0, 0.8, 2.0, 3.5])
def test_brightness_of_a_wide_object_stays(phase_rad):
    image = torch.zeros(17, 40, 19)
    image[:, 3:37] = 150
    result = apply_ghosting(image, Ghosting(1.0, 1, 8, phase_rad))
    assert abs(result[:, 12:28].mean() / 150 - 1) < 0.02


def test_odd_lengths_have_ghosts_between_voxels():
    image = torch.zeros(5, 31, 7)
    image[:, 14:17] = 100
    result = apply_ghosting(image, Ghosting(1.0, 1, 4, 0.3))
    assert result[2, 21:25, 3].max() > 20 and result[2, 6:10, 3].max() > 20
