"""Less memory for more time: the levels of the network forget their inner maps and compute them again when needed."""

from __future__ import annotations

from functools import partial

from torch.utils.checkpoint import checkpoint

from BrainFMEngine.network.build import BrainNetwork


def checkpoint_levels(network: BrainNetwork) -> None:
    """Let every encoder and decoder keep only what it was given, for the backward pass; in place.

    The results are the same bits: the same operations run twice on the same input.
    """
    levels = list(network.backbone.encoders)
    for name in network.backbone.decoder_names:
        levels.extend(network.backbone.decoders_of(name))
    for level in levels:
        level.forward = partial(checkpoint, level.forward, use_reentrant=False, preserve_rng_state=False)
