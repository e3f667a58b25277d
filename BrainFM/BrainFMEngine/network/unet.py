"""The backbone: a 3D U-Net that turns an image into features (BrainFM §3.2)."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from BrainFMEngine.network.blocks import Decoder, Encoder
from BrainFMEngine.network.config import NetworkConfig


class UNet3D(nn.Module):
    """Encoder-decoder with skip connections; its output is a list of feature maps, coarse to fine."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        widths = [config.f_maps * 2**level for level in range(config.num_levels)]
        self.unit_features = config.unit_features
        self.encoders = nn.ModuleList(
            Encoder(n_in, n_out, pool=level > 0)
            for level, (n_in, n_out) in enumerate(pairwise([config.in_channels, *widths]))
        )
        self.decoder_names = config.decoder_names or ("",)
        for name in self.decoder_names:
            decoders = nn.ModuleList(Decoder(low + high, high) for low, high in pairwise(widths[::-1]))
            self.add_module(_decoder_attribute(name), decoders)

    def forward(self, x: Tensor, keep_levels: bool = True) -> list[Tensor]:
        """Compute features of the first decoder branch.

        Args:
            x: (B, in_channels, X, Y, Z), each axis at least 2**(num_levels - 1).
            keep_levels: return every level; False returns only the last and frees the others early.

        Returns:
            [bottleneck, decoder 0, ..., last decoder]; the last is (B, f_maps, X, Y, Z).
        """
        return self.decode(self.encode(x), self.decoder_names[0], keep_levels)

    def encode(self, x: Tensor) -> list[Tensor]:
        """Return the encoder maps, fine to coarse."""
        maps = []
        for encoder in self.encoders:
            x = encoder(x)
            maps.append(x)
        return maps

    def decode(self, maps: list[Tensor], decoder_name: str, keep_levels: bool = True) -> list[Tensor]:
        """Run one decoder branch over encoder maps; `maps` is emptied so that memory is freed on the way."""
        maps = list(maps) if keep_levels or len(self.decoder_names) > 1 else maps
        x = maps.pop()
        features = [x]
        for decoder in self.decoders_of(decoder_name):
            x = decoder(maps.pop(), x)
            features = [*features, x] if keep_levels else [x]
        if self.unit_features:
            features[-1] = F.normalize(features[-1], dim=1)
        return features

    def decoders_of(self, name: str) -> nn.ModuleList:
        """Return the decoders of one branch, coarse to fine."""
        return getattr(self, _decoder_attribute(name))


def _decoder_attribute(name: str) -> str:
    return f"decoders_{name}" if name else "decoders"
