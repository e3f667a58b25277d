"""The samples of every step, made in the background: the same in every run of a recipe, and after a resume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from BrainFMEngine.generator.generator import Sample
from BrainFMEngine.generator.loader import BatchLoader
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.training.bad_subjects import BadSubjects
from BrainFMEngine.training.recipe import Recipe
from BrainFMEngine.training.recipe_batch import make_recipe_batch
from BrainFMEngine.training.subject_shelf import ShelvedSubject

FEED_STREAM = 7


def batch_rng(recipe: Recipe, number: int, trial: int = 0) -> np.random.Generator:
    """Return what mini-batch `number` of a run is drawn with, counted from 0."""
    return np.random.default_rng((recipe.seed, FEED_STREAM, trial, number))


class TrainingFeed(BatchLoader):
    """Endless intra-subject mini-batches of a recipe.

    Process r of n takes mini-batches r, r + n, r + 2n, …: together they see what one process that takes n times as
    many a step would see. A subject that cannot be read any more is replaced by each process for itself: `BadSubjects`.
    """

    def __init__(
        self,
        subjects: Sequence[Subject | ShelvedSubject],
        recipe: Recipe,
        first: int = 0,
        rank: int = 0,
        size: int = 1,
        trial: int = 0,
        ages: Mapping[str, float] | None = None,
        bad: BadSubjects | None = None,
    ):
        """Begin with this process's mini-batch number `first`; another `trial` draws other samples (after NaN).

        `bad` is the record of those that cannot be read any more; None for a new one.
        """
        super().__init__(subjects, recipe.generator, recipe.seed, first)  # type: ignore[arg-type]  # for `batch` below
        self.recipe, self.rank, self.size, self.trial, self.ages = recipe, rank, size, trial, ages
        self.bad = BadSubjects() if bad is None else bad

    def batch(self, step: int) -> list[Sample]:
        """Make this process's mini-batch number `step` now, in this thread."""
        rng = batch_rng(self.recipe, step * self.size + self.rank, self.trial)
        return make_recipe_batch(self.subjects, self.recipe, rng, self.ages, self.bad)
