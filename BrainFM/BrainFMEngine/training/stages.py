"""Growing a network from coarse to fine: its deep levels are a smaller network for heads of 4 mm, then 2 mm voxels.

A network of the compact family without its first level is one of half the resolution, twice the maps and one level
less. A whole head at 4 mm has few voxels, so where things are is learnt there, at little cost; each finer stage
keeps those levels and adds the one that sees its own resolution.
"""

from __future__ import annotations

import torch

from BrainFMEngine.anatomy.protocols import COMPACT_40
from BrainFMEngine.network.build import BrainNetwork, build_network
from BrainFMEngine.network.config import NetworkConfig

SPACINGS_MM = (4, 2, 1)
F_MAPS, NUM_LEVELS = 16, 5
HEADS = {
    "T1": 1,
    "T2": 1,
    "FLAIR": 1,
    "CT": 1,
    "bias_field_log": 1,
    "segmentation": len(COMPACT_40.ids),
    "distance": 4,
    "registration": 3,
}
WIDE_HEADS = {"segmentation": 8.0, "distance": 6.0}
"""Heads whose outputs span many units, and by how much their first weights are enlarged."""


def stage_config(spacing_mm: int) -> NetworkConfig:
    """Return the architecture of the stage that works at 4, 2 or 1 mm; the last is the compact model's."""
    removed = {1: 0, 2: 1, 4: 2}[spacing_mm]
    return NetworkConfig(heads=HEADS, f_maps=F_MAPS * 2**removed, num_levels=NUM_LEVELS - removed)


def initial_network(spacing_mm: int = 1) -> BrainNetwork:
    """Build an untrained stage; heads that read unit vectors start at the size of their outputs."""
    network = build_network(stage_config(spacing_mm)).to(memory_format=torch.channels_last_3d)
    with torch.no_grad():
        for name, scale in WIDE_HEADS.items():
            getattr(network.head, f"final_conv_{name}").weight.mul_(scale)
    return network


def grow(fine: BrainNetwork, coarse: BrainNetwork) -> None:
    """Copy a trained stage into the deep levels of the next finer one, in place.

    Level k of the coarse network becomes level k + 1. Its very first layer saw the image, not feature maps, so it has
    no place; nor have its heads, which read twice as many maps.
    """
    stem = "basic_module.SingleConv1."
    for level, encoder in enumerate(coarse.backbone.encoders):
        state = encoder.state_dict()
        if level == 0:
            state = {name: tensor for name, tensor in state.items() if not name.startswith(stem)}
        fine.backbone.encoders[level + 1].load_state_dict(state, strict=level > 0)
    for index, decoder in enumerate(coarse.backbone.decoders):
        fine.backbone.decoders[index].load_state_dict(decoder.state_dict())
