"""Building blocks of the U-Net. Module names are those of the published checkpoints."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from BrainFMEngine.network.config import GROUPS

LEAKY_SLOPE = 0.01


class SingleConv(nn.Sequential):
    """GroupNorm, 3×3×3 convolution without bias, LeakyReLU; (B, C, X, Y, Z) to (B, out, X, Y, Z).

    GroupNorm has 8 groups, or 1 when the input has fewer than 8 channels.
    """

    groupnorm: nn.GroupNorm
    conv: nn.Conv3d
    activation: nn.LeakyReLU

    def __init__(self, in_channels: int, out_channels: int):
        groups = 1 if in_channels < GROUPS else GROUPS
        super().__init__(
            OrderedDict(
                groupnorm=nn.GroupNorm(groups, in_channels),
                conv=nn.Conv3d(in_channels, out_channels, 3, padding=1, bias=False),
                activation=nn.LeakyReLU(LEAKY_SLOPE, inplace=True),
            )
        )


class DoubleConv(nn.Sequential):
    """Two SingleConvs; an encoder widens in two steps, a decoder narrows in the first."""

    SingleConv1: SingleConv
    SingleConv2: SingleConv

    def __init__(self, in_channels: int, out_channels: int, encoder: bool):
        middle = max(out_channels // 2, in_channels) if encoder else out_channels
        super().__init__(
            OrderedDict(SingleConv1=SingleConv(in_channels, middle), SingleConv2=SingleConv(middle, out_channels))
        )


class Encoder(nn.Module):
    """One level down: 2× max pooling (except on the first level), then DoubleConv."""

    def __init__(self, in_channels: int, out_channels: int, pool: bool):
        super().__init__()
        self.pool = pool
        self.basic_module = DoubleConv(in_channels, out_channels, encoder=True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, X, Y, Z) to (B, out, X//2, Y//2, Z//2)."""
        return self.basic_module(F.max_pool3d(x, 2) if self.pool else x)


class Decoder(nn.Module):
    """One level up: nearest upsampling to the skip's size, [skip, upsampled], DoubleConv."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.basic_module = DoubleConv(in_channels, out_channels, encoder=False)

    def forward(self, skip: Tensor, x: Tensor) -> Tensor:
        """Map skip (B, C1, X, Y, Z) and x (B, C2, x, y, z) to (B, out, X, Y, Z)."""
        x = F.interpolate(x, size=skip.shape[2:], mode="nearest")
        return self.basic_module(torch.cat((skip, x), dim=1))
