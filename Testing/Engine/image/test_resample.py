"""Moving images between grids: a point keeps its millimetres."""

from __future__ import annotations

import numpy as np
import pytest
from BrainFMEngine.image.conform import conform
from BrainFMEngine.image.resample import AlignedSampler, FreeSampler, make_sampler, resample, resample_labels
from BrainFMEngine.image.volume import Grid, Volume
from phantom import affine_for, points_of, rotation

SOURCE = Grid((24, 26, 28), affine_for((24, 26, 28), (1, 1, 1)))


def ramp(grid):
    return (points_of(grid.shape, grid.affine_ras) @ [1.0, -2.0, 3.0]).astype(np.float32)


def grid_of(shape, spacing, directions=None):
    return Grid(shape, affine_for(shape, spacing, directions))


TARGETS = {
    "flipped": (grid_of((12, 14, 16), (1, 1, 1), np.diag([-1.0, 1, -1])), AlignedSampler),
    "permuted": (grid_of((12, 14, 10), (0.7, 1.3, 2), np.eye(3)[[2, 0, 1]]), AlignedSampler),
    "oblique": (grid_of((12, 13, 14), (0.9, 0.8, 1.1), rotation(10, 20, 30)), FreeSampler),
    "sheared": (grid_of((12, 13, 14), (1, 1, 1), np.array([[1, 0.2, 0], [0, 1, 0.1], [0, 0, 1]])), FreeSampler),
}


@pytest.mark.parametrize("name", TARGETS)
def test_a_ramp_stays_a_ramp(name):
    target, kind = TARGETS[name]
    assert isinstance(make_sampler(SOURCE, target, "linear"), kind)
    found = resample(ramp(SOURCE), SOURCE, target, -1e6)
    assert found.shape == target.shape and found.dtype == np.float32 and found.flags.c_contiguous
    assert np.allclose(found, ramp(target), atol=1e-3)


@pytest.mark.parametrize("mode", ["linear", "nearest"])
def test_aligned_and_free_agree(rng, mode):
    image = rng.random(SOURCE.shape, np.float32)
    target = grid_of((40, 30, 20), (0.83, 1.21, 1.9), np.eye(3)[[1, 2, 0]] * [-1, 1, 1])
    to_source = np.linalg.inv(SOURCE.affine_ras) @ target.affine_ras
    free = FreeSampler(to_source, SOURCE.shape, target.shape, mode)
    expected = np.where(free.inside(), free.sample(__import__("torch").from_numpy(image)).numpy(), -5)
    assert np.allclose(resample(image, SOURCE, target, -5, mode), expected, atol=2e-4)


def test_outside_has_its_own_value():
    target = grid_of((60, 60, 60), (1, 1, 1))
    found = resample(np.ones(SOURCE.shape), SOURCE, target, 3.0)
    assert np.count_nonzero(found == 1) == np.prod(SOURCE.shape) and set(np.unique(found)) == {1, 3}
    turned = Grid(target.shape, affine_for(target.shape, (1, 1, 1), rotation(0, 0, 30)))
    assert set(np.unique(resample(np.ones(SOURCE.shape), SOURCE, turned, 3.0))) == {1, 3}


def test_grids_that_do_not_touch():
    far = Grid((5, 5, 5), affine_for((5, 5, 5), (1, 1, 1)) + np.pad([[900.0]], ((0, 3), (3, 0))))
    assert np.all(resample(np.ones(SOURCE.shape), SOURCE, far, -1.0) == -1)
    assert np.all(resample_labels([np.ones(SOURCE.shape)], SOURCE, far, [7]) == 0)


def test_outermost_values_reach_the_border_of_their_voxels():
    fine = grid_of((96, 104, 112), (0.25, 0.25, 0.25))
    assert np.all(resample(np.full(SOURCE.shape, 2.0), SOURCE, fine, -1.0) == 2)


def test_nearest_keeps_type_and_values(rng):
    labels = rng.integers(0, 2000, SOURCE.shape).astype(np.int16)
    for target, _ in TARGETS.values():
        found = resample(labels, SOURCE, target, 0, "nearest")
        assert found.dtype == np.int16 and np.isin(found, labels).all()


def test_vectors(rng):
    field = rng.random((*SOURCE.shape, 3)).astype(np.float32)
    target, _ = TARGETS["oblique"]
    found = resample(field, SOURCE, target, 0.0)
    assert found.shape == (*target.shape, 3)
    assert np.array_equal(found[..., 1], resample(field[..., 1], SOURCE, target, 0.0))


@pytest.mark.parametrize("name", TARGETS)
def test_labels_are_the_largest_resampled_probability(rng, name):
    target, _ = TARGETS[name]
    probabilities = rng.random((5, *SOURCE.shape)).astype(np.float16)
    ids = [0, 41, 2, 85, 1000]
    found = resample_labels((channel for channel in probabilities), SOURCE, target, ids)
    stack = np.stack([resample(channel, SOURCE, target, 0.0) for channel in probabilities])
    assert found.dtype == np.int16
    assert np.array_equal(found, np.array(ids)[stack.argmax(0)])


def test_channels_and_ids_must_match():
    with pytest.raises(ValueError):
        resample_labels(np.zeros((3, *SOURCE.shape)), SOURCE, SOURCE, [0, 1])


def test_identity_is_exact(rng):
    image = rng.random(SOURCE.shape, np.float32)
    assert np.array_equal(resample(image, SOURCE, SOURCE, 0.0), image)


def test_conform_and_back_is_exact_at_1_mm(rng):
    shape = (40, 42, 44)
    array = np.zeros(shape, np.float32)
    array[6:34, 6:36, 6:38] = rng.uniform(50, 100, (28, 30, 32))
    native = Volume(array, affine_for(shape, (1, 1, 1), np.diag([-1.0, 1, 1])))
    head = conform(native, 16)
    back = resample(head.volume.array, head.volume.grid, native.grid, 0.0) * head.intensity_high
    assert np.allclose(back, np.minimum(array, head.intensity_high), atol=1e-4)
