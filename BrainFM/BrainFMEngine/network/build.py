"""From a config to a network."""

from __future__ import annotations

from torch import Tensor, nn

from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.network.heads import TaskHeads
from BrainFMEngine.network.info import ModelInfo
from BrainFMEngine.network.unet import UNet3D


class BrainNetwork(nn.Module):
    """Backbone and heads joined; parameter names are those of the published checkpoints.

    Attributes:
        config: the architecture.
        info: description of the model, None for a network that was not loaded from a model folder.
    """

    info: ModelInfo | None = None

    def __init__(self, config: NetworkConfig):
        super().__init__()
        self.config = config
        self.backbone = UNet3D(config)
        self.head = TaskHeads(config)

    def forward(self, x: Tensor) -> dict[str, Tensor | list[Tensor]]:
        """Run the network.

        Args:
            x: (B, in_channels, X, Y, Z) float, normalised to about 0..1.

        Returns:
            every raw head output under its name, (B, channels, X, Y, Z), before any post-processing, and
            "features": the list of feature maps, coarse to fine; the last is (B, f_maps, X, Y, Z).
        """
        features = self.backbone(x)
        return {**self.head(features[-1], x), "features": features}


def build_network(config: NetworkConfig) -> BrainNetwork:
    """Build an untrained network; wrap in `torch.device("meta")` to look at names and shapes only."""
    return BrainNetwork(config)
