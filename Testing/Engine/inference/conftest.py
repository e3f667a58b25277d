"""A tiny untrained network of the family, as a model would be loaded."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from BrainFMEngine.network.build import BrainNetwork
from tiny_networks import random_network


@pytest.fixture(autouse=True)
def _one_thread(one_thread):
    """On volumes this small, more are slower."""


@pytest.fixture
def make_network():
    """Function that builds a small network; keyword arguments change its config."""
    return random_network


@pytest.fixture
def network() -> BrainNetwork:
    return random_network()
