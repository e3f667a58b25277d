"""A tiny untrained model."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from BrainFMEngine.inference.predictor import Predictor
from tiny_networks import HEADS, tiny_network


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    """On volumes this small, more are slower."""


@pytest.fixture
def predictor() -> Predictor:
    """A predictor that knows nothing, but every task."""
    return Predictor(tiny_network(heads={**HEADS, "high_res_residual": 1}), device="cpu")
