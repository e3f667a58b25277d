"""Fast blocks compute what plain ones do, as exactly as bfloat16 lets them."""

from __future__ import annotations

import copy

import pytest
import torch
from BrainFMEngine.network.blocks import SingleConv
from BrainFMEngine.network.build import build_network
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.training.cpu_convolutions import use_fast_convolutions


def gradients(block, image, bfloat16: bool):
    block, image = copy.deepcopy(block), image.clone().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
        out = block(image)
    weight = torch.sin(torch.arange(out.numel()).float()).view_as(out)
    (out.float() * (1 + weight)).mean().backward()
    return {"out": out.detach().float(), "x": image.grad, **{n: p.grad for n, p in block.named_parameters()}}


def error(found, true) -> dict[str, float]:
    return {name: float((found[name] - true[name]).norm() / true[name].norm()) for name in true}


@pytest.mark.parametrize(("n_in", "n_out"), [(1, 8), (16, 16), (48, 16), (96, 32)])
def test_gradients_are_as_good_as_those_of_torch(n_in, n_out):
    torch.manual_seed(n_in)
    plain = SingleConv(n_in, n_out)
    with torch.no_grad():
        plain.groupnorm.weight.add_(0.3 * torch.randn(n_in))
        plain.groupnorm.bias.add_(0.3 * torch.randn(n_in))
    fast = copy.deepcopy(plain)
    use_fast_convolutions(torch.nn.ModuleList([fast]))
    image = (1 + torch.randn(1, n_in, 24, 16, 20)).contiguous(memory_format=torch.channels_last_3d)
    true = gradients(plain, image, bfloat16=False)
    ours, torchs = error(gradients(fast, image, True), true), error(gradients(plain, image, True), true)
    for name, value in ours.items():
        assert value <= 2 * torchs[name] + 0.01, (name, ours, torchs)


def test_nothing_changes_in_float32():
    torch.manual_seed(0)
    plain = build_network(NetworkConfig({"T1": 1}, f_maps=8, num_levels=2))
    fast = copy.deepcopy(plain)
    use_fast_convolutions(fast)
    image = torch.rand(1, 1, 16, 16, 16)
    assert torch.equal(plain(image)["T1"], fast(image)["T1"])
