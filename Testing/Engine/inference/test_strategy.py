"""Which way is taken, what is said about it, and what happens when memory or a device fails."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from BrainFMEngine.anatomy.protocols import COMPACT_40
from BrainFMEngine.errors import DeviceMemoryError, ModelFileError
from BrainFMEngine.inference import strategy
from BrainFMEngine.inference.forward import Job
from BrainFMEngine.inference.strategy import NotFiniteError, Plan, make_plans, run
from BrainFMEngine.progress import SilentProgress
from BrainFMEngine.tasks import offered_tasks

CPU, GPU = torch.device("cpu"), torch.device("cuda:0")
IMAGE = np.zeros((96, 96, 96), np.float32)


@pytest.fixture
def job(network):
    return Job(network, offered_tasks(network.config.heads), COMPACT_40, False, False, lambda fraction: None)


@pytest.fixture
def started(monkeypatch):
    """Plans that were started, in order; starting one does nothing else."""
    plans = []
    monkeypatch.setattr(strategy, "_start", lambda job, image, plan: plans.append(plan) or iter(()))
    monkeypatch.setattr(strategy, "available_bytes", lambda device: 2**40)
    monkeypatch.setattr(strategy, "host_available_bytes", lambda: 2**40)
    return plans


def failing(plans, errors):
    """A consumer that fails with each error in turn and then succeeds."""
    left = list(errors)

    def consume(heads):
        if left:
            raise left.pop(0)
        return "results"

    return consume


def test_whole_volume_comes_first_then_ever_smaller_windows():
    plans = make_plans((160, 192, 160), 16, CPU, None)
    assert plans[0].window is None
    edges = [max(plan.window) for plan in plans[1:]]
    assert edges == sorted(edges, reverse=True) and len(set(plans)) == len(plans)


def test_the_processor_comes_after_the_gpu():
    devices = [plan.device for plan in make_plans((160, 192, 160), 16, GPU, None)]
    assert devices[0] == GPU and devices[-1] == CPU and devices == sorted(devices, key=lambda device: device == CPU)


def test_asked_for_windows():
    plans = make_plans((160, 192, 160), 16, CPU, 100)
    assert plans[0].window == (96, 96, 96) and all(plan.window for plan in plans)


def test_volume_smaller_than_any_window():
    assert make_plans((64, 64, 64), 16, CPU, None) == [Plan(CPU, None)]


def test_nothing_is_said_when_the_first_way_works(job, started):
    progress = SilentProgress()
    result, plan = run(job, IMAGE, make_plans(IMAGE.shape, 16, CPU, None), progress, failing(started, []))
    assert result == "results" and plan.window is None and progress.warnings == []


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4194304 bytes."),
    ],
    ids=["python", "posix", "windows"],
)
def test_windows_after_memory_ran_out(job, started, error):
    progress = SilentProgress()
    _, plan = run(job, IMAGE, make_plans(IMAGE.shape, 16, CPU, None), progress, failing(started, [error]))
    assert plan.window == (64, 64, 64) and len(started) == 2
    assert "ran out of memory" in progress.warnings[0] and "windows of 64x64x64" in progress.warnings[0]


def test_processor_after_the_gpu_ran_out_of_memory(job, started):
    progress = SilentProgress()
    plans = [Plan(GPU, None), Plan(CPU, None)]
    _, plan = run(job, IMAGE, plans, progress, failing(started, [torch.OutOfMemoryError("CUDA out of memory")]))
    assert plan.device == CPU and "on cpu" in progress.warnings[0]


@pytest.mark.parametrize("error", [NotImplementedError("no such operator"), NotFiniteError("T1")], ids=type)
def test_a_faulty_gpu_is_not_asked_again(job, started, error):
    progress = SilentProgress()
    plans = make_plans((192, 192, 192), 16, GPU, None)
    _, plan = run(job, IMAGE, plans, progress, failing(started, [error]))
    assert plan == Plan(CPU, None) and len(started) == 2 and "cuda:0 failed" in progress.warnings[0]


def test_estimate_skips_ways_that_cannot_fit(job, started, monkeypatch):
    monkeypatch.setattr(strategy, "run_bytes", lambda config, shape, passes: 100 if shape == (64, 64, 64) else 2**50)
    progress = SilentProgress()
    _, plan = run(job, IMAGE, make_plans(IMAGE.shape, 16, CPU, None), progress, failing(started, []))
    assert plan.window == (64, 64, 64) and started == [plan]
    assert "needs about" in progress.warnings[0] and "GiB are free" in progress.warnings[0]


def test_nothing_fits(job, started, monkeypatch):
    monkeypatch.setattr(strategy, "host_available_bytes", lambda: 2**20)
    with pytest.raises(DeviceMemoryError) as caught:
        run(job, IMAGE, make_plans(IMAGE.shape, 16, CPU, None), SilentProgress(), failing(started, []))
    assert caught.value.code == 5 and "GiB" in caught.value.message and not started


def test_results_on_a_huge_grid_count_too(job, started):
    with pytest.raises(DeviceMemoryError):
        run(job, IMAGE, [Plan(CPU, None)], SilentProgress(), failing(started, []), kept=2**41)


def test_values_that_are_not_finite_are_never_returned(job, started):
    with pytest.raises(ModelFileError, match="not finite"):
        run(job, IMAGE, [Plan(CPU, None)], SilentProgress(), failing(started, [NotFiniteError("T1")]))


def test_a_mistake_in_the_code_is_not_taken_for_lack_of_memory(job, started):
    with pytest.raises(RuntimeError, match="shape"):
        run(job, IMAGE, [Plan(CPU, None)], SilentProgress(), failing(started, [RuntimeError("shape mismatch")]))
