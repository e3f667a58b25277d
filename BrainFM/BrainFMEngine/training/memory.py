"""How much memory a training step needs, told from the recipe before anything is allocated."""

from __future__ import annotations

import math
from itertools import pairwise

from BrainFMEngine.image.volume import Shape3D
from BrainFMEngine.network.config import NetworkConfig

FLOAT_BYTES, HALF_BYTES = 4, 2
CHECKPOINT_COPIES = 3
"""Weights and the two moments of AdamW; the averaged weights are one more, and in memory gradients, too."""
KERNELS, HALF_KERNELS = (1.2, 180_000_000), (1.3, 30_000_000)
"""Gradients of maps and what convolutions copy: a multiple of the maps, and bytes at any size. Measured on a CPU."""
LOSS_COPIES = 4
"""Float32 copies of an output that its losses hold at once: output, logarithm or difference, gradient."""


def step_bytes(
    config: NetworkConfig, shape: Shape3D, half: bool, checkpointing: bool, loss_fraction: float = 1.0
) -> int:
    """Estimate the peak of one training step of one sample, beside weights and optimizer.

    Args:
        config: the architecture.
        shape: (X, Y, Z) voxels of the sample.
        half: whether maps are kept in 16 bits (autocast).
        checkpointing: whether levels keep only their input (see `level_checkpoints`).
        loss_fraction: share of the voxels that outputs are computed on.

    Returns:
        bytes on the device.
    """
    voxels = math.prod(shape)
    inner = [size * channels for size, channels in _inner_maps(config)]
    if checkpointing:
        maps = sum(size * channels for size, channels in _kept_maps(config)) + max(inner)
    else:
        maps = sum(inner)
    outputs = sum(config.heads.values()) * LOSS_COPIES * loss_fraction + config.f_maps + sum(config.hidden_maps)
    held = voxels * (maps * (HALF_BYTES if half else FLOAT_BYTES) + outputs * FLOAT_BYTES)
    share, always = HALF_KERNELS if half else KERNELS
    return int(held * share) + always


def weight_bytes(parameters: int, averaged: bool) -> int:
    """Return what `parameters` float32 weights need with their gradients, AdamW's moments and, if kept, the average."""
    return parameters * FLOAT_BYTES + checkpoint_bytes(parameters, averaged)


def checkpoint_bytes(parameters: int, averaged: bool) -> int:
    """Return the size of a checkpoint: weights, AdamW's moments and, if kept, the average, float32."""
    return parameters * FLOAT_BYTES * (CHECKPOINT_COPIES + averaged)


def _inner_maps(config: NetworkConfig) -> list[tuple[float, float]]:
    """Return for each encoder and decoder its voxels, relative to full resolution, and the channels backward needs.

    A SingleConv keeps its input (twice: as given and normalised) and its output, which the next one shares.
    """
    widths = [config.f_maps * 2**level for level in range(config.num_levels)]
    levels = []
    for level, (n_in, n_out) in enumerate(pairwise([config.in_channels, *widths])):
        middle = max(n_out // 2, n_in)
        levels.append((8.0**-level, 2 * n_in + 2 * middle + n_out))
    for level, (high, low) in enumerate(pairwise(widths)):
        levels.append((8.0**-level, 2 * (low + high) + 2 * high + high))
    return levels


def _kept_maps(config: NetworkConfig) -> list[tuple[float, float]]:
    """Return what each level keeps under checkpointing: its output, which is the next one's input."""
    widths = [config.f_maps * 2**level for level in range(config.num_levels)]
    return [(8.0**-level, 2 * width) for level, width in enumerate(widths)]
