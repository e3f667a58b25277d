"""Resizing to 1 mm against closed forms and against reference values of the published preparation."""

from __future__ import annotations

import numpy as np
import pytest
from BrainFMEngine.image.intensity import ct_range
from BrainFMEngine.image.orientation import reorient
from BrainFMEngine.image.resize import gaussian_matrix, resize_matrix, resize_to_spacing
from BrainFMEngine.image.volume import Volume


@pytest.fixture(scope="module")
def reference(golden_dir):
    with np.load(golden_dir / "ops" / "prepare.npz") as data:
        return dict(data)


def minmax(volume):
    return (volume - volume.min()) / (volume.max() - volume.min())


@pytest.mark.golden
@pytest.mark.parametrize("case", range(5))
def test_resized_as_the_reference(reference, case):
    found = resize_to_spacing(Volume(minmax(reference[f"c{case}_volume"]), reference[f"c{case}_affine"]))
    assert np.allclose(found.array, reference[f"c{case}_resized"], rtol=1e-5, atol=1e-5)
    assert np.allclose(found.affine_ras, reference[f"c{case}_resized_affine"], atol=1e-6)


@pytest.mark.golden
@pytest.mark.parametrize("case", range(5))
@pytest.mark.parametrize("steps", [(resize_to_spacing, reorient), (reorient, resize_to_spacing)])
def test_aligned_as_the_reference_in_either_order(reference, case, steps):
    found = Volume(minmax(reference[f"c{case}_volume"]), reference[f"c{case}_affine"])
    for step in steps:
        found = step(found)
    assert np.allclose(found.array, reference[f"c{case}_intended"], rtol=1e-5, atol=1e-5)
    assert np.allclose(found.affine_ras, reference[f"c{case}_intended_affine"], atol=1e-6)


@pytest.mark.golden
def test_ct_window_as_the_reference(golden_dir):
    with np.load(golden_dir / "ops" / "prepare_ct.npz") as data:
        assert np.allclose(ct_range(0).apply(data["hu"]), data["network_input"], atol=1e-5)


def test_rows_sum_to_one_away_from_the_border():
    assert np.allclose(resize_matrix(40, 60).sum(1), 1)
    assert np.allclose(resize_matrix(60, 20).sum(1)[5:-5], 1, atol=1e-6)
    assert np.allclose(gaussian_matrix(30, 1.3).sum(1)[5:-5], 1)


def test_a_ramp_stays_a_ramp_in_world_space():
    affine = np.diag([2.0, 2.5, 0.7, 1])
    index = np.stack(np.meshgrid(*(np.arange(n) for n in (30, 28, 80)), indexing="ij"), -1)
    volume = Volume((index @ affine[:3, :3] @ [1.0, 2.0, 3.0]).astype(np.float32), affine)
    found = resize_to_spacing(volume)
    index = np.stack(np.meshgrid(*(np.arange(n) for n in found.array.shape), indexing="ij"), -1)
    ramp = (index @ found.affine_ras[:3, :3].T + found.affine_ras[:3, 3]) @ [1.0, 2.0, 3.0]
    inner = (slice(5, -5),) * 3
    assert np.allclose(found.array[inner], ramp[inner], atol=1e-2)


def test_one_millimetre_is_left_alone(rng):
    volume = Volume(rng.random((20, 21, 22), np.float32), np.eye(4))
    assert np.array_equal(resize_to_spacing(volume).array, volume.array)


def test_fine_detail_is_removed_before_downsampling():
    stripes = np.zeros((64, 16, 16), np.float32)
    stripes[::2] = 1
    found = resize_to_spacing(Volume(stripes, np.diag([0.5, 1, 1, 1])))
    assert np.ptp(found.array[4:-4]) < 0.2
