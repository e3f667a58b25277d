"""Outputs on a part of the voxels are those of the whole."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainFMEngine.network.build import build_network
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.training import part_outputs
from BrainFMEngine.training.level_checkpoints import checkpoint_levels
from BrainFMEngine.training.part_outputs import block_window, last_map, outputs_on, sparse_window


@pytest.mark.parametrize("hidden_maps", [(), (12,)])
@pytest.mark.parametrize("unit_features", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_a_part_has_the_numbers_of_the_whole(monkeypatch, hidden_maps, unit_features, seed):
    monkeypatch.setattr(part_outputs, "FEW_VOXELS", 0)
    torch.manual_seed(seed)
    config = NetworkConfig(
        {"T1": 1, "segmentation": 3},
        f_maps=8,
        num_levels=2,
        unit_features=unit_features,
        hidden_maps=hidden_maps,
        contrast_heads=(),
    )
    network = build_network(config)
    image = torch.rand(1, 1, 12, 10, 14)
    with torch.no_grad():
        whole, features = network(image), last_map(network, image)
        for window in (sparse_window, block_window):
            chosen = window(image.shape[2:], np.random.default_rng(seed))
            for name, part in outputs_on(network, features, image, chosen, config.heads).items():
                assert torch.allclose(part, whole[name][(..., *chosen)], atol=1e-5), (window, name)


def test_small_samples_are_seen_whole():
    assert sparse_window((32, 32, 32), np.random.default_rng(0)) == (slice(0, 32, 1),) * 3
    assert block_window((32, 32, 32), np.random.default_rng(0)) == (slice(0, 32, 1),) * 3


def test_forgetting_maps_changes_no_gradient():
    torch.manual_seed(0)
    plain = build_network(NetworkConfig({"T1": 1}, f_maps=8, num_levels=3))
    frugal = build_network(plain.config)
    frugal.load_state_dict(plain.state_dict())
    checkpoint_levels(frugal)
    image = torch.rand(1, 1, 16, 16, 16)
    for network in (plain, frugal):
        network(image)["T1"].square().mean().backward()
    for (name, one), other in zip(plain.named_parameters(), frugal.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad), name
