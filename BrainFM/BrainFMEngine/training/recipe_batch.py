"""One mini-batch as a recipe wants it: which subject, and how severe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

import numpy as np

from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.generator import Sample, generate
from BrainFMEngine.generator.parameters import GeneratorOptions
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.training.bad_subjects import BadSubjects
from BrainFMEngine.training.finish_samples import finish_samples
from BrainFMEngine.training.recipe import Recipe
from BrainFMEngine.training.recipe_options import DataOptions
from BrainFMEngine.training.subject_shelf import ShelvedSubject


def make_recipe_batch(
    subjects: Sequence[Subject | ShelvedSubject],
    recipe: Recipe,
    rng: np.random.Generator,
    ages: Mapping[str, float] | None = None,
    bad: BadSubjects | None = None,
) -> list[Sample]:
    """Make the samples of one subject, back-propagated at once.

    Args:
        subjects: those for training.
        recipe: its generator and data options.
        rng: the step's; the same state makes the same samples.
        ages: subject -> years, for the age head.
        bad: notes who cannot be read any more; the next subject takes its place. None: that is an error.

    Raises:
        UsageError: there is no subject.
        FileAccessError, InputImageError: it cannot be read; with `bad`, too many cannot.
    """
    options, seed = draw_batch_options(recipe, rng)
    drawn = draw_subject(subjects, recipe.data, rng)
    if bad is not None:
        subject = bad.read_or_next(drawn, subjects)
    else:
        subject = drawn.read() if isinstance(drawn, ShelvedSubject) else drawn
    return finish_samples(generate(subject, options, seed), recipe.data, ages)


def draw_batch_options(recipe: Recipe, rng: np.random.Generator) -> tuple[GeneratorOptions, int]:
    """Return generator options and seed of a mini-batch: drawn before its subject, so that they do not depend on it."""
    return batch_options(recipe, rng), int(rng.integers(2**31))


class _Drawable(Protocol):
    @property
    def is_real(self) -> bool: ...


Drawn = TypeVar("Drawn", bound=_Drawable)


def draw_subject(subjects: Sequence[Drawn], data: DataOptions, rng: np.random.Generator) -> Drawn:
    """Draw a subject: one with scans of its own as often as the options say, if there are both kinds."""
    if not subjects:
        raise UsageError("there is no subject to train on")
    group = subjects
    if data.real_probability is not None:
        real = bool(rng.uniform() < data.real_probability)
        group = [subject for subject in subjects if subject.is_real == real] or subjects
    return group[int(rng.integers(len(group)))]


def batch_options(recipe: Recipe, rng: np.random.Generator) -> GeneratorOptions:
    """Return the generator options of a mini-batch, its severities drawn and in rising order where they are."""
    if recipe.data.severities is None:
        return recipe.generator
    drawn = sorted(rng.uniform(*recipe.data.severities, size=recipe.samples).tolist())
    return replace(recipe.generator, severities=tuple(drawn))
