"""The backbone's forward pass for inference: the numbers of `network.unet`, in less time and memory.

Two exact rewrites. GroupNorm works in place. Skip and upsampled maps are never joined: nearest upsampling repeats
each value, so the 3 taps of a convolution on the fine grid fall on 2 values of the coarse one, and the convolution
of [skip, up(low)] is a convolution of skip plus a transposed convolution of low with 4 taps and stride 2.
GroupNorm's statistics of the joined map follow from those of its two parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional as F

from BrainFMEngine.inference.moments import channel_moments, group_scale, scale_in_place, unit_length_in_place
from BrainFMEngine.network.blocks import Decoder, DoubleConv, Encoder, SingleConv
from BrainFMEngine.network.unet import UNet3D

Step = Callable[[float], None]

PHASED_LEVELS = 3  # the finest decoders; the kernels of coarser ones are larger than their maps
ENCODER_COST = 0.3  # work of an encoder relative to the decoder of its level

# Row t: which of the taps -1, 0, +1 fall on tap t of the transposed kernel (stride 2, padding 1).
_TAPS = ((0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 0.0, 0.0))


def lean_features(backbone: UNet3D, image: Tensor, step: Step) -> Tensor:
    """Compute the last feature map of the first decoder branch, without gradients.

    Args:
        backbone: the network's backbone, on the device of `image`.
        image: (1, in_channels, X, Y, Z) float32, left unchanged.
        step: told after each level which fraction (0..1) of the work is done; may raise to stop.

    Returns:
        (1, f_maps, X, Y, Z), equal to `backbone(image)[-1]` within float32 rounding.
    """
    levels = len(backbone.encoders)
    costs = [ENCODER_COST * 0.5**level for level in range(levels)] + [0.5**level for level in range(levels - 1)][::-1]
    maps = [image.clone()]
    for level in range(levels):
        maps.append(_encode(backbone, level, maps))
        step(sum(costs[: level + 1]) / sum(costs))
    # Metal has no transposed 3D convolution.
    first_phased = levels if image.device.type == "mps" else levels - 1 - PHASED_LEVELS
    decoders = cast(Sequence[Decoder], backbone.decoders_of(backbone.decoder_names[0]))
    for level, decoder in enumerate(decoders):
        maps.append(_decode(decoder, maps, phased=level >= first_phased))
        step(sum(costs[: levels + level + 1]) / sum(costs))
    return unit_length_in_place(maps.pop()) if backbone.unit_features else maps.pop()


def _encode(backbone: UNet3D, level: int, maps: list[Tensor]) -> Tensor:
    """Use the last of `maps`; the image itself is taken from the list, skips stay in it."""
    encoder = cast(Encoder, backbone.encoders[level])
    return _double(encoder.basic_module, [F.max_pool3d(maps[-1], 2) if encoder.pool else maps.pop()])


def _decode(decoder: Decoder, maps: list[Tensor], phased: bool) -> Tensor:
    """Use the last two of `maps`, low and skip, and take them from the list."""
    low, skip = maps.pop(), maps.pop()
    if phased and all(fine == 2 * coarse for fine, coarse in zip(skip.shape[2:], low.shape[2:], strict=True)):
        parts = [skip, low]
        del skip, low
        return _single(decoder.basic_module.SingleConv2, [_phased(decoder.basic_module.SingleConv1, parts)])
    joined = [torch.cat((skip, F.interpolate(low, size=skip.shape[2:], mode="nearest")), dim=1)]
    del skip, low
    return _double(decoder.basic_module, joined)


def _double(block: DoubleConv, box: list[Tensor]) -> Tensor:
    return _single(block.SingleConv2, [_single(block.SingleConv1, box)])


def _single(layer: SingleConv, box: list[Tensor]) -> Tensor:
    """Run one layer on the only tensor in `box`; the list lets the tensor go as soon as it is used."""
    x = box.pop()
    scale_in_place(x, *group_scale(layer.groupnorm, *channel_moments(x)))
    return layer.activation(layer.conv(x))


def _phased(layer: SingleConv, parts: list[Tensor]) -> Tensor:
    """Run one layer on [skip, up(low)] given (skip, low)."""
    skip, low = parts
    channels = skip.shape[1]
    mean, variance = (torch.cat(pair) for pair in zip(channel_moments(skip), channel_moments(low), strict=True))
    scale, shift = group_scale(layer.groupnorm, mean, variance)
    scale_in_place(skip, scale[:channels], shift[:channels])
    scale_in_place(low, scale[channels:], shift[channels:])
    x = F.conv3d(skip, layer.conv.weight[:, :channels], padding=1)
    parts.clear()
    del skip
    x += F.conv_transpose3d(low, _transposed_kernel(layer.conv.weight[:, channels:]), stride=2, padding=1)
    return layer.activation(x)


def _transposed_kernel(kernel: Tensor) -> Tensor:
    """Turn (out, in, 3, 3, 3) after nearest upsampling into (in, out, 4, 4, 4) before it."""
    taps = kernel.new_tensor(_TAPS)
    return torch.einsum("ai,bj,ck,oxijk->xoabc", taps, taps, taps, kernel).contiguous(
        memory_format=torch.channels_last_3d
    )
