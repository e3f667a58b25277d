"""Small networks with reproducible weights."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from BrainFMEngine.network.build import BrainNetwork, build_network  # noqa: E402
from BrainFMEngine.network.config import NetworkConfig  # noqa: E402

torch.set_num_threads(1)


def recipe_tensor(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """The reference weights of one tensor, drawn from its name (recipe of the reference data)."""
    state = np.random.RandomState(zlib.crc32(name.encode("ascii")))
    z = state.standard_normal(int(np.prod(shape))).astype(np.float32).reshape(shape)
    if "groupnorm" in name and name.endswith("weight"):
        z = np.float32(1) + np.float32(0.1) * z
    elif name.endswith("bias"):
        z = np.float32(0.1) * z
    elif "final_conv" not in name:
        z = z * np.float32(np.sqrt(2 / np.prod(shape[1:])))
    return torch.from_numpy(z)


def _recipe_network(config: NetworkConfig, task: str | None = None) -> BrainNetwork:
    network = build_network(config)
    seed = {name: name if task is None else name.replace("head.", f"{task}.") for name in network.state_dict()}
    network.load_state_dict({k: recipe_tensor(seed[k], tuple(v.shape)) for k, v in network.state_dict().items()})
    return network.eval()


@pytest.fixture(scope="session")
def recipe_network() -> Callable[..., BrainNetwork]:
    """Builds a network with reference weights; `task` seeds a separate Brain-ID head."""
    return _recipe_network
