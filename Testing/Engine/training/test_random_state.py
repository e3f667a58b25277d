"""Every random generator continues where it was, after a round trip through a checkpoint."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from BrainFMEngine.training.checkpoints import load_checkpoint, save_checkpoint
from BrainFMEngine.training.random_state import capture_random_state, restore_random_state


def make_generators() -> dict:
    return {
        "pcg": np.random.default_rng(1),
        "twister": np.random.Generator(np.random.MT19937(2)),
        "philox": np.random.Generator(np.random.Philox(3)),
        "sfc": np.random.Generator(np.random.SFC64(4)),
        "torch": torch.Generator().manual_seed(5),
        "python": random.Random(6),
    }


def draw(generators: dict) -> list:
    numbers = [random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn(), torch.rand(3).tolist()]
    for generator in generators.values():
        if isinstance(generator, torch.Generator):
            numbers.append(torch.rand(3, generator=generator).tolist())
        elif isinstance(generator, random.Random):
            numbers.append(generator.gauss(0, 1))
        else:
            numbers += [generator.random(), generator.standard_normal(), int(generator.integers(7, dtype=np.uint32))]
    return numbers


def test_all_generators_continue_where_they_were(tmp_path):
    generators = make_generators()
    draw(generators)  # leaves second halves of pairs behind, which are part of the state
    path = save_checkpoint(tmp_path, "last", {"step": 0, "random": capture_random_state(generators)})
    expected = [draw(generators) for _ in range(3)]
    others = make_generators()
    restore_random_state(load_checkpoint(path)["random"], others)
    assert [draw(others) for _ in range(3)] == expected


def test_devices_that_are_gone_are_told_and_left_out(caplog):
    state = capture_random_state()
    state["cuda"] = [torch.get_rng_state()] * (torch.cuda.device_count() + 1)
    restore_random_state(state)
    assert "CUDA" in caplog.text


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_continues_where_it_was():
    torch.rand(3, device="cuda")
    state = capture_random_state()
    expected = torch.rand(5, device="cuda")
    restore_random_state(state)
    assert torch.equal(torch.rand(5, device="cuda"), expected)
