"""Samples: reproducible, aligned with their targets, mirrored consistently."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from BrainFMEngine.anatomy.protocols import COMPACT_40
from BrainFMEngine.generator.contrast import tissue_table
from BrainFMEngine.generator.deformation import (
    Deformation,
    DeformationRanges,
    sample_deformation,
    sampling_positions,
    warp_linear,
    warp_nearest,
)
from BrainFMEngine.generator.generator import GeneratorRanges, generate
from BrainFMEngine.generator.subject import DISTANCE_OFFSET, DISTANCE_SCALE, Subject

SHAPE = (32, 32, 32)
STILL = Deformation((0, 0, 0), (0, 0, 0), (1, 1, 1), (0, 0, 0), False, np.zeros((3, 2, 2, 2), np.float32))


def row(label: int) -> int:
    return int(np.searchsorted(tissue_table()["id"], label))


@pytest.fixture
def subject() -> Subject:
    """A box of left white matter beside a box of right cortex, in a shell of skin."""
    rows = np.full((40, 36, 38), row(511), np.uint8)
    rows[:3] = rows[-3:] = 0
    rows[8:19, 8:28, 8:28] = row(2)
    rows[21:32, 8:28, 8:28] = row(42)
    axes = [np.arange(0, n + 3, 3, dtype=np.float32) for n in rows.shape]
    atlas_mm = np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float16) - 19
    distance = np.full((4, *rows.shape), DISTANCE_OFFSET + 3 * DISTANCE_SCALE, np.uint8)
    distance[0, 8:19] = DISTANCE_OFFSET - 3 * DISTANCE_SCALE
    return Subject("boxes", *(torch.from_numpy(a) for a in (rows, distance, atlas_mm)))


def test_same_seed_same_bits_other_seed_other_sample(subject):
    first, again, other = (
        generate(subject, SHAPE, COMPACT_40, np.random.default_rng(seed), GeneratorRanges()) for seed in (3, 3, 4)
    )
    assert torch.equal(first.image, again.image)
    assert all(torch.equal(first.targets[name], again.targets[name]) for name in first.targets)
    assert not torch.equal(first.image, other.image)


@pytest.mark.parametrize("seed", range(6))
def test_values_are_in_the_ranges_of_the_heads(subject, seed):
    sample = generate(subject, SHAPE, COMPACT_40, np.random.default_rng(seed), GeneratorRanges())
    assert sample.image.shape == (1, *SHAPE)
    assert 0 <= sample.image.min() and sample.image.max() <= 1
    assert sample.targets["segmentation"].max() < len(COMPACT_40.ids)
    assert sample.targets["distance"].abs().max() <= 3
    assert all(torch.isfinite(target).all() for target in sample.targets.values())


def test_what_a_subject_lacks_is_absent(subject):
    bare = Subject("bare", subject.rows, None, None)
    sample = generate(bare, SHAPE, COMPACT_40, np.random.default_rng(0), GeneratorRanges())
    assert not {"distance", "registration"} & set(sample.targets)


def test_deformation_invents_no_class(subject):
    rng = np.random.default_rng(1)
    positions = sampling_positions(sample_deformation(rng, SHAPE, DeformationRanges()), SHAPE, np.array([19, 17, 18]))
    assert set(warp_nearest(subject.rows, positions).unique().tolist()) <= set(subject.rows.unique().tolist())


def test_identity_returns_the_crop(subject):
    centre = (np.array(subject.shape) - 1) / 2
    positions = sampling_positions(STILL, subject.shape, centre)
    assert torch.equal(warp_nearest(subject.rows, positions), subject.rows)
    assert torch.allclose(warp_linear(subject.rows[None], positions)[0], subject.rows.float(), atol=1e-3)


def test_landmark_moves_with_image_and_labels():
    labels = torch.zeros(41, 41, 41, dtype=torch.uint8)
    labels[24:27, 14:17, 20:23] = 7
    deformation = sample_deformation(np.random.default_rng(5), (48, 48, 48), DeformationRanges(shift_mm=2.0))
    positions = sampling_positions(deformation, (48, 48, 48), np.array([20, 20, 20]))
    nearest = (warp_nearest(labels, positions) == 7).nonzero().float().mean(0)
    image = warp_linear((labels == 7)[None], positions)[0]
    linear = (image[..., None] * torch.stack(torch.meshgrid(*[torch.arange(48.0)] * 3, indexing="ij"), -1)).sum(
        (0, 1, 2)
    ) / image.sum()
    assert (nearest - linear).norm() < 0.5


def test_a_flipped_sample_mirrors_labels_distances_and_coordinates(subject, monkeypatch):
    import BrainFMEngine.generator.generator as module

    flipped = replace(STILL, flip=True)
    samples = []
    for deformation in (STILL, flipped):
        monkeypatch.setattr(module, "sample_deformation", lambda *args, d=deformation: d)
        rng = np.random.default_rng(2)
        samples.append(generate(subject, SHAPE, COMPACT_40, rng, GeneratorRanges()))
    plain, mirrored = (sample.targets for sample in samples)
    channels = torch.tensor(COMPACT_40.flip)
    assert torch.equal(mirrored["segmentation"].flip(0), channels[plain["segmentation"]])
    assert torch.allclose(mirrored["distance"].flip(1), plain["distance"][[2, 3, 0, 1]], atol=1e-3)
    expected = plain["registration"] * torch.tensor([-1.0, 1.0, 1.0]).reshape(3, 1, 1, 1)
    assert torch.allclose(mirrored["registration"].flip(1), expected, atol=1e-3)
