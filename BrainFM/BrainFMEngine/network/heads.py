"""Task heads: what turns the last feature map into outputs (facts of the published systems, heads table)."""

from __future__ import annotations

import math
from collections.abc import Callable

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
        widths = (config.f_maps, *config.hidden_maps)
        self.layers = nn.ModuleList(ConvBlock(n_in, n_out) for n_in, n_out in zip(widths, widths[1:]))
        for name, channels in config.heads.items():
            extra = config.in_channels if name in config.contrast_heads else 0
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

    def forward(self, features: Tensor, image: Tensor) -> dict[str, Tensor]:
        """Return every raw output; see `iterate` for the shapes."""
        return dict(self.iterate(features, image))

    def iterate(self, features: Tensor, image: Tensor):
        """Yield (name, raw output) one by one, so that a caller can use and drop each.

        Args:
            features: (B, f_maps, X, Y, Z), the last map of the backbone.
            image: (B, in_channels, X, Y, Z), what the network was given.

        Yields:
            dense heads as (B, channels, X, Y, Z); "age" as (B,) in years before the absolute value.
        """
        hidden = features
        for layer in self.layers:
            hidden = layer(hidden)
        for name in self.config.heads:
            conv = getattr(self, f"final_conv_{name}")
            yield name, conv(torch.cat((hidden, image), 1) if name in self.config.contrast_heads else hidden)
        if self.config.age_size is not None:
            yield "age", self._age(hidden)

    def _age(self, x: Tensor) -> Tensor:
        for layer in self.pool_layers:
            x = layer(x)
        activation: Callable = F.relu
        x = activation(self.final_linear1_age(x.flatten(1)))
        x = activation(self.final_linear2_age(x))
        return self.final_linear3_age(x).squeeze(-1)
