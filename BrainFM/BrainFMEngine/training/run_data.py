"""The subjects of a run, each tried before the first step: what cannot be learnt from is named and left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from BrainFMEngine.dataset.dataset import BAD_SHARE, Dataset, load_subjects
from BrainFMEngine.errors import BrainFMError, InputImageError, UsageError
from BrainFMEngine.generator.generator import Sample, generate
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.training.ages import read_ages
from BrainFMEngine.training.finish_samples import finish_samples
from BrainFMEngine.training.recipe import Recipe
from BrainFMEngine.training.recipe_batch import batch_options
from BrainFMEngine.training.terms import BATCH_TERMS, TERMS, target_name

TRIAL_VOXELS = 16
"""Edge of the sample that every subject is tried with."""
NAMED = 5


@dataclass(frozen=True)
class RunData:
    """What a run learns from.

    Attributes:
        subjects: for training, sorted by name, on the CPU.
        held_out: for validation; may be empty.
        ages: subject -> years; None without a file of ages.
        contents: subject for training -> SHA-256 of its file.
    """

    subjects: list[Subject]
    held_out: list[Subject]
    ages: dict[str, float] | None
    contents: dict[str, str]


class _Reading:
    """Progress of reading that passes only warnings on."""

    def __init__(self, warn: Callable[[str], None]):
        self.warning = warn

    def stage(self, name: str, fraction: float) -> None:
        """Ignore the stage."""


def read_run_data(dataset: Path, recipe: Recipe, warn: Callable[[str], None]) -> RunData:
    """Read and try the subjects of a recipe.

    Args:
        dataset: folder that `brainfm prepare` made.
        recipe: what they are for.
        warn: called with one sentence for everything doubtful.

    Raises:
        UsageError: no subject is for training, or the recipe can learn from none.
        InputImageError: more than 1 % of them are damaged.
        FileAccessError: the data set or the ages cannot be read.
    """
    opened = Dataset(dataset)
    ages = None if recipe.data.ages is None else read_ages(recipe.data.ages)
    subjects = _tried(load_subjects(dataset, "train", _Reading(warn)), recipe, ages, warn)
    if not subjects:
        raise UsageError(f"no subject of {dataset} has a target that this recipe learns from", _hint(recipe))
    held_out: list[Subject] = []
    if recipe.validation.every and opened.names("validation"):
        held_out = _tried(load_subjects(dataset, "validation", _Reading(warn)), recipe, ages, warn)
    if recipe.validation.every and not held_out:
        warn("the data set has no subjects for validation; the last weights are kept, not the best")
    _warn_of_leaks(opened, subjects, held_out, warn)
    contents = {subject.name: opened.info(subject.name).sha256 for subject in subjects}
    return RunData(subjects, held_out, ages, contents)


def _hint(recipe: Recipe) -> str:
    if recipe.needs_ages:
        return "Name a file of the subjects' ages with --set data.ages=FILE."
    return "See what its subjects have with `brainfm prepare --check`, or choose another recipe."


def _tried(
    subjects: list[Subject], recipe: Recipe, ages: Mapping[str, float] | None, warn: Callable[[str], None]
) -> list[Subject]:
    """Return the subjects that the recipe can learn from; the others are warned about."""
    good, useless, damaged = [], [], []
    for subject in subjects:
        reason = _damage(subject)
        useful = False
        if not reason:
            try:
                useful = _has_target(_trial(subject, recipe, ages), recipe)
            except BrainFMError:  # a recipe for half a head, and no labels to cut along
                useful = False
        if reason:
            damaged.append(subject.name)
            warn(f"{subject.name} is left out: {reason}")
        elif useful:
            good.append(subject)
        else:
            useless.append(subject.name)
    if len(damaged) > BAD_SHARE * len(subjects):
        hint = "'brainfm prepare --check' says what is wrong; with --exclude it leaves them out."
        raise InputImageError(f"{len(damaged)} of {len(subjects)} subjects are damaged: {_listed(damaged)}", hint)
    if useless and good:
        text = f"{len(useless)} of {len(subjects)} subjects have no target that this recipe learns from"
        warn(f"{text} and are left out: {_listed(useless)}")
    return good


def _damage(subject: Subject) -> str:
    """Return what makes a subject poison for training, "" if nothing does."""
    if subject.rows is not None and int(subject.rows.max()) >= len(subject.scheme):
        return f"it has labels that {subject.scheme.name} does not know"
    for name, tensor in {**subject.images, "atlas coordinates": subject.atlas_mm}.items():
        if tensor is not None and not bool(torch.isfinite(tensor).all()):
            return f"there are values that are no numbers in its {name}"
    return ""


def _trial(subject: Subject, recipe: Recipe, ages: Mapping[str, float] | None) -> list[Sample]:
    rng = np.random.default_rng(recipe.seed)
    options = replace(batch_options(recipe, rng), shape=(TRIAL_VOXELS,) * 3)
    return finish_samples(generate(subject, options, recipe.seed % 2**31), recipe.data, ages)


def _has_target(samples: list[Sample], recipe: Recipe) -> bool:
    names = [name for name, weight in recipe.objective.weights.items() if weight]
    if set(names) & set(BATCH_TERMS):
        return True
    wanted = {target_name(head) for name in names for head in TERMS[name].heads if head in recipe.network.outputs}
    return any(wanted & set(sample.targets) for sample in samples)


def _warn_of_leaks(
    dataset: Dataset, subjects: list[Subject], held_out: list[Subject], warn: Callable[[str], None]
) -> None:
    """Tell who is in training and, under another name, in validation: its numbers would be too good."""
    seen: dict[str, str] = {}
    for subject in subjects:
        info = dataset.info(subject.name)
        seen |= {f"{info.collection}/{info.person}": subject.name, info.sha256: subject.name}
    for subject in held_out:
        info = dataset.info(subject.name)
        twin = seen.get(info.sha256) or seen.get(f"{info.collection}/{info.person}")
        if twin:
            warn(f"{subject.name}, for validation, and {twin}, for training, are the same person or scan")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")
