"""Deformations: they don't fold, they have an inverse, and left and right stay apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator import deformation as module
from BrainFMEngine.generator.affine import Affine, AffineRanges
from BrainFMEngine.generator.deformation import (
    Deformation,
    DeformationRanges,
    inverse_positions,
    jacobian_determinant,
    sample_deformation,
    sampling_positions,
)
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.record import from_record, to_record
from BrainFMEngine.generator.velocity import Velocity, VelocityRanges
from BrainFMEngine.generator.warp import warp_linear, warp_nearest

SHAPE, SUBJECT = (36, 32, 40), (50, 48, 52)
CENTRE = tuple((n - 1) / 2 for n in SUBJECT)
NOTHING = DeformationRanges(AffineRanges(0, 0, 0), VelocityRanges(std_mm=0.0), flip_probability=0.0)


def drawn(seed: int, shape=SHAPE, spacing_mm: float = 1.0, ranges: DeformationRanges | None = None) -> Deformation:
    return sample_deformation(Draws.from_seed(seed), shape, spacing_mm, ranges)


def voxels(shape: tuple[int, int, int]) -> torch.Tensor:
    return torch.stack(torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in shape), indexing="ij"))


def inside(positions: torch.Tensor, shape: tuple[int, int, int]) -> torch.Tensor:
    size = torch.tensor(shape)[:, None, None, None]
    return ((positions >= 0) & (positions <= size - 1)).all(0)


def blobs() -> torch.Tensor:
    """A label map (50, 48, 52) uint8 of random lumps, background 0."""
    coarse = torch.rand(1, 4, 7, 7, 7, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(coarse, SUBJECT, mode="trilinear")[0].argmax(0).to(torch.uint8)


@pytest.mark.parametrize(("shape", "spacing_mm"), [((32, 32, 32), 1.0), ((48, 40, 44), 1.0), ((40, 48, 40), 4.0)])
def test_nothing_folds_at_default_ranges(shape, spacing_mm):
    for seed in range(24):
        deformation = drawn(seed, shape, spacing_mm)
        determinant = jacobian_determinant(sampling_positions(deformation, shape, CENTRE, spacing_mm), spacing_mm)
        assert (determinant * (-1 if deformation.flip else 1)).min() > 0


def test_integration_is_what_keeps_a_steep_field_from_folding():
    steep = VelocityRanges(grid_scale=(0.06, 0.06), std_mm=12.0)
    for integrated in (True, False):
        ranges = DeformationRanges(velocity=replace(steep, integrate=integrated), flip_probability=0.0)
        fields = [sampling_positions(drawn(seed, ranges=ranges), SHAPE, CENTRE) for seed in range(8)]
        lowest = min(jacobian_determinant(positions).min() for positions in fields)
        assert (lowest > 0) == integrated


def test_determinant_of_an_affine_map_is_its_volume():
    deformation = Deformation(Affine((9, 5, -12), (0.1, 0.2, -0.1), (0.9, 1.2, 1.1)), Velocity(np.zeros((3, 2, 2, 2))))
    for spacing_mm in (1.0, 2.5):
        determinant = jacobian_determinant(sampling_positions(deformation, (8, 9, 7), CENTRE, spacing_mm), spacing_mm)
        torch.testing.assert_close(determinant, torch.full((8, 9, 7), 0.9 * 1.2 * 1.1), rtol=1e-3, atol=0)
    assert deformation.distance_scale == pytest.approx((0.9 * 1.2 * 1.1) ** (1 / 3))


@pytest.mark.parametrize("spacing_mm", [1.0, 1.5])
def test_the_way_back_ends_where_it_began(spacing_mm):
    errors = []
    for seed in range(12):
        deformation = drawn(seed, SHAPE, spacing_mm)
        positions = sampling_positions(deformation, SHAPE, CENTRE, spacing_mm)
        back = inverse_positions(deformation, SHAPE, CENTRE, SUBJECT, spacing_mm)
        known = inside(positions, SUBJECT)
        errors.append((warp_linear(back, positions) - voxels(SHAPE)).norm(dim=0)[known].mean().item())
    assert max(errors) < 0.1


def test_a_way_back_without_integration():
    ranges = DeformationRanges(velocity=VelocityRanges(grid_scale=(0.03, 0.03), std_mm=1.0, integrate=False))
    deformation = drawn(2, ranges=ranges)
    positions = sampling_positions(deformation, SHAPE, CENTRE)
    back = inverse_positions(deformation, SHAPE, CENTRE, SUBJECT)
    known = inside(positions, SUBJECT)
    assert (warp_linear(back, positions) - voxels(SHAPE)).norm(dim=0)[known].mean() < 0.1


def test_ranges_of_zero_are_the_identity():
    deformation = drawn(11, ranges=NOTHING)
    start = torch.tensor(CENTRE) - (torch.tensor(SHAPE) - 1) / 2
    expected = voxels(SHAPE) + start[:, None, None, None]
    torch.testing.assert_close(sampling_positions(deformation, SHAPE, CENTRE), expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(
        inverse_positions(deformation, SHAPE, CENTRE, SUBJECT),
        voxels(SUBJECT) - start[:, None, None, None],
        atol=1e-4,
        rtol=0,
    )
    labels = blobs()
    cut = tuple(slice(int(a), int(a) + n) for a, n in zip(start, SHAPE, strict=True))
    assert torch.equal(warp_nearest(labels, sampling_positions(deformation, SHAPE, CENTRE)), labels[cut])


def test_shift_and_spacing_are_millimetres_of_the_subject():
    deformation = Deformation(Affine(shift_mm=(2.0, -3.0, 0.5)), Velocity(np.zeros((3, 2, 2, 2), np.float32)))
    positions = sampling_positions(deformation, (5, 5, 5), CENTRE, 2.0)
    assert positions[:, 2, 2, 2].tolist() == pytest.approx([CENTRE[0] + 2, CENTRE[1] - 3, CENTRE[2] + 0.5], abs=1e-4)
    assert (positions[0, 3, 2, 2] - positions[0, 2, 2, 2]).item() == pytest.approx(2, abs=1e-4)


@pytest.mark.golden
def test_positions_are_the_published_ones_without_integration(golden_dir, monkeypatch):
    golden, field = np.load(golden_dir / "ops" / "deform_grid.npz"), np.load(golden_dir / "ops" / "svf.npz")
    monkeypatch.setattr(Affine, "matrix", lambda self: golden["affine"])
    monkeypatch.setattr(module, "CONTROL_MM", 1.0)
    velocity = Velocity(np.moveaxis(field["coarse_velocity"], -1, 0).copy(), integrate=False)
    shape = tuple(golden["patch_size"].tolist())
    ours = sampling_positions(Deformation(Affine(), velocity), shape, golden["center"])
    limits = torch.from_numpy(golden["image_shape"]).float()[:, None, None, None] - 1
    expected = torch.stack([torch.from_numpy(golden[name]) for name in "xyz"])
    expected += torch.from_numpy(golden["box_start"]).float()[:, None, None, None]
    torch.testing.assert_close(torch.minimum(ours.clamp(min=0), limits), expected, atol=1e-4, rtol=0)


def test_a_flip_mirrors_the_finished_sample():
    labels, deformation = blobs(), replace(drawn(4), flip=False)
    plain = warp_nearest(labels, sampling_positions(deformation, SHAPE, CENTRE))
    mirrored = warp_nearest(labels, sampling_positions(replace(deformation, flip=True), SHAPE, CENTRE))
    assert torch.equal(mirrored, plain.flip(0))


def test_flipping_a_sample_is_sampling_the_mirrored_subject():
    labels, plain = blobs(), replace(drawn(4), flip=False)
    x, y, z = plain.affine.rotation_deg
    affine = replace(plain.affine, shear=(0.0, 0.0, 0.0), shift_mm=(3.0, 1.0, 2.0))
    mirrored_affine = replace(affine, rotation_deg=(x, -y, -z), shift_mm=(-3.0, 1.0, 2.0))
    field = plain.velocity.coarse_mm
    mirrored_field = np.flip(field, 1) * np.float32([-1, 1, 1]).reshape(3, 1, 1, 1)
    flipped = Deformation(affine, plain.velocity, flip=True)
    mirrored = Deformation(mirrored_affine, replace(plain.velocity, coarse_mm=mirrored_field.copy()))
    first = sampling_positions(flipped, SHAPE, CENTRE)
    second = sampling_positions(mirrored, SHAPE, CENTRE)
    second = torch.cat([SUBJECT[0] - 1 - second[:1], second[1:]])
    torch.testing.assert_close(first, second, atol=1e-3, rtol=0)
    other_way = warp_nearest(labels.flip(0), sampling_positions(mirrored, SHAPE, CENTRE))
    assert (warp_nearest(labels, first) != other_way).float().mean() < 1e-3


def test_a_landmark_moves_with_image_and_labels_and_back():
    labels = torch.zeros(SUBJECT, dtype=torch.uint8)
    labels[26:29, 20:23, 25:28] = 7
    deformation = drawn(5)
    positions = sampling_positions(deformation, SHAPE, CENTRE)
    weights = warp_linear((labels == 7)[None], positions)[0]
    centre = (voxels(SHAPE) * weights).sum((1, 2, 3)) / weights.sum()
    by_label = (warp_nearest(labels, positions) == 7).nonzero().float().mean(0)
    by_inverse = inverse_positions(deformation, SHAPE, CENTRE, SUBJECT)[:, 27, 21, 26]
    assert (centre - by_label).norm() < 0.5
    assert (centre - by_inverse).norm() < 0.5


def test_a_record_gives_the_same_bits():
    deformation = drawn(8)
    again = from_record(Deformation, to_record(deformation))
    assert torch.equal(sampling_positions(again, SHAPE, CENTRE), sampling_positions(deformation, SHAPE, CENTRE))


def test_half_of_the_samples_are_flipped_and_none_or_all_if_told():
    def flips(probability: float) -> float:
        ranges = DeformationRanges(flip_probability=probability)
        return np.mean([drawn(seed, (4, 4, 4), ranges=ranges).flip for seed in range(300)])

    assert flips(0.5) == pytest.approx(0.5, abs=0.1)
    assert (flips(0.0), flips(1.0)) == (0, 1)


def test_same_seed_same_bits_other_seed_other_positions():
    first, again, other = (sampling_positions(drawn(seed), SHAPE, CENTRE) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_probability_above_one_is_refused():
    with pytest.raises(UsageError):
        DeformationRanges(flip_probability=1.2)
