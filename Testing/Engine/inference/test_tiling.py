"""Windows cover the volume, overlap, and blend to the right mean."""

from __future__ import annotations

import numpy as np
import pytest
from BrainFMEngine.inference.tiling import blend_weights, window_shape, window_starts, windows

SHAPES = [(160, 192, 160), (64, 64, 64), (96, 224, 128), (32, 320, 48)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("edge", [64, 96, 160])
def test_every_voxel_is_seen(shape, edge):
    seen = np.zeros(shape, int)
    for place in windows(shape, window_shape(shape, edge, 16)):
        seen[place] += 1
    assert seen.min() >= 1


@pytest.mark.parametrize("size", [65, 96, 160, 192, 320])
def test_neighbours_share_a_quarter(size):
    starts = window_starts(size, 64)
    assert starts[0] == 0 and starts[-1] == size - 64
    assert all(64 - step >= 16 for step in np.diff(starts))


def test_window_is_a_multiple_and_fits():
    assert window_shape((160, 192, 160), 100, 32) == (96, 96, 96)
    assert window_shape((64, 192, 160), 100, 16) == (64, 96, 96)
    assert window_shape((64, 64, 64), 10, 16) == (16, 16, 16)


def test_weights_are_positive_symmetric_and_highest_in_the_centre():
    weights = blend_weights((32, 48, 64))
    assert weights.shape == (32, 48, 64) and weights.min() > 0
    for axis in range(3):
        np.testing.assert_allclose(weights, np.flip(weights, axis), rtol=1e-6)
    assert weights.argmax() in {
        np.ravel_multi_index((i, j, k), weights.shape) for i in (15, 16) for j in (23, 24) for k in (31, 32)
    }


def test_blending_reproduces_what_windows_agree_on(rng):
    values = rng.random((64, 80, 48))
    window = window_shape(values.shape, 32, 16)
    weight, total, blended = blend_weights(window), np.zeros(values.shape), np.zeros(values.shape)
    for place in windows(values.shape, window):
        blended[place] += values[place] * weight
        total[place] += weight
    np.testing.assert_allclose(blended / total, values, rtol=1e-6)
