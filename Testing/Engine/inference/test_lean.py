"""The lean forward pass gives the numbers of the plain one."""

from __future__ import annotations

import copy

import pytest
import torch
from BrainFMEngine.inference.lean import lean_features
from BrainFMEngine.inference.moments import channel_moments, group_scale, scale_in_place

SIZES = {"cube": (32, 32, 32), "box": (48, 32, 64), "one voxel at the bottom": (16, 16, 16), "odd": (37, 33, 50)}


def run_lean(network, image):
    network.to(memory_format=torch.channels_last_3d)
    given = image.contiguous(memory_format=torch.channels_last_3d)
    with torch.inference_mode():
        return lean_features(network.backbone, given, lambda fraction: None)


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(
    "changes", [{}, {"num_levels": 3}, {"unit_features": False}, {"in_channels": 3}, {"f_maps": 16}], ids=str
)
def test_equals_plain_forward(make_network, size, changes):
    network = make_network(**changes)
    image = torch.rand(1, network.config.in_channels, *size, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        exact = copy.deepcopy(network).double().backbone(image.double())[-1]
        plain_error = (network.backbone(image)[-1] - exact).abs()
    lean_error = (run_lean(network, image) - exact).abs()
    # Unit length magnifies float32 rounding where features are almost nothing, in both, and differently on each CPU.
    assert lean_error.max() <= max(1e-4, 10 * plain_error.max())
    assert lean_error.mean() <= max(2e-5, 5 * plain_error.mean())


def test_first_branch_of_two_decoders(make_network):
    network = make_network(decoder_names=("normal", "pathol"))
    image = torch.rand(1, 1, 32, 32, 32)
    with torch.inference_mode():
        plain = network.backbone(image)[-1]
    assert (run_lean(network, image) - plain).abs().mean() < 1e-5


def test_leaves_the_image_and_the_weights_alone(network):
    image = torch.rand(1, 1, 32, 32, 32)
    before, weights = image.clone(), copy.deepcopy(network.state_dict())
    run_lean(network, image)
    assert torch.equal(image, before)
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())


def test_same_input_same_bits(network):
    image = torch.rand(1, 1, 48, 32, 32)
    assert torch.equal(run_lean(network, image), run_lean(network, image))


def test_tells_growing_fractions_up_to_one(network):
    told = []
    with torch.inference_mode():
        lean_features(network.backbone, torch.rand(1, 1, 32, 32, 32), told.append)
    assert told == sorted(told) and told[0] > 0 and told[-1] == pytest.approx(1)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_group_norm_in_place(offset):
    x = torch.rand(1, 24, 11, 12, 13).contiguous(memory_format=torch.channels_last_3d) + offset
    norm = torch.nn.GroupNorm(8, 24)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    with torch.no_grad():
        expected = norm.double()(x.double()).float()
        scale_in_place(x, *group_scale(norm, *channel_moments(x)))
    torch.testing.assert_close(x, expected, atol=1e-5 * max(offset, 1), rtol=1e-4)


def test_constant_image_stays_finite(network):
    assert torch.isfinite(run_lean(network, torch.zeros(1, 1, 32, 32, 32))).all()
