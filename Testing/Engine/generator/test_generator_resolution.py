"""Resolution: published widths and volumes, what is drawn how often, and that coarser stays coarser."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.resolution import (
    Resolution,
    ResolutionRanges,
    blur_stds,
    from_low_resolution,
    low_resolution_shape,
    sample_resolution,
    to_low_resolution,
)
from torch.testing import assert_close

DRAWN = 4000


def published_case(golden, case: int) -> Resolution:
    spacing, thickness = (tuple(golden[f"{name}{case}"].tolist()) for name in ("resolution", "thickness"))
    return Resolution("anisotropic", spacing, thickness, 0.85 + 0.3 * float(golden[f"u{case}"]))


@pytest.mark.golden
@pytest.mark.parametrize("case", range(6))
def test_published_values(golden_dir, case):
    golden = np.load(golden_dir / "ops" / "resolution.npz")
    resolution = published_case(golden, case)
    volume, lowres, back = (torch.from_numpy(golden[name]) for name in ("volume", f"lowres{case}", f"back{case}"))
    assert np.allclose(blur_stds(resolution), golden[f"blur_std{case}"])
    shape = low_resolution_shape(resolution, volume.shape)
    assert np.allclose(np.array(shape) / volume.shape, golden[f"factors{case}"])
    low = to_low_resolution(volume, resolution)
    # The published code blackens the first plane of axes that keep their voxels.
    inner = tuple(slice(int(s == 1), None) for s in resolution.spacing_mm)
    assert_close(low[inner], lowres[inner], rtol=1e-5, atol=1e-5)
    assert_close(from_low_resolution(low, volume.shape)[inner], back[inner], rtol=1e-5, atol=1e-5)


@pytest.mark.golden
def test_published_widths(golden_dir):
    for thickness, *stds in np.load(golden_dir / "ops" / "resolution.npz")["mean_blur_std_table"].tolist():
        drawn = [blur_stds(Resolution("anisotropic", (thickness,) * 3, (thickness,) * 3, j)) for j in (0.85, 1, 1.15)]
        assert np.allclose([std[0] for std in drawn], stds)


def sampled(ranges: ResolutionRanges, seed: int = 11) -> list[Resolution]:
    draws = Draws.from_seed(seed)
    return [sample_resolution(draws, ranges) for _ in range(DRAWN)]


def uniform_enough(values: list[float], low: float, high: float) -> bool:
    ranks = (np.sort(values) - low) / (high - low)
    return np.abs(ranks - np.arange(len(ranks)) / len(ranks)).max() < 2 / math.sqrt(len(ranks))


def test_how_often_each_kind_is_drawn():
    kinds = Counter(r.kind for r in sampled(ResolutionRanges(0.5, 0.25)))
    for kind in ("full", "anisotropic", "low_field", "near_isotropic"):
        assert abs(kinds[kind] / DRAWN - 0.25) < 0.03


def test_thick_slices_lie_along_any_axis_and_may_leave_a_gap():
    drawn = sampled(ResolutionRanges(0.0, 1.0))
    axes = [int(np.argmax(r.spacing_mm)) for r in drawn]
    assert all(abs(axes.count(axis) / DRAWN - 1 / 3) < 0.03 for axis in range(3))
    assert all(sorted(r.spacing_mm)[:2] == [1, 1] == sorted(r.thickness_mm)[:2] for r in drawn)
    assert uniform_enough([max(r.spacing_mm) for r in drawn], 2.5, 8.5)
    for r in drawn:
        assert max(r.thickness_mm) <= min(max(r.spacing_mm), 6)
        assert max(r.thickness_mm) == max(r.spacing_mm) or max(r.thickness_mm) >= 4
    assert any(max(r.thickness_mm) < max(r.spacing_mm) for r in drawn)


def test_low_field_scans_have_thick_slices_and_no_gap():
    drawn = sampled(ResolutionRanges(1.0, 0.0, near_isotropic_share=0.0))
    assert all(r.thickness_mm == r.spacing_mm and r.kind == "low_field" for r in drawn)
    assert uniform_enough([max(r.spacing_mm) for r in drawn], 4.8, 5.2)
    assert uniform_enough([value for r in drawn for value in sorted(r.spacing_mm)[:2]], 1.3, 1.7)


def test_near_isotropic_scans_are_coarse_along_every_axis():
    drawn = sampled(ResolutionRanges(1.0, 0.0, near_isotropic_share=1.0))
    assert all(r.thickness_mm == r.spacing_mm and r.kind == "near_isotropic" for r in drawn)
    assert uniform_enough([value for r in drawn for value in r.spacing_mm], 2, 5)
    assert uniform_enough([r.blur_jitter for r in drawn], 0.85, 1.15)


def test_a_degraded_scan_stays_the_same_when_probabilities_rise():
    for seed in range(200):
        worst = None
        for low_field, anisotropic in ((0, 0), (0.1, 0), (0.3, 0.1), (0.5, 0.25), (0.6, 0.4)):
            drawn = sample_resolution(Draws.from_seed(seed), ResolutionRanges(low_field, anisotropic))
            assert worst is None or drawn == worst
            worst = drawn if drawn.kind != "full" else None


def test_full_resolution_returns_the_image_itself():
    resolution = sample_resolution(Draws.from_seed(0), ResolutionRanges())
    image = torch.rand(2, 8, 8, 8)
    low = to_low_resolution(image, resolution)
    assert low is image
    assert from_low_resolution(low, (8, 8, 8)) is image


def test_a_scan_is_never_finer_than_the_sample_grid():
    resolution = Resolution("low_field", (1.5, 1.5, 5.0), (1.5, 1.5, 5.0), 1.0)
    assert low_resolution_shape(resolution, (20, 20, 20), spacing_mm=2.0) == (20, 20, 8)
    assert blur_stds(resolution, spacing_mm=2.0)[:2] == (0, 0)
    assert to_low_resolution(torch.rand(20, 20, 20), resolution, spacing_mm=2.0).shape == (20, 20, 8)


def test_what_it_does_depends_on_millimetres_not_on_voxels():
    resolution = Resolution("anisotropic", (1.0, 1.0, 6.0), (1.0, 1.0, 6.0), 1.0)
    fine, coarse = blur_stds(resolution, 0.5)[2], blur_stds(resolution, 1.0)[2]
    assert fine * 0.5 == pytest.approx(coarse)


def test_the_way_there_and_back_neither_shifts_nor_invents():
    grid = torch.stack(torch.meshgrid(*[torch.arange(32.0)] * 3, indexing="ij")) - 15.5
    image = torch.exp(-0.5 * (((grid - 1.7) / 5) ** 2).sum(0)) * 100
    resolution = Resolution("near_isotropic", (2.0, 3.1, 4.2), (2.0, 3.1, 4.2), 1.0)
    back = from_low_resolution(to_low_resolution(image, resolution), image.shape)
    assert 0 <= back.min() and back.max() <= image.max()
    assert_close((grid * back).sum((1, 2, 3)) / back.sum(), torch.full((3,), 1.7), rtol=0, atol=0.1)
    assert abs(float(back.sum() / image.sum()) - 1) < 0.02


def test_probabilities_above_one_are_refused():
    with pytest.raises(UsageError, match="together"):
        ResolutionRanges(0.7, 0.4)
    with pytest.raises(UsageError, match="low field"):
        ResolutionRanges(low_field_probability=1.5)
