"""How long a run will take is guessed from small steps."""

from __future__ import annotations

import math

import pytest
import torch
from boxes import box_subject
from BrainFMEngine.training import estimate, step_time
from BrainFMEngine.training.estimate import estimate_run, with_times
from BrainFMEngine.training.recipe import with_values
from BrainFMEngine.training.recipes import named_recipe
from BrainFMEngine.training.step_time import guess_step_time

CPU = torch.device("cpu")


def quick(**values):
    return with_values(named_recipe("brainfm", "quick"), {"validation.every": 0, **values})


def machine(monkeypatch, fixed: float, voxel: float, making: float = 0.0, limit: float = math.inf) -> list:
    """A machine whose steps cost what is given; returns the sizes that are tried."""
    clock, tried = [0.0], []

    def take(trials, recipe):
        voxels = math.prod(recipe.generator.shape)
        tried.append(recipe.generator.shape)
        if voxels > limit:
            raise RuntimeError("out of memory")
        clock[0] += fixed + voxel * voxels
        return fixed + voxel * voxels, making

    monkeypatch.setattr(step_time._Trials, "_try", take)
    monkeypatch.setattr(step_time.time, "perf_counter", lambda: clock[0])
    return tried


def test_small_steps_tell_what_a_large_one_takes(monkeypatch):
    recipe = quick(**{"generator.shape": [64, 64, 64], "samples": 2, "accumulation": 3})
    tried = machine(monkeypatch, fixed=0.01, voxel=1e-5, making=0.2)
    found = guess_step_time(recipe, box_subject(), CPU)
    sample = 0.01 + 1e-5 * 64**3 + 0.2
    assert found.step == pytest.approx(6 * sample)
    assert found.sample == pytest.approx(sample)
    assert (64, 64, 64) not in tried  # it took more than there was time for


def test_a_run_takes_its_steps_and_its_validations(monkeypatch):
    values = {"steps": 100, "validation.every": 30, "validation.subjects": 2, "samples": 1}
    recipe = quick(**values)
    machine(monkeypatch, fixed=0.1, voxel=0.0)
    found = with_times(estimate_run(recipe, []), recipe, box_subject())
    assert found.step_seconds == pytest.approx(0.1)
    assert found.total_seconds == pytest.approx(0.1 * (100 + 4 * 2))


def test_where_no_step_can_be_tried_no_time_is_told(monkeypatch):
    machine(monkeypatch, fixed=0.1, voxel=0.0, limit=0)
    recipe = quick()
    found = with_times(estimate_run(recipe, []), recipe, box_subject())
    assert (found.step_seconds, found.total_seconds) == (None, None)
    assert found.step_bytes > 0


def test_what_does_not_fit_is_not_tried(monkeypatch):
    tried = machine(monkeypatch, fixed=0.1, voxel=0.0)
    monkeypatch.setattr(estimate, "_free_bytes", lambda device: 1)
    recipe = quick()
    assert with_times(estimate_run(recipe, []), recipe, box_subject()).step_seconds is None
    assert not tried


@pytest.mark.parametrize("name", ["brainfm", "cifl", "brain-age", "adapt-segmentation"])
def test_steps_of_every_kind_are_tried(name, monkeypatch):
    monkeypatch.setattr(step_time, "BUDGET_SECONDS", 0.0)
    found = guess_step_time(with_values(named_recipe(name, "quick"), {}), box_subject(("T1",)), CPU)
    assert found is not None and found.step > 0
