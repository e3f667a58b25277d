"""Field of view: exactly what lies beyond a plane is missing, as deep as the head is long."""

from __future__ import annotations

import pytest
import torch
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.field_of_view import (
    DEEPEST,
    FieldOfView,
    FieldOfViewRanges,
    apply_field_of_view,
    field_of_view_mask,
    sample_field_of_view,
)


def box_head() -> torch.Tensor:
    """A head from voxel 5 to 24 of each axis."""
    image = torch.zeros(30, 31, 32)
    image[5:25, 5:25, 5:25] = 100
    return image


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_a_half_space_is_missing_and_nothing_else(axis, at_end, strength):
    image = box_head()
    cut = FieldOfView(strength, (axis,), (at_end,), (1.0,))
    depth = round(20 * DEEPEST * strength)
    kept = slice(0, 25 - depth) if at_end else slice(5 + depth, None)
    expected = torch.zeros_like(image).transpose(0, axis)
    expected[kept] = image.transpose(0, axis)[kept]
    assert torch.equal(apply_field_of_view(image, cut), expected.transpose(0, axis))
    mask = field_of_view_mask(image.shape, cut, image).transpose(0, axis)
    assert mask[kept].all() and mask.sum() == mask[kept].numel()


def test_two_sides():
    image = box_head()
    result = apply_field_of_view(image, FieldOfView(1.0, (2, 1), (False, True), (1.0, 0.5)))
    expected = image.clone()
    expected[:, :, :11] = 0
    expected[:, 22:] = 0
    assert torch.equal(result, expected)


def test_stray_voxels_and_noise_do_not_count_as_head():
    cut = FieldOfView(1.0, (0,), (True,), (1.0,))
    clean = field_of_view_mask((30, 31, 32), cut, box_head())
    noisy = box_head() + 8 * torch.rand((30, 31, 32), generator=torch.Generator().manual_seed(0))
    noisy[29, 3, 4] = 90
    assert torch.equal(field_of_view_mask((30, 31, 32), cut, noisy), clean)


def test_mask_of_a_finer_grid_covers_the_same_space():
    cut = FieldOfView(0.5, (1,), (False,), (1.0,))
    mask = field_of_view_mask((30, 31, 32), cut, box_head())
    fine = field_of_view_mask((60, 62, 64), cut, box_head())
    assert torch.equal(fine[::2, ::2, ::2], mask) and torch.equal(fine[1::2, 1::2, 1::2], mask)


def test_drawn_sides_are_all_six_and_never_one_twice():
    drawn = [sample_field_of_view(Draws.from_seed(seed), FieldOfViewRanges(1.0)) for seed in range(200)]
    sides = [tuple(zip(cut.axes, cut.at_end, strict=True)) for cut in drawn]
    assert len({side for pair in sides for side in pair}) == 6
    assert all(len(set(pair)) == len(pair) for pair in sides)
    assert {len(pair) for pair in sides} == {1, 2}
