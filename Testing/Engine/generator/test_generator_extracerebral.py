"""Around the brain: kept, thinned, removed, merged into clusters; the brain itself never changes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.contrast import ContrastRanges, paint, sample_contrast, without_background
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.extracerebral import (
    Extracerebral,
    ExtracerebralRanges,
    apply_extracerebral,
    close,
    cluster_extracerebral,
    dilate,
    sample_extracerebral,
)
from BrainFMEngine.generator.labels import brainfm_scheme, freesurfer_scheme
from BrainFMEngine.generator.record import from_record, to_record

SCHEME = freesurfer_scheme()
KEEP = Extracerebral("keep", True, 5.0, 0.0)


@pytest.fixture
def head() -> torch.Tensor:
    """Nested cubes: white matter in cortex in fluid (with a vein) in bone in skin in air."""
    rows = torch.zeros(40, 40, 40, dtype=torch.uint8)
    for margin, label in ((3, 511), (7, 515), (10, 24), (12, 3), (15, 2)):
        box = slice(margin, 40 - margin)
        rows[box, box, box] = SCHEME.row(label)
    rows[11, 20, 20] = SCHEME.row(514)
    return rows


def labels(rows: torch.Tensor) -> set[int]:
    return set(SCHEME.ids[rows.unique().numpy()].tolist())


def test_keep_changes_nothing(head):
    assert apply_extracerebral(head, KEEP, SCHEME) is head
    assert cluster_extracerebral(head, KEEP) is head


def test_remove_leaves_the_brain_with_or_without_its_fluid(head):
    with_fluid = apply_extracerebral(head, replace(KEEP, mode="remove"), SCHEME)
    assert labels(with_fluid) == {0, 2, 3, 24}
    without = apply_extracerebral(head, replace(KEEP, mode="remove", keep_csf=False), SCHEME)
    assert labels(without) == {0, 2, 3}
    brain = torch.from_numpy(np.isin(SCHEME.ids, (2, 3)))[head.int()]
    assert torch.equal(without[brain], head[brain]) and (without[~brain] == 0).all()


def test_closing_keeps_vessels_and_narrow_fluid_but_no_bone(head):
    head[20, 12:15, 12:28] = SCHEME.row(24)
    narrow = apply_extracerebral(head, replace(KEEP, mode="remove", keep_csf=False, closing_mm=2.0), SCHEME)
    assert labels(narrow) == {0, 2, 3, 24} and narrow[20, 13, 20] == SCHEME.row(24)
    vein = apply_extracerebral(head, replace(KEEP, mode="remove", closing_mm=2.0), SCHEME)
    assert labels(vein) == {0, 2, 3, 24, 514}


def test_removed_tissue_is_exactly_zero_in_the_image(head):
    for seed in range(4):
        contrast = without_background(sample_contrast(Draws.from_seed(seed), SCHEME, ContrastRanges()))
        kept = apply_extracerebral(head, replace(KEEP, mode="remove", keep_csf=seed % 2 == 0), SCHEME) > 0
        image = paint(head, contrast, kept)
        assert (image[~kept] == 0).all() and image[kept].any()


@pytest.mark.parametrize("shell_mm", [2.0, 5.0])
@pytest.mark.parametrize("spacing_mm", [1.0, 0.5])
def test_thin_leaves_a_shell(head, shell_mm, spacing_mm):
    thin = apply_extracerebral(head, replace(KEEP, mode="thin", shell_mm=shell_mm), SCHEME, spacing_mm)
    kept = (thin > 0).nonzero()[:, 0]
    assert kept.min().item() == max(10 - round(shell_mm / spacing_mm), 3)
    inside = thin > 0
    assert torch.equal(thin[inside], head[inside])


def test_modes_are_drawn_as_often_as_asked():
    ranges = ExtracerebralRanges(0.5, 0.2, 0.3)
    drawn = [sample_extracerebral(Draws.from_seed(seed), SCHEME, ranges) for seed in range(500)]
    share = {mode: np.mean([one.mode == mode for one in drawn]) for mode in ("keep", "thin", "remove")}
    assert share == pytest.approx({"keep": 0.5, "thin": 0.2, "remove": 0.3}, abs=0.07)
    assert np.mean([one.cluster_rows is not None for one in drawn]) == pytest.approx(0.3, abs=0.07)
    low, high = ranges.shell_mm
    assert all(low <= one.shell_mm <= high for one in drawn)


@pytest.mark.parametrize("scheme", [freesurfer_scheme(), brainfm_scheme()], ids=lambda scheme: scheme.name)
def test_clusters_stay_outside_the_brain_and_invent_no_row(scheme, rng):
    rows = torch.from_numpy(rng.integers(0, len(scheme), (20, 20, 20)).astype(np.uint8))
    ranges = ExtracerebralRanges(cluster_probability=1, split_probability=1, clusters=(2, 4))
    outside = torch.from_numpy(scheme.extracerebral)
    for seed in range(8):
        drawn = sample_extracerebral(Draws.from_seed(seed), scheme, ranges)
        clustered = cluster_extracerebral(rows, drawn)
        assert torch.equal(clustered[~outside[rows.int()]], rows[~outside[rows.int()]])
        assert outside[clustered[outside[rows.int()]].int()].all()
        assert len(clustered[outside[rows.int()]].unique()) <= 4


def test_a_split_divides_one_tissue():
    skin = torch.full((32, 32, 32), SCHEME.row(511), dtype=torch.uint8)
    ranges = ExtracerebralRanges(cluster_probability=1, split_probability=1, clusters=(8, 8))
    counts = [
        len(cluster_extracerebral(skin, sample_extracerebral(Draws.from_seed(seed), SCHEME, ranges)).unique())
        for seed in range(10)
    ]
    assert max(counts) == 2


def test_same_seed_same_rows_and_record(head):
    ranges = ExtracerebralRanges(0.4, 0.3, 0.3, cluster_probability=0.7)
    for seed in range(10):
        first, again = (sample_extracerebral(Draws.from_seed(seed), SCHEME, ranges) for _ in range(2))
        read = from_record(Extracerebral, json.loads(json.dumps(to_record(first))))
        for other in (again, read):
            assert torch.equal(cluster_extracerebral(head, first), cluster_extracerebral(head, other))
            assert torch.equal(apply_extracerebral(head, first, SCHEME), apply_extracerebral(head, other, SCHEME))


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 7])
def test_dilation_is_nearly_by_a_ball(radius):
    mask = torch.zeros(17, 19, 21, dtype=torch.bool)
    mask[8, 9, 10] = True
    grown = dilate(mask, radius)
    axes = torch.meshgrid(*(torch.arange(n) - n // 2 for n in mask.shape), indexing="ij")
    distance = torch.stack(axes).float().norm(dim=0)
    assert grown.shape == mask.shape
    assert grown[distance <= 0.9 * radius].all()
    assert not grown[distance > 1.1 * radius + 0.5].any()


def test_closing_fills_gaps_and_keeps_the_outline():
    mask = torch.zeros(24, 24, 24, dtype=torch.bool)
    mask[6:18, 6:18, 6:18] = True
    whole = mask.clone()
    mask[11:13, 6:18, 6:18] = False
    assert torch.equal(close(mask, 2), whole)
    assert torch.equal(close(mask, 0), mask)


def test_wrong_ranges_are_refused():
    for wrong in ({"keep_probability": 0.9}, {"shell_mm": (5.0, 2.0)}, {"clusters": (0, 3)}, {"split_probability": 2}):
        with pytest.raises(UsageError):
            ExtracerebralRanges(**wrong)
