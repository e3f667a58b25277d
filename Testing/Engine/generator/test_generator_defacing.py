"""Defacing: the face goes, the brain and a margin around it never."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainFMEngine.generator.defacing import (
    SMALLEST_MARGIN_MM,
    Defacing,
    DefacingRanges,
    apply_defacing,
    defacing_mask,
    sample_defacing,
)
from BrainFMEngine.generator.draws import Draws
from scipy import ndimage

SHAPE = (27, 41, 39)
KINDS = ["plane", "blocks", "blur"]


def ball(centre: tuple[float, float, float], radius: float) -> torch.Tensor:
    axes = torch.meshgrid(*(torch.arange(float(n)) for n in SHAPE), indexing="ij")
    return sum((a - c) ** 2 for a, c in zip(axes, centre, strict=True)) < radius**2


BRAIN = ball((13, 17, 25), 7)
HEAD = ball((13, 18, 22), 13) | ball((13, 28, 12), 9)
FACE = ball((13, 34, 9), 2)


@pytest.fixture
def image() -> torch.Tensor:
    """A bright brain in a head that bulges forward and down, 4 mm voxels."""
    texture = 30 * torch.rand(SHAPE, generator=torch.Generator().manual_seed(0))
    return (60.0 * HEAD + 60.0 * BRAIN + texture) * HEAD


@pytest.mark.parametrize("seed", range(12))
def test_brain_and_margin_are_never_touched(image, seed):
    defacing = sample_defacing(Draws.from_seed(seed), DefacingRanges(1.0))
    result, mask = apply_defacing(image, defacing, BRAIN, spacing_mm=4.0)
    assert mask.any()
    away_mm = 4.0 * ndimage.distance_transform_edt(~BRAIN.numpy())
    assert away_mm[mask.numpy()].min() > max(SMALLEST_MARGIN_MM, defacing.margin_mm)
    assert torch.equal(result[~mask], image[~mask])


@pytest.mark.parametrize("kind", KINDS)
def test_the_face_goes_and_the_back_of_the_head_stays(image, kind):
    result, mask = apply_defacing(image, Defacing(kind, 38.0, 6.0, 8.0), BRAIN, spacing_mm=4.0)
    assert mask[FACE].all()
    assert not mask[:, :15, 20:].any()
    assert torch.equal(mask, defacing_mask(image, Defacing(kind, 38.0, 6.0, 8.0), BRAIN, spacing_mm=4.0))
    if kind == "blur":
        inner = mask[1:] & mask[:-1] & HEAD[1:] & HEAD[:-1]
        assert 0 < result.diff(dim=0)[inner].abs().mean() < 0.7 * image.diff(dim=0)[inner].abs().mean()
    else:
        assert not result[mask].any()


def test_blocks_are_a_staircase_inside_the_half_space(image):
    half_space = defacing_mask(image, Defacing("plane", 30.0, 6.0, 16.0), BRAIN, spacing_mm=4.0)
    stairs = defacing_mask(image, Defacing("blocks", 30.0, 6.0, 16.0), BRAIN, spacing_mm=4.0)
    assert (half_space | ~stairs).all() and stairs.sum() < half_space.sum()
    steps = stairs[0, :40, :36].reshape(10, 4, 9, 4)
    assert torch.equal(steps.all(3).all(1), steps.any(3).any(1))


def test_a_larger_margin_keeps_more(image):
    masks = [defacing_mask(image, Defacing("plane", 30.0, mm, 8.0), BRAIN, spacing_mm=4.0) for mm in (5, 10, 15)]
    assert masks[0].sum() > masks[1].sum() > masks[2].sum() > 0


def test_margin_counts_millimetres(image):
    defacing = Defacing("plane", 30.0, 12.0, 8.0)
    coarse, fine = (defacing_mask(image, defacing, BRAIN, spacing_mm=mm) for mm in (4.0, 2.0))
    assert coarse.sum() > fine.sum() > 0


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_happens_without_a_brain_or_without_a_face(image, kind):
    defacing = Defacing(kind, 30.0, 6.0, 8.0)
    stripped = image * BRAIN
    nobody = torch.zeros_like(BRAIN)
    for scan, brain in ((image, None), (image, nobody), (stripped, BRAIN), (stripped, None)):
        result, mask = apply_defacing(scan, defacing, brain, spacing_mm=4.0)
        assert torch.equal(result, scan) and not mask.any() and mask.dtype == torch.bool


def test_a_defaced_head_is_not_defaced_again(image):
    plane = Defacing("plane", 30.0, 6.0, 8.0)
    result, _ = apply_defacing(image, plane, BRAIN, spacing_mm=4.0)
    again, mask = apply_defacing(result, plane, BRAIN, spacing_mm=4.0)
    assert torch.equal(again, result) and not mask.any()


def test_all_ways_are_drawn():
    drawn = [sample_defacing(Draws.from_seed(seed), DefacingRanges(1.0)) for seed in range(60)]
    assert {defacing.kind for defacing in drawn} == set(KINDS)
    assert np.ptp([defacing.angle_deg for defacing in drawn]) > 10
