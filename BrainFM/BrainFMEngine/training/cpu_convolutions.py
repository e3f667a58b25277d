"""The network's blocks in bfloat16 on a CPU: the same operations, forward and backward, by faster kernels.

A block is GroupNorm, 3×3×3 convolution, LeakyReLU. PyTorch's backward passes of the first two take most of a step on a
CPU. Here the sums that GroupNorm needs are matrix products over voxels, its gradient is one affine map a channel, and
the gradient of a wide convolution's input is computed for a slice of its channels at a time.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from BrainFMEngine.network.blocks import LEAKY_SLOPE, SingleConv

SLICES = {48: 16, 96: 32}
"""Input channels -> how many at a time; measured to be faster for the decoders of networks of 16 maps."""
NARROW = 8
"""Fewer channels than this make no good matrix."""
EPSILON = 1e-5


def use_fast_convolutions(network: nn.Module) -> None:
    """Replace the forward pass of every block, in place; outside of bfloat16 autocast on a CPU nothing changes."""
    for module in network.modules():
        if isinstance(module, SingleConv):
            module.forward = partial(_forward, module)  # type: ignore[method-assign]


def _forward(block: SingleConv, x: Tensor) -> Tensor:
    fast = x.device.type == "cpu" and torch.is_autocast_enabled("cpu")
    if not fast or torch.get_autocast_dtype("cpu") != torch.bfloat16 or len(x) != 1:
        return nn.Sequential.forward(block, x)
    norm = block.groupnorm
    with torch.autocast("cpu", enabled=False):
        return _Block.apply(x.bfloat16(), norm.weight, norm.bias, block.conv.weight, norm.num_groups)


class _Block(torch.autograd.Function):
    """GroupNorm, convolution and LeakyReLU of (1, C, X, Y, Z) bfloat16; weights and their gradients are float32."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor, shift: Tensor, weight: Tensor, groups: int) -> Tensor:
        channels = x.shape[1]
        normal, mean, scale = torch.native_group_norm(x, gain, shift, 1, channels, x[0, 0].numel(), groups, EPSILON)
        normal = normal.contiguous(memory_format=torch.channels_last_3d)
        short = weight.bfloat16()
        out = F.leaky_relu_(F.conv3d(normal, short, padding=1), LEAKY_SLOPE)
        ctx.save_for_backward(x, normal, out, mean, scale, gain, short)
        ctx.groups = groups
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, normal, out, mean, scale, gain, weight = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last_3d)
        gradient = torch.ops.aten.leaky_relu_backward(gradient, out, LEAKY_SLOPE, True)
        to_weight = _convolution_backward(gradient, normal, weight, which=1)
        to_normal = _input_gradient(gradient, normal, weight)
        to_x, to_gain, to_shift = _norm_backward(to_normal, x, mean, scale, gain, ctx.groups, ctx.needs_input_grad[0])
        return to_x, to_gain, to_shift, to_weight.float(), None


def _convolution_backward(gradient: Tensor, x: Tensor, weight: Tensor, which: int) -> Tensor:
    """Return the gradient of the input (`which` 0) or of the weight (1)."""
    ones, wanted = [1] * 3, [which == 0, which == 1, False]
    return torch.ops.aten.convolution_backward(gradient, x, weight, None, ones, ones, ones, False, [0] * 3, 1, wanted)[
        which
    ]


def _input_gradient(gradient: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    channels = x.shape[1]
    step = SLICES.get(channels, channels)
    parts = [
        _convolution_backward(gradient, x[:, start : start + step], weight[:, start : start + step], which=0)
        for start in range(0, channels, step)
    ]
    whole = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
    return whole.contiguous(memory_format=torch.channels_last_3d)


def _norm_backward(
    gradient: Tensor, x: Tensor, mean: Tensor, scale: Tensor, gain: Tensor, groups: int, needs_x: bool
) -> tuple[Tensor | None, Tensor, Tensor]:
    """Return the gradients of GroupNorm's input, gain and shift.

    With n = (x - mean) · scale per group, the input's gradient is a · gradient + b · x + c: one a for each channel, one
    b and c for each group.
    """
    shape, channels = x.shape, x.shape[1]
    given, seen = _rows(gradient), _rows(x.contiguous(memory_format=torch.channels_last_3d))
    with_x, alone = _sums(given, seen)
    share = channels // groups
    means, scales = mean.flatten().repeat_interleave(share), scale.flatten().repeat_interleave(share)
    to_gain, to_shift = (with_x - means * alone) * scales, alone
    if not needs_x:
        return None, to_gain, to_shift
    count = share * len(given)
    of_x, of_one = ((gain * part).view(groups, share).sum(1) for part in (with_x, alone))
    slope = (of_one * mean.flatten() - of_x) * scale.flatten() ** 3 / count
    offset = -slope * mean.flatten() - of_one * scale.flatten() / count
    a = (gain * scales).to(given.dtype)
    b, c = (part.repeat_interleave(share).to(given.dtype) for part in (slope, offset))
    to_x = torch.addcmul(c, seen, b).addcmul_(given, a)
    return to_x.view(1, *shape[2:], channels).permute(0, 4, 1, 2, 3), to_gain, to_shift


def _sums(given: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """Return for each channel the sum over voxels of gradient · x and of the gradient, float32."""
    if given.shape[1] < NARROW:
        return (given.float() * seen.float()).sum(0), given.float().sum(0)
    ones = torch.ones(1, len(given), dtype=given.dtype)
    return (given.T @ seen).diagonal().float(), (ones @ given)[0].float()


def _rows(x: Tensor) -> Tensor:
    """View (1, C, X, Y, Z), channels last, as one row a voxel."""
    return x.permute(0, 2, 3, 4, 1).reshape(-1, x.shape[1])
