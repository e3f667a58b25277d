"""The estimate takes the way that a run would take."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from BrainFMEngine.inference import strategy
from BrainFMEngine.inference.estimate import Work, estimate
from BrainFMEngine.inference.strategy import make_plans
from BrainFMEngine.network.config import NetworkConfig

CPU, GPU = torch.device("cpu"), torch.device("cuda:0")
CONFIG = NetworkConfig({"T1": 1, "segmentation": 40}, f_maps=16, num_levels=5)
SHAPE = (160, 192, 160)
WORK = Work(CONFIG, ("T1", "segmentation"), weights=8 << 20, shape=SHAPE, voxels=5_000_000)
GIB = 2**30


@pytest.fixture
def free(monkeypatch):
    """Function that sets what is free: of the device, and of main memory."""

    def set_free(device: float, host: float) -> None:
        monkeypatch.setattr(strategy, "available_bytes", lambda device_: int(device * GIB))
        monkeypatch.setattr(strategy, "host_available_bytes", lambda: int(host * GIB))

    return set_free


def test_whole_volume_where_there_is_room(free):
    free(0, 16)
    found = estimate(WORK, make_plans(SHAPE, 16, CPU, None))
    assert found.fits and found.plan.window is None and found.free_bytes == 16 * GIB
    assert 1 * GIB < found.memory_bytes < 4 * GIB


def test_windows_where_there_is_less(free):
    free(0, 3)
    large = Work(replace(CONFIG, f_maps=64), ("T1", "segmentation"), 500 << 20, SHAPE, 5_000_000)
    found = estimate(large, make_plans(SHAPE, 16, CPU, None))
    assert found.fits and found.plan.window is not None and found.memory_bytes <= 3 * GIB


def test_nothing_fits(free):
    free(0, 0.1)
    found = estimate(WORK, make_plans(SHAPE, 16, CPU, None))
    needs = [estimate(WORK, [plan]).memory_bytes for plan in make_plans(SHAPE, 16, CPU, None)]
    assert not found.fits and found.memory_bytes == min(needs) > found.free_bytes


def test_gpu_first_and_its_own_memory(free):
    free(8, 16)
    found = estimate(WORK, make_plans(SHAPE, 16, GPU, None))
    assert found.plan.device == GPU and found.plan.window is None


def test_processor_where_the_gpu_is_full(free):
    free(0.001, 16)
    assert estimate(WORK, make_plans(SHAPE, 16, GPU, None)).plan.device == CPU


def test_more_is_needed_for_more():
    plans = make_plans(SHAPE, 16, CPU, None)[:1]
    plain = estimate(WORK, plans).memory_bytes
    for change in ({"passes": 2}, {"posteriors": True}, {"voxels": 20_000_000}, {"shape": (192, 224, 192)}):
        assert estimate(replace(WORK, **change), plans).memory_bytes > plain
