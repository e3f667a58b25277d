"""The network's input: the same head whatever surrounds it and however it is scaled."""

from __future__ import annotations

import numpy as np
import pytest
from BrainFMEngine.errors import InputImageError
from BrainFMEngine.image.conform import conform, is_sheared
from BrainFMEngine.image.intensity import detect_modality, robust_range
from BrainFMEngine.image.volume import Volume
from BrainFMEngine.progress import SilentProgress
from phantom import BRAIN, SKIN, head_at, make_head, points_of, rotation


@pytest.fixture(scope="module")
def head():
    return make_head(noise=8)


@pytest.fixture(scope="module")
def expected(head):
    return conform(head, 16)


def padded(volume, before, after, value=0.0):
    array = np.pad(volume.array, list(zip(before, after, strict=True)), constant_values=value)
    affine = volume.affine_ras.copy()
    affine[:3, 3] -= affine[:3, :3] @ np.array(before)
    return Volume(array, affine)


def ct_head(water=0.0):
    volume = make_head(noise=0)
    values = np.select([volume.array == 0, volume.array == SKIN], [-1000.0, 700.0], 35.0) + water
    return Volume(values.astype(np.float32), volume.affine_ras)


def test_range_shape_and_place(expected):
    array = expected.volume.array
    assert array.dtype == np.float32 and array.flags.c_contiguous
    assert array.min() == 0 and array.max() == 1
    assert all(n % 16 == 0 and n >= 32 for n in array.shape)
    truth = head_at(points_of(array.shape, expected.volume.affine_ras)) / expected.intensity_high
    assert np.abs(array - truth.clip(0, 1)).max() < 0.1
    assert expected.modality == "mr" and expected.intensity_high > BRAIN


@pytest.mark.parametrize("multiple", [8, 16, 32])
def test_size_multiple(head, multiple):
    shape = conform(head, multiple).volume.array.shape
    assert all(n % multiple == 0 and n >= max(2 * multiple, 32) for n in shape)


@pytest.mark.parametrize("pads", [((40, 0, 3), (0, 21, 10)), ((7, 7, 7), (7, 7, 7))])
def test_zeros_around_the_scan_change_nothing(head, expected, pads):
    found = conform(padded(head, *pads), 16)
    assert found.volume.grid.same_as(expected.volume.grid, 1e-9)
    assert np.abs(found.volume.array - expected.volume.array).max() < 0.02


def test_zeros_around_a_stripped_head_change_nothing_at_all():
    head = make_head(noise=0)
    found, expected = conform(padded(head, (5, 30, 0), (11, 0, 2)), 16), conform(head, 16)
    assert found.volume.grid.same_as(expected.volume.grid, 1e-9)
    assert np.array_equal(found.volume.array, expected.volume.array)


def test_more_noisy_air_changes_little():
    small, large = make_head((48, 56, 52), noise=25), make_head((80, 90, 84), noise=25)
    first, second = conform(small, 16).volume, conform(large, 16).volume
    assert np.abs(first.affine_ras - second.affine_ras).max() <= 1 and first.array.shape == second.array.shape


@pytest.mark.parametrize(("gain", "offset"), [(0.001, 0), (250.0, 0), (3.0, 100.0), (1e-20, 0), (1e15, 0)])
def test_scale_and_offset_change_nothing(head, expected, gain, offset):
    found = conform(head.with_array(head.array.astype(np.float64) * gain + offset), 16)
    inside = expected.volume.array > 0
    assert found.volume.grid.same_as(expected.volume.grid)
    assert np.allclose(found.volume.array[inside], expected.volume.array[inside], atol=1e-4)


def test_hot_and_cold_voxels_change_nothing(head, expected):
    array = head.array.copy()
    array[20, 20, 20], array[2, 3, 4], array[30, 30, 30] = 1e7, 1e9, -1e6
    found = conform(head.with_array(array), 16)
    assert found.volume.grid.same_as(expected.volume.grid)
    assert np.isclose(found.intensity_high, expected.intensity_high, rtol=0.01)
    assert np.count_nonzero(np.abs(found.volume.array - expected.volume.array) > 0.02) <= 3


@pytest.mark.parametrize("dtype", [np.int16, np.uint16, np.int32, np.int64, np.uint8, np.float64])
def test_types_give_the_same(head, dtype):
    whole = np.round(head.array / 5)
    found, expected = conform(head.with_array(whole.astype(dtype)), 16), conform(head.with_array(whole), 16)
    assert np.array_equal(found.volume.array, expected.volume.array)


def test_nan_and_infinity_are_air_and_extremes(head, expected):
    array = head.array.copy()
    array[:3], array[22, 26, 23] = np.nan, np.inf
    progress = SilentProgress()
    found = conform(head.with_array(array), 16, progress=progress)
    assert np.isfinite(found.volume.array).all() and np.isfinite(found.native.array).all()
    assert found.volume.grid.same_as(expected.volume.grid)
    text = " ".join(progress.warnings)
    assert "are NaN" in text and "1 voxels are infinite" in text
    assert tuple(progress.warnings) == found.warnings


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan, np.inf, 1e35])
def test_constant_images_are_refused(head, value):
    with pytest.raises(InputImageError, match="constant|no numbers"):
        conform(head.with_array(np.full(head.array.shape, value)), 16)


@pytest.mark.parametrize("array", [np.zeros((40, 40, 40), complex), np.zeros((40, 40)), np.zeros((40, 40, 40, 2))])
def test_what_is_no_scan_is_refused(array):
    with pytest.raises(InputImageError, match="not a 3D image of real numbers"):
        conform(Volume(array, np.eye(4)), 16)


def test_thick_slices_become_cubes():
    thick = make_head((44, 52, 10), (1, 1, 5), noise=0)
    found = conform(thick, 16).volume
    assert np.allclose(found.spacing_mm, 1, atol=1e-6)
    truth = head_at(points_of(found.array.shape, found.affine_ras))
    assert np.corrcoef(found.array.ravel(), truth.ravel())[0, 1] > 0.92


def test_other_working_resolution(head):
    assert np.allclose(conform(head, 16, spacing_mm=1.3).volume.spacing_mm, 1.3, rtol=0.02)


def test_sheared_scan_is_straightened_in_place():
    shear = rotation(5, 0, 10) @ np.array([[1, 0, 0], [0, 1, 0.3], [0, 0, 1]])
    sheared = make_head((46, 70, 50), directions=shear, noise=0)
    found = conform(sheared, 16).volume
    assert is_sheared(sheared.affine_ras) and not is_sheared(found.affine_ras)
    truth = head_at(points_of(found.array.shape, found.affine_ras))
    assert np.corrcoef(found.array.ravel(), truth.ravel())[0, 1] > 0.97


def test_rounding_noise_is_no_shear(head):
    noisy = head.affine_ras.copy()
    noisy[:3, :3] += np.random.default_rng(0).uniform(-5e-5, 5e-5, (3, 3))
    assert not is_sheared(noisy)


def test_ct_is_recognised_and_windowed():
    found = conform(ct_head(), 16)
    assert found.modality == "ct" and (found.intensity_low, found.intensity_high) == (0, 80)
    assert np.isclose(np.median(found.volume.array[found.volume.array > 0]), 35 / 80, atol=1e-5)


def test_ct_with_water_at_1024_is_recognised_with_a_warning():
    volume = ct_head(1024.0)
    volume = volume.with_array(np.where(volume.array < 100, 0, volume.array) + (volume.array > 1500) * 300)
    found = conform(volume, 16)
    assert found.modality == "ct" and (found.intensity_low, found.intensity_high) == (1024, 1104)
    assert any("--modality mr" in warning for warning in found.warnings)


def test_modality_can_be_said(head):
    assert conform(ct_head(), 16, modality="mr").modality == "mr"
    stripped = head.with_array(np.where(head.array > 100, 30, 0).astype(np.float32) + head.array / 100)
    assert conform(stripped, 16, modality="ct").intensity_high == 80


def test_mr_is_not_taken_for_ct(rng, head):
    assert detect_modality(head.array)[0] == "mr"
    assert detect_modality(head.array * 4)[0] == "mr"
    assert detect_modality(rng.normal(0, 300, (40, 40, 40)))[0] == "mr"
    assert detect_modality(rng.uniform(0, 4095, (40, 40, 40)))[0] == "mr"


def test_robust_range_of_sparse_and_binary_images():
    sparse = np.zeros((40, 40, 40))
    sparse[20, 20, 20] = 5
    assert robust_range(sparse).low == 0 and robust_range(sparse).high == 5


@pytest.mark.parametrize("kind", ["noise", "binary", "inverted", "half"])
def test_odd_images_pass_without_crash(kind, head, rng):
    array = {
        "noise": rng.random(head.array.shape),
        "binary": (head.array > 100).astype(np.uint8),
        "inverted": 1000 - head.array,
        "half": np.where(np.arange(44)[:, None, None] < 22, head.array, 0),
    }[kind]
    found = conform(head.with_array(array), 16)
    assert np.isfinite(found.volume.array).all()


def test_label_map_is_named(head):
    labels = np.digitize(head.array, [100, 400, 600]) * 10
    assert any("label map" in warning for warning in conform(head.with_array(labels), 16).warnings)
    assert not any("label map" in warning for warning in conform(head, 16).warnings)


def test_small_or_cut_head_is_doubted(head):
    assert any("of a head" in warning for warning in conform(head, 16).warnings)
    cube = np.zeros((100, 100, 100), np.float32)
    cube[10:90, 10:90, :] = 100
    warnings = conform(Volume(cube, np.eye(4)), 16).warnings
    assert any("cuts the head" in warning and "top" in warning for warning in warnings)


def test_same_input_same_bits(head, expected):
    assert conform(head, 16).volume.array.tobytes() == expected.volume.array.tobytes()
