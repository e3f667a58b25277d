"""Left is left: however a head is stored, it is the same head in world space."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from BrainFMEngine.image.conform import conform
from BrainFMEngine.image.orientation import closest_ras, reorient
from BrainFMEngine.image.resample import resample, resample_labels
from phantom import ORIENTATIONS, head_at, labels_at, make_head, points_of, rotation, stored_as


@pytest.fixture(scope="module")
def head():
    return make_head()


@pytest.fixture(scope="module")
def expected(head):
    return conform(head, 16)


@pytest.mark.parametrize(("order", "flips"), ORIENTATIONS)
def test_every_storage_order_gives_the_same_network_input(head, expected, order, flips):
    found = conform(stored_as(head, order, flips), 16)
    assert np.array_equal(found.volume.array, expected.volume.array)
    assert np.allclose(found.volume.affine_ras, expected.volume.affine_ras, atol=1e-9)
    assert found.intensity_high == expected.intensity_high


@pytest.mark.parametrize(("order", "flips"), ORIENTATIONS)
def test_results_return_to_every_storage_order(head, expected, order, flips):
    native = stored_as(head, order, flips)
    labels = labels_at(points_of(expected.volume.grid.shape, expected.volume.affine_ras))
    ids = (0, 2, 41, 4, 85)
    back = resample_labels([(labels == i).astype(np.float32) for i in ids], expected.volume.grid, native.grid, ids)
    assert back.shape == native.array.shape
    assert np.array_equal(back, labels_at(points_of(native.grid.shape, native.affine_ras)))


def test_oblique_scan_keeps_its_axes_and_its_place():
    turned = make_head((50, 56, 52), directions=rotation(12, -8, 20), noise=0)
    image = conform(turned, 16).volume
    assert np.allclose(image.affine_ras[:3, :3], turned.affine_ras[:3, :3], atol=1e-9)
    truth = head_at(points_of(image.grid.shape, image.affine_ras))
    assert np.corrcoef(image.array.ravel(), truth.ravel())[0, 1] > 0.999
    mirrored = head_at(points_of(image.grid.shape, image.affine_ras) * [-1, 1, 1])
    assert np.corrcoef(image.array.ravel(), mirrored.ravel())[0, 1] < 0.99


def test_oblique_scan_in_all_storage_orders():
    turned = make_head((30, 32, 30), (1.5, 1.7, 1.6), rotation(12, -8, 20))
    expected = conform(turned, 16).volume
    for order, flips in ORIENTATIONS:
        found = conform(stored_as(turned, order, flips), 16).volume
        assert np.allclose(found.array, expected.array, atol=1e-5)
        assert np.allclose(found.affine_ras, expected.affine_ras, atol=1e-6)


@pytest.mark.parametrize("degrees", [(45, 0, 0), (0, 45, 0), (0, 0, 45), (45, 45, 0), (90, 45, 0)])
def test_ties_are_decided_alike_in_every_storage_order(degrees):
    turned = make_head((12, 13, 14), directions=rotation(*degrees))
    expected = reorient(turned)
    for order, flips in ORIENTATIONS:
        found = reorient(stored_as(turned, order, flips))
        assert np.array_equal(found.array, expected.array)
        assert np.allclose(found.affine_ras, expected.affine_ras, atol=1e-9)


def test_axes_agree_with_nibabel(rng):
    for _ in range(60):
        directions = np.linalg.qr(rng.normal(size=(3, 3)))[0]
        if np.sort(np.abs(directions).max(axis=0))[0] < 0.75:
            continue
        affine = np.eye(4)
        affine[:3, :3] = directions * rng.uniform(0.5, 5, 3)
        order, flip = closest_ras(affine)
        ornt = nib.io_orientation(affine)
        assert [int(ornt[order[d], 0]) for d in range(3)] == [0, 1, 2]
        assert [bool(ornt[order[d], 1] < 0) for d in range(3)] == list(flip)


def test_axes_never_claim_the_same_direction():
    affine = np.diag([1.0, 1, 1, 1])
    affine[:3, :3] = np.array([[0.8, 0.75, 0.0], [0.6, 0.66, 0.0], [0.0, 0.0, 1.0]])
    order, _ = closest_ras(affine)
    assert sorted(order) == [0, 1, 2]


def test_far_origin_changes_nothing(head, expected):
    moved = np.array(head.affine_ras)
    moved[:3, 3] += [40000.0, -70000.0, 90000.0]
    found = conform(type(head)(head.array, moved), 16)
    assert np.array_equal(found.volume.array, expected.volume.array)
    back = resample(found.volume.array, found.volume.grid, type(head)(head.array, moved).grid, 0.0)
    assert np.array_equal(back, resample(expected.volume.array, expected.volume.grid, head.grid, 0.0))
