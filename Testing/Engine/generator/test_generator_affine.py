"""The linear part of a deformation: the matrix, what it keeps, and what is drawn."""

from __future__ import annotations

import numpy as np
import pytest
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.affine import Affine, AffineRanges, sample_affine
from BrainFMEngine.generator.draws import Draws


@pytest.mark.golden
def test_matrix_and_distance_scale_are_the_published_ones(golden_dir):
    golden = np.load(golden_dir / "ops" / "affine.npz")
    for i, matrix in enumerate(golden["matrix"]):
        rotation = np.degrees(golden["rotation_rad"][i])
        affine = Affine(tuple(rotation), tuple(golden["shear"][i]), tuple(golden["scale"][i]))
        np.testing.assert_allclose(affine.matrix(), matrix, rtol=1e-5, atol=1e-9)
        assert affine.distance_scale == pytest.approx(golden["distance_scale"][i], rel=1e-6)


def test_nothing_drawn_is_the_identity():
    assert np.array_equal(Affine().matrix(), np.eye(3))
    still = sample_affine(Draws.from_seed(0), AffineRanges(0, 0, 0))
    assert still == Affine()


def test_volume_changes_by_the_scaling_alone():
    affine = Affine((12, -9, 4), (0.2, -0.1, 0.15), (0.9, 1.1, 1.2))
    assert np.linalg.det(affine.matrix()) == pytest.approx(0.9 * 1.1 * 1.2)
    assert affine.distance_scale**3 == pytest.approx(0.9 * 1.1 * 1.2)


@pytest.mark.parametrize(("axis", "start", "end"), [(0, (0, 1, 0), (0, 0, 1)), (1, (0, 0, 1), (1, 0, 0))])
def test_rotations_are_right_handed(axis, start, end):
    rotation = [0.0, 0.0, 0.0]
    rotation[axis] = 90
    np.testing.assert_allclose(Affine(tuple(rotation)).matrix() @ start, end, atol=1e-12)


def test_draws_fill_their_ranges_evenly():
    ranges = AffineRanges(shift_mm=(0.0, 4.0, 8.0))
    drawn = [sample_affine(Draws.from_seed(seed), ranges) for seed in range(300)]
    for name, middle, half_width in (("rotation_deg", 0, 15), ("shear", 0, 0.2), ("scale", 1, 0.2)):
        values = (np.array([getattr(affine, name) for affine in drawn]) - middle) / half_width
        assert np.abs(values).max() <= 1
        np.testing.assert_allclose(np.quantile(values, (0.1, 0.5, 0.9), axis=0).T, [(-0.8, 0, 0.8)] * 3, atol=0.15)
    shifts = np.abs([affine.shift_mm for affine in drawn]).max(0)
    assert shifts[0] == 0
    np.testing.assert_allclose(shifts, (0, 4, 8), atol=0.2)


def test_severity_has_no_say():
    one, other = Draws.from_seed(3), Draws(np.random.default_rng(99), Draws.from_seed(3).pattern)
    assert sample_affine(one, AffineRanges()) == sample_affine(other, AffineRanges())


@pytest.mark.parametrize("wrong", [{"rotation_deg": -1.0}, {"scale": 1.0}, {"shift_mm": (0.0, -2.0, 0.0)}])
def test_ranges_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UsageError):
        AffineRanges(**wrong)
