"""Zoom and blur: the published values, and what must hold whatever the sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainFMEngine.generator.zoom import apply_separable, axis_matrix, blur, gaussian_kernel, zoom
from torch.testing import assert_close


@pytest.mark.golden
@pytest.mark.parametrize("case", range(4))
def test_zoom_has_the_published_positions(golden_dir, case):
    golden = np.load(golden_dir / "ops" / "zoom.npz")
    image, expected = (torch.from_numpy(golden[f"{name}{case}"]) for name in ("in", "out"))
    assert_close(zoom(image, expected.shape), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.golden
@pytest.mark.parametrize("std", [0.3, 0.5, 1.0, 1.7, 2.56])
def test_kernel_has_the_published_weights(golden_dir, std):
    expected = torch.from_numpy(np.load(golden_dir / "ops" / "blur.npz")[f"kernel_{std}"])
    assert_close(gaussian_kernel(std), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.golden
@pytest.mark.parametrize("case", range(4))
def test_blur_has_the_published_values(golden_dir, case):
    golden = np.load(golden_dir / "ops" / "blur.npz")
    volume, expected = (torch.from_numpy(golden[name]) for name in ("volume", f"blurred{case}"))
    assert_close(blur(volume, golden[f"stds{case}"].tolist()), expected, rtol=1e-5, atol=1e-5)


def test_nothing_to_do_returns_the_image_itself():
    image = torch.rand(5, 6, 7)
    assert zoom(image, (5, 6, 7)) is image
    assert blur(image, (0, 0, 0)) is image
    assert axis_matrix(9, 9) is None


def test_each_output_is_a_mean_of_inputs():
    for size_out in (1, 3, 11, 40):
        matrix = axis_matrix(12, size_out)
        assert (matrix >= 0).all()
        assert_close(matrix.sum(1), torch.ones(size_out))


def test_one_matrix_blurs_and_resamples():
    image = torch.rand(18, 16, 14)
    folded = apply_separable(image, tuple(axis_matrix(n, n // 2, 1.1) for n in image.shape))
    assert_close(folded, zoom(blur(image, (1.1, 1.1, 1.1)), (9, 8, 7)))


def test_channels_are_treated_alike():
    image = torch.rand(3, 8, 9, 10)
    for whole, each in (
        (zoom(image, (5, 12, 10)), [zoom(channel, (5, 12, 10)) for channel in image]),
        (blur(image, (1.0, 0, 0.5)), [blur(channel, (1.0, 0, 0.5)) for channel in image]),
    ):
        assert_close(whole, torch.stack(each))


def test_a_ramp_stays_a_ramp():
    ramp = torch.arange(20.0)[:, None, None].expand(20, 3, 3)
    assert_close(zoom(ramp, (10, 3, 3))[:, 1, 1], torch.arange(10.0) * 2 + 0.5)


def test_the_blur_of_a_point_has_the_width_asked_for():
    point = torch.zeros(41, 41, 3)
    point[20, 20] = 1
    profile = blur(point, (2.5, 0, 0))[:, 20, 1]
    offsets = torch.arange(41.0) - 20
    assert abs(float(profile.sum()) - 1) < 1e-5
    assert abs(float((profile * offsets**2).sum()) ** 0.5 - 2.5) < 0.05


def test_autocast_of_a_network_does_not_reach_it():
    image = torch.rand(8, 8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = zoom(image, (5, 5, 5))
    assert torch.equal(inside, zoom(image, (5, 5, 5)))
