"""A tiny untrained model."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from BrainFMEngine.inference.predictor import Predictor  # noqa: E402
from BrainFMEngine.network.build import build_network  # noqa: E402
from BrainFMEngine.network.config import NetworkConfig  # noqa: E402
from BrainFMEngine.network.info import ModelInfo  # noqa: E402

HEADS = {
    "T1": 1,
    "T2": 1,
    "FLAIR": 1,
    "CT": 1,
    "bias_field_log": 1,
    "segmentation": 40,
    "distance": 4,
    "registration": 3,
    "high_res_residual": 1,
}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def predictor() -> Predictor:
    """A predictor that knows nothing, but every task."""
    torch.manual_seed(0)
    config = NetworkConfig(HEADS, f_maps=8, num_levels=2)
    network = build_network(config)
    network.info = ModelInfo("ignorant", config, label_protocol="compact-40")
    return Predictor(network, device="cpu")
