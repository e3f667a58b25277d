"""Outputs on a part of the voxels: heads are cheap to evaluate where losses look, and losses need not look everywhere.

Voxel-wise terms see every second voxel along each axis at a random offset, terms of neighbours a random block of half
the size: an eighth of the voxels each. The expected losses are the same.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from BrainFMEngine.network.build import BrainNetwork
from BrainFMEngine.network.heads import HIDDEN_SLOPE, ConvBlock

FEW_VOXELS = 100_000
"""Samples no larger than this are seen whole."""

Window = tuple[slice, slice, slice]


def sparse_window(shape: tuple[int, ...], rng: np.random.Generator) -> Window:
    """Return every second voxel of (X, Y, Z), from a random first one; all of them where they are few."""
    step = _step(shape)
    x, y, z = (slice(int(rng.integers(step)), size, step) for size in shape)
    return x, y, z


def block_window(shape: tuple[int, ...], rng: np.random.Generator) -> Window:
    """Return a random block of half of each axis of (X, Y, Z); everything where voxels are few."""
    step = _step(shape)
    starts = [int(rng.integers(size - size // step + 1)) for size in shape]
    x, y, z = (slice(start, start + size // step, 1) for start, size in zip(starts, shape, strict=True))
    return x, y, z


def last_map(network: BrainNetwork, image: Tensor) -> Tensor:
    """Return the last map of the backbone, (B, f_maps, X, Y, Z), before it is brought to unit length."""
    maps = network.backbone.encode(image)
    features = maps.pop()
    for decoder in network.backbone.decoders_of(network.backbone.decoder_names[0]):
        features = decoder(maps.pop(), features)
    return features


def outputs_on(
    network: BrainNetwork, features: Tensor, image: Tensor, window: Window, heads: Iterable[str]
) -> dict[str, Tensor]:
    """Evaluate dense heads on a part of the voxels.

    Args:
        network: with at most one hidden layer in its heads.
        features: result of `last_map`.
        image: (B, in_channels, X, Y, Z), what the network was given.
        window: slices with whole starts, stops and steps.
        heads: which.

    Returns:
        head -> (B, channels, x, y, z), the same numbers as the whole output has there.
    """
    if network.head.layers:
        hidden = _hidden_on(network, features, window)
    else:
        hidden = _rows_first(_unit(network, features[(..., *window)]))
    seen = image[(..., *window)]
    return {name: network.head.output(name, hidden, seen) for name in heads}


def _step(shape: tuple[int, ...]) -> int:
    return 1 if int(np.prod(shape)) <= FEW_VOXELS else 2


def _unit(network: BrainNetwork, features: Tensor) -> Tensor:
    return F.normalize(features.float(), dim=1) if network.backbone.unit_features else features


def _rows_first(part: Tensor) -> Tensor:
    return part.contiguous(memory_format=torch.channels_last_3d)


def _hidden_on(network: BrainNetwork, features: Tensor, window: Window) -> Tensor:
    """Evaluate the hidden 3×3×3 layer on a part: its voxels with their neighbours go in, the convolution strides."""
    (layer,) = network.head.layers
    assert isinstance(layer, ConvBlock)
    sizes = features.shape[2:]
    around, pads = [], []
    for part, size in zip(window, sizes, strict=True):
        last = part.start + (len(range(part.start, part.stop, part.step)) - 1) * part.step
        around.append(slice(max(part.start - 1, 0), min(last + 2, size)))
        pads.append((int(part.start == 0), int(last + 1 == size)))
    x, y, z = around
    halo = _unit(network, features[..., x, y, z])
    halo = F.pad(halo, [pad for pair in reversed(pads) for pad in pair])
    steps = tuple(part.step for part in window)
    made = F.conv3d(_rows_first(halo), layer.main.weight, layer.main.bias, stride=steps)
    return _rows_first(F.leaky_relu(made, HIDDEN_SLOPE))
