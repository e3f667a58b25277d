"""A tiny untrained network of the family, as a model would be loaded."""

from __future__ import annotations

import pytest
import torch
from BrainFMEngine.network.build import BrainNetwork, build_network
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.network.info import ModelInfo

HEADS = {
    "T1": 1,
    "T2": 1,
    "FLAIR": 1,
    "CT": 1,
    "bias_field_log": 1,
    "segmentation": 40,
    "distance": 4,
    "registration": 3,
}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def random_network(**changes) -> BrainNetwork:
    """Return a small network whose every parameter is random, so that no mistake hides behind a zero or a one."""
    config = NetworkConfig(**{"heads": HEADS, "f_maps": 8, "num_levels": 5, **changes})
    generator = torch.Generator().manual_seed(20251120)
    network = build_network(config).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    protocol = {40: "compact-40", 56: "brainfm-56", 33: "brain-id-33", 18: "brainfm-left-18"}
    channels = config.heads.get("segmentation")
    network.info = ModelInfo("tiny", config, label_protocol=protocol[channels] if channels else None)
    return network


@pytest.fixture
def make_network():
    """Function that builds a small network; keyword arguments change its config."""
    return random_network


@pytest.fixture
def network() -> BrainNetwork:
    return random_network()
