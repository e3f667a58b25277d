"""The exponential moving average of a network's weights, which predicts better than the weights of any one step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from BrainFMEngine.errors import ModelFileError


class WeightAverage:
    """average ← d·average + (1 − d)·weights after every step, d = min(decay, (1 + n) / (10 + n)) after n updates.

    The small first d's make the average forget the random weights that a network begins with.

    Args:
        network: what is averaged, not wrapped for several GPUs; its parameters and buffers are copied.
        decay: the d of later steps, 0..1.
    """

    def __init__(self, network: nn.Module, decay: float):
        self.decay = decay
        self.updates = 0
        self._average = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take the weights of a step in; integers (counters) are copied."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, tensor in network.state_dict().items():
            average = self._average[name]
            if average.is_floating_point():
                average.lerp_(tensor.to(average), 1 - decay)
            else:
                average.copy_(tensor)
        self.updates += 1

    def weights(self) -> dict[str, Tensor]:
        """Return the averaged weights, named as in the network's state_dict; not copies."""
        return dict(self._average)

    @contextmanager
    def applied(self, network: nn.Module) -> Iterator[None]:
        """Give `network` the averaged weights for the length of the block, then exactly its own back."""
        own = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        network.load_state_dict(self._average)
        try:
            yield
        finally:
            network.load_state_dict(own)

    def state(self) -> dict[str, Any]:
        """Return tensors and plain values for a checkpoint; the tensors are not copies."""
        return {"updates": self.updates, "weights": self.weights()}

    @torch.no_grad()
    def restore(self, state: dict[str, Any]) -> None:
        """Continue as `state` was, on the devices of now.

        Raises:
            ModelFileError: the state is of another network.
        """
        saved: dict[str, Tensor] = state["weights"]
        other = sorted({name for name, _ in _shapes(saved) ^ _shapes(self._average)})
        if other:
            raise ModelFileError(f"the averaged weights are of another network: {', '.join(other[:3])}")
        for name, tensor in saved.items():
            self._average[name].copy_(tensor)
        self.updates = int(state["updates"])


def _shapes(weights: dict[str, Tensor]) -> set[tuple[str, torch.Size]]:
    return {(name, tensor.shape) for name, tensor in weights.items()}
