"""What a run begins with."""

from __future__ import annotations

import pytest
import torch
from BrainFMEngine.errors import UsageError
from BrainFMEngine.network.build import build_network
from BrainFMEngine.network.checkpoint import save_model
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.network.info import ModelInfo
from BrainFMEngine.training.recipe import Recipe, with_values
from BrainFMEngine.training.recipes import named_recipe
from BrainFMEngine.training.start import grow, initial_network


def recipe(**changes) -> Recipe:
    return with_values(named_recipe("brainfm", "quick"), changes)


@pytest.fixture
def model(tmp_path):
    network = build_network(recipe().network.config())
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3)))
    info = ModelInfo("tiny", network.config, label_protocol="compact-40")
    save_model(tmp_path / "tiny", network, info)
    return tmp_path / "tiny", network


def test_the_seed_decides_the_first_weights():
    one, same, other = (initial_network(recipe(seed=seed)).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(tensor, same[name]) for name, tensor in one.items())
    assert not torch.equal(one["head.final_conv_T1.weight"], other["head.final_conv_T1.weight"])


def test_a_model_gives_all_or_its_backbone(model):
    folder, network = model
    everything = initial_network(recipe(**{"start.model": str(folder)})).state_dict()
    backbone = initial_network(recipe(**{"start.model": str(folder), "start.part": "backbone"})).state_dict()
    for name, tensor in network.state_dict().items():
        assert torch.equal(everything[name], tensor)
        assert torch.equal(backbone[name], tensor) == name.startswith("backbone.")


def test_a_hidden_layer_changes_no_answer_at_first(model, monkeypatch):
    folder, network = model
    monkeypatch.setattr("BrainFMEngine.training.start.HIDDEN_NOISE", 0.0)
    wide = initial_network(recipe(**{"start.model": str(folder), "network.hidden_maps": [16]}))
    image = torch.rand(1, 1, 16, 16, 16)
    with torch.no_grad():
        before, after = network(image), wide(image)
    for name in network.config.heads:
        assert torch.allclose(before[name], after[name], atol=1e-4), name


def test_another_backbone_is_refused(model):
    folder, _ = model
    with pytest.raises(UsageError, match="does not have this recipe's backbone"):
        initial_network(recipe(**{"start.model": str(folder), "network.f_maps": 16}))


def test_a_finer_network_takes_the_deep_levels():
    coarse = build_network(NetworkConfig({"T1": 1}, f_maps=16, num_levels=2))
    fine = build_network(NetworkConfig({"T1": 1}, f_maps=8, num_levels=3))
    grow(fine, coarse)
    learnt, grown = coarse.state_dict(), fine.state_dict()
    name = "basic_module.SingleConv2.conv.weight"
    for level in (0, 1):
        expected = learnt[f"backbone.encoders.{level}.{name}"]
        assert torch.equal(grown[f"backbone.encoders.{level + 1}.{name}"], expected)
    assert torch.equal(grown[f"backbone.decoders.0.{name}"], learnt[f"backbone.decoders.0.{name}"])
    with pytest.raises(UsageError, match="deep levels"):
        grow(fine, build_network(NetworkConfig({"T1": 1}, f_maps=8, num_levels=2)))
