"""The averaged weights: the formula, the swap, and the round trip."""

from __future__ import annotations

import pytest
import torch
from BrainFMEngine.errors import ModelFileError
from BrainFMEngine.training.average import WeightAverage
from torch import nn


def make_network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def drift(network: nn.Module) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1.0)
    network(torch.randn(4, 2))


def test_the_formula():
    network = make_network()
    average = WeightAverage(network, 0.5)
    expected = network[0].weight.detach().double().clone()
    for update in range(12):
        drift(network)
        average.update(network)
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * network[0].weight.detach().double()
    assert torch.allclose(average.weights()["0.weight"].double(), expected, atol=1e-5)
    assert average.weights()["1.num_batches_tracked"] == 12


def test_the_network_gets_exactly_its_own_weights_back():
    network = make_network()
    average = WeightAverage(network, 0.9)
    drift(network)
    average.update(network)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(KeyError), average.applied(network):
        assert torch.equal(network[0].weight, average.weights()["0.weight"])
        raise KeyError
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not torch.equal(network[0].weight, average.weights()["0.weight"])


def test_it_survives_a_resume_bit_for_bit():
    network = make_network()
    one = WeightAverage(network, 0.99)
    drift(network)
    one.update(network)
    other = WeightAverage(make_network(), 0.99)
    other.restore(one.state())
    for _ in range(3):
        drift(network)
        one.update(network)
        other.update(network)
    assert all(torch.equal(tensor, other.weights()[name]) for name, tensor in one.weights().items())


def test_another_networks_average_is_refused():
    with pytest.raises(ModelFileError, match="0.bias"):
        WeightAverage(make_network(), 0.9).restore(WeightAverage(nn.Sequential(nn.Linear(2, 4)), 0.9).state())
