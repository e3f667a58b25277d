"""How long a step will take, guessed from a few small ones: the network of the recipe learns from small samples."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from BrainFMEngine.errors import BrainFMError
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.image.volume import Shape3D, shape_3d
from BrainFMEngine.training.learner import Learner
from BrainFMEngine.training.recipe import Recipe
from BrainFMEngine.training.recipe_batch import make_recipe_batch
from BrainFMEngine.training.start import initial_network

BUDGET_SECONDS = 4.0
COMPARED = 8
"""Trials of sizes that differ by up to this factor tell what a voxel costs."""
LEAST_EDGE = 16
TRIES = 2
ANY_AGE = 50.0


@dataclass(frozen=True)
class StepTime:
    """Seconds.

    Attributes:
        step: of an optimizer step: all samples of all its subjects, forwards and backwards, and making them where
            that is not hidden behind the network.
        sample: of trying one sample on held-out subjects.
    """

    step: float
    sample: float


def guess_step_time(recipe: Recipe, subject: Subject, device: torch.device) -> StepTime | None:
    """Guess a recipe's seconds a step on this machine by trying, in about `BUDGET_SECONDS`; None if that fails.

    A trial is a whole step on one sample (two where they are compared). Two sizes tell what a voxel costs, and what a
    step costs at any size.
    """
    try:
        trials = _Trials(recipe, subject, device)
        trials.run()
    except (BrainFMError, RuntimeError, MemoryError):  # too little memory for even a trial
        return None
    full = math.prod(recipe.generator.shape)
    network, making = trials.at(full)
    sample = network + making if device.type == "cpu" else max(network, making)  # else made by another processor
    return StepTime(sample * recipe.samples * recipe.accumulation / trials.samples, sample / trials.samples)


class _Trials:
    """Steps on small samples.

    Attributes:
        samples: of each trial.
        found: (voxels, seconds of the step, seconds of making its samples), smallest first.
    """

    def __init__(self, recipe: Recipe, subject: Subject, device: torch.device):
        self.recipe, self.subject, self.device = recipe, subject.to(device), device
        self.samples = 2 if "contrastive" in recipe.objective.weights else 1
        self.found: list[tuple[int, float, float]] = []
        self._learner: Learner | None = None

    def run(self) -> None:
        """Try larger and larger samples as long as there is time."""
        shapes = _shapes(self.recipe)
        self._make_learner(self._sized(shapes[0]))
        deadline = time.perf_counter() + BUDGET_SECONDS
        for shape in shapes:
            voxels = math.prod(shape)
            if self.found and time.perf_counter() + TRIES * sum(self.at(voxels)) > deadline:
                return
            tries = [self._try(self._sized(shape))]  # the first also pays for what is set up once for a size
            while len(tries) < TRIES and time.perf_counter() < deadline:
                tries.append(self._try(self._sized(shape)))
            self.found.append((voxels, *map(min, zip(*tries, strict=True))))

    def at(self, voxels: int) -> tuple[float, float]:
        """Return seconds of a step and of making its samples, of so many voxels each."""
        return _line(self.found, 1, voxels), _line(self.found, 2, voxels)

    def _sized(self, shape: Shape3D) -> Recipe:
        recipe = self.recipe
        generator = replace(recipe.generator, shape=shape)
        if recipe.data.severities is None:
            generator = replace(generator, severities=generator.severities[-self.samples :])
        network = replace(recipe.network, age_size=shape) if recipe.network.age_size else recipe.network
        start = replace(recipe.start, model=None, required=False)
        return replace(recipe, generator=generator, network=network, samples=self.samples, start=start)

    def _make_learner(self, recipe: Recipe) -> Learner:
        if self._learner is None or recipe.network != self._learner.recipe.network:  # an age head knows its size
            self._learner = Learner(recipe, initial_network(recipe).to(self.device))
        return self._learner

    def _try(self, recipe: Recipe) -> tuple[float, float]:
        """Take a step; return its seconds and those of making its samples."""
        learner = self._make_learner(recipe)
        begun = time.perf_counter()
        ages = {self.subject.name: ANY_AGE}
        samples = make_recipe_batch([self.subject], recipe, np.random.default_rng(recipe.seed), ages)
        _finish(self.device)
        made = time.perf_counter()
        learner.look([samples], 0)
        learner.learn(0.0)
        _finish(self.device)
        return time.perf_counter() - made, made - begun


def _shapes(recipe: Recipe) -> list[Shape3D]:
    """Return sizes to try, each twice the one before: a small one first, the recipe's last."""
    least = max(LEAST_EDGE, recipe.network.config().size_multiple)
    shape = [min(least, edge) for edge in recipe.generator.shape]
    shapes = [shape_3d(shape)]
    while any(edge < full for edge, full in zip(shape, recipe.generator.shape, strict=True)):
        axis = min((edge, axis) for axis, edge in enumerate(shape) if edge < recipe.generator.shape[axis])[1]
        shape[axis] = min(2 * shape[axis], recipe.generator.shape[axis])
        shapes.append(shape_3d(shape))
    return shapes


def _line(found: Sequence[tuple[int, float, float]], column: int, voxels: int) -> float:
    """Return the seconds at a size, on the line through the largest trial and one of a few times less."""
    last = found[-1]
    before = next(trial for trial in found if trial[0] * COMPARED >= last[0])
    proportional = last[column] * voxels / last[0]
    if before is last:
        return proportional
    slope = (last[column] - before[column]) / (last[0] - before[0])
    return min(proportional, last[column] + max(0.0, slope) * (voxels - last[0]))  # nothing costs less than none


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
