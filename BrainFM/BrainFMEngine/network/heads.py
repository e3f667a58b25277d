"""Task heads: what turns the last feature map into outputs (facts of the published systems, heads table)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from BrainFMEngine.network.config import NetworkConfig

HIDDEN_SLOPE = 0.2


class ConvBlock(nn.Module):
    """A hidden 3×3×3 convolution with bias and LeakyReLU(0.2)."""

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.main = nn.Conv3d(in_channels, out_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, X, Y, Z) to (B, out, X, Y, Z)."""
        return F.leaky_relu(self.main(x), HIDDEN_SLOPE)


class TaskHeads(nn.Module):
    """All dense heads and, where the config has one, the age head."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.config = config
        self.image_first = bool(config.hidden_maps and config.contrast_heads)
        widths = (config.f_maps + self.image_first * config.in_channels, *config.hidden_maps)
        self.layers = nn.ModuleList(ConvBlock(n_in, n_out) for n_in, n_out in pairwise(widths))
        for name, channels in config.heads.items():
            extra = config.in_channels if self._image_last(name) else 0
            self.add_module(f"final_conv_{name}", nn.Conv3d(widths[-1] + extra, channels, 1))
        if config.age_size is not None:
            self._add_age_layers(widths[-1], config.age_size)

    def _add_age_layers(self, channels: int, size: tuple[int, int, int]) -> None:
        self.pool_layers = nn.ModuleList(
            [nn.MaxPool3d(4, 4), ConvBlock(channels, 16), nn.MaxPool3d(4, 4), ConvBlock(16, 4)]
        )
        flat = 4 * math.prod(edge // 16 for edge in size)
        self.final_linear1_age = nn.Linear(flat, 160)
        self.final_linear2_age = nn.Linear(160, 10)
        self.final_linear3_age = nn.Linear(10, 1)

    def _image_last(self, name: str) -> bool:
        """Tell whether the last convolution of this head sees the image (hidden layers would have seen it before)."""
        return name in self.config.contrast_heads and not self.image_first

    def forward(self, features: Tensor, image: Tensor) -> dict[str, Tensor]:
        """Return every raw output; see `iterate` for the shapes."""
        return dict(self.iterate(features, image))

    def iterate(self, features: Tensor, image: Tensor, age: bool = True) -> Iterator[tuple[str, Tensor]]:
        """Yield (name, raw output) one by one, so that a caller can use and drop each.

        Args:
            features: (B, f_maps, X, Y, Z), the last map of the backbone.
            image: (B, in_channels, X, Y, Z), what the network was given.
            age: whether to evaluate the age head, which only fits inputs of `age_size`.

        Yields:
            dense heads as (B, channels, X, Y, Z); "age" as (B,) in years before the absolute value.
        """
        hidden = self.hidden(features, image)
        for name in self.config.heads:
            yield name, self.output(name, hidden, image)
        if age and self.config.age_size is not None:
            yield "age", self._age(hidden)

    def hidden(self, features: Tensor, image: Tensor) -> Tensor:
        """Return what every output layer sees, (B, channels, X, Y, Z): the features, unless there are hidden layers."""
        x = torch.cat((features, image), 1) if self.image_first else features
        for layer in self.layers:
            x = layer(x)
        return x

    def output(self, name: str, hidden: Tensor, image: Tensor) -> Tensor:
        """Compute one dense head; pointwise, so that it may be called on any slab of `hidden` and `image`."""
        conv = getattr(self, f"final_conv_{name}")
        x = torch.cat((hidden, image), 1) if self._image_last(name) else hidden
        if not x.is_contiguous(memory_format=torch.channels_last_3d):
            return conv(x)
        # One row a voxel: as a matrix product it is many times faster than as a convolution.
        weight = conv.weight.flatten(1).expand(len(x), -1, -1)
        return torch.baddbmm(conv.bias.view(1, -1, 1), weight, x.flatten(2)).unflatten(2, x.shape[2:])

    def _age(self, x: Tensor) -> Tensor:
        for layer in self.pool_layers:
            x = layer(x)
        x = F.relu(self.final_linear1_age(x.flatten(1)))
        x = F.relu(self.final_linear2_age(x))
        return self.final_linear3_age(x).squeeze(-1)
