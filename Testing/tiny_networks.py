"""Small networks that know nothing, as models would be loaded."""

from __future__ import annotations

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
PROTOCOLS = {40: "compact-40", 56: "brainfm-56", 33: "brain-id-33", 18: "brainfm-left-18"}


def tiny_network(name: str = "ignorant", **changes) -> BrainNetwork:
    """Build the same small network every time; `changes` are of its config."""
    config = NetworkConfig(**{"heads": HEADS, "f_maps": 8, "num_levels": 2, **changes})
    torch.manual_seed(0)
    network = build_network(config).eval()
    channels = config.heads.get("segmentation")
    network.info = ModelInfo(name, config, label_protocol=PROTOCOLS[channels] if channels else None)
    return network


def random_network(**changes) -> BrainNetwork:
    """Build a small network whose every parameter is random, so that no mistake hides behind a zero or a one."""
    network = tiny_network("tiny", **{"num_levels": 5, **changes})
    generator = torch.Generator().manual_seed(20251120)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=generator)
    return network
