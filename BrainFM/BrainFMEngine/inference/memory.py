"""How much memory a run will take, told before it starts from the architecture and the shape alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from BrainFMEngine.image.volume import Shape3D
from BrainFMEngine.inference.lean import PHASED_LEVELS
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.tasks import offered_tasks

FLOAT_BYTES, HALF_BYTES = 4, 2


def run_bytes(config: NetworkConfig, shape: Shape3D, passes: int = 1) -> int:
    """Estimate the peak of one evaluation of the network on `shape`, beside weights and results.

    Args:
        config: the architecture.
        shape: (X, Y, Z) voxels given to the network at once.
        passes: 2 when the mirrored image is evaluated too, else 1.

    Returns:
        bytes on the device; from a fifth below to two fifths above what is measured, depending on the CPU.
    """
    voxels = math.prod(shape)
    held = config.f_maps * (passes - 1)
    heads = config.f_maps * passes + sum(config.hidden_maps) * passes + _slab_channels(config) * passes
    channels = max(held + max(_stages(config)), heads)
    return int(FLOAT_BYTES * voxels * (channels + config.in_channels))


def result_bytes(config: NetworkConfig, heads: Iterable[str], shape: Shape3D, windows: bool) -> int:
    """Estimate main memory for raw results on the 1 mm grid of `shape`.

    Whole volumes hold one head at a time beside the segmentation; windows need sums of all heads in float32.
    """
    voxels = math.prod(shape)
    tasks = offered_tasks(config.task_heads)
    widths = {head: config.heads[head] for head in heads}
    if windows:
        return FLOAT_BYTES * voxels * (sum(widths.values()) + 1)
    soft = sum(width for head, width in widths.items() if tasks[head].finish == "softmax")
    others = [width for head, width in widths.items() if tasks[head].finish != "softmax"]
    return voxels * (HALF_BYTES * soft + 2 * FLOAT_BYTES * max(others, default=0))


def kept_bytes(config: NetworkConfig, heads: Iterable[str], voxels: int, posteriors: bool) -> int:
    """Estimate main memory for finished results on a grid of `voxels`, with room for the one that is being moved."""
    tasks = offered_tasks(config.task_heads)
    maps = sum(config.heads[head] for head in heads if tasks[head].finish != "softmax")
    soft = sum(config.heads[head] for head in heads if tasks[head].finish == "softmax")
    labels = HALF_BYTES + 1 + (HALF_BYTES * soft if posteriors else 0)
    return voxels * (FLOAT_BYTES * (maps + 3) + labels)


def _stages(config: NetworkConfig) -> Iterator[float]:
    """Yield the channels alive at each step of `lean_features`, counted at full resolution."""
    widths = [config.f_maps * 2**level for level in range(config.num_levels)]
    skips = 0.0
    for level, width in enumerate(widths):
        size = 8.0**-level
        channels = widths[level - 1] if level else config.in_channels
        middle = max(width // 2, channels)
        yield skips + size * max(channels + middle, middle + width)
        skips += size * width
    low = widths[-1]
    skips -= 8.0 ** -(config.num_levels - 1) * low
    for index, level in enumerate(range(config.num_levels - 2, -1, -1)):
        size, width = 8.0**-level, widths[level]
        skips -= size * width
        phased = index >= config.num_levels - 1 - PHASED_LEVELS
        first = 2 * width + low / 8 if phased else 2 * (width + low) + low / 8
        yield skips + size * max(first, 2 * width)
        low = width


def _slab_channels(config: NetworkConfig) -> float:
    """Channels of the widest head, which is computed in slabs of an eighth."""
    return max(config.heads.values(), default=0) / 8
