"""The subjects of a run, each tried before the first step: what cannot be learnt from is named and left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from BrainFMEngine.dataset.dataset import BAD_SHARE, Dataset
from BrainFMEngine.errors import BrainFMError, InputImageError, UsageError
from BrainFMEngine.generator.generator import Sample, generate
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.training.ages import read_ages
from BrainFMEngine.training.finish_samples import finish_samples
from BrainFMEngine.training.recipe import Recipe
from BrainFMEngine.training.recipe_batch import batch_options
from BrainFMEngine.training.subject_shelf import ShelvedSubject, SubjectShelf
from BrainFMEngine.training.terms import BATCH_TERMS, TERMS, target_name

TRIAL_VOXELS = 16
"""Edge of the sample that every subject is tried with."""
NAMED = 5
SAMPLED = 8


@dataclass(frozen=True)
class RunData:
    """What a run learns from.

    Attributes:
        subjects: for training, sorted by name.
        held_out: for validation; may be empty.
        ages: subject -> years; None without a file of ages.
        contents: subject for training -> SHA-256 of its file.
    """

    subjects: SubjectShelf
    held_out: SubjectShelf
    ages: dict[str, float] | None
    contents: dict[str, str]


def read_run_data(
    dataset: Path,
    recipe: Recipe,
    warn: Callable[[str], None],
    room: int | None = None,
    device: torch.device | str = "cpu",
) -> RunData:
    """Read and try the subjects of a recipe, one after the other.

    Args:
        dataset: folder that `brainfm prepare` made.
        recipe: what they are for.
        warn: called with one sentence for everything doubtful.
        room: bytes that subjects may take in memory; the others are read when they are needed. None for no limit.
        device: where subjects are kept.

    Raises:
        UsageError: no subject is for training, or the recipe can learn from none.
        InputImageError: more than 1 % of them are damaged.
        FileAccessError: the data set or the ages cannot be read.
    """
    opened = Dataset(dataset)
    ages = None if recipe.data.ages is None else read_ages(recipe.data.ages)
    trial = _Trial(opened, recipe, ages, warn)
    subjects = trial.shelf("train", room, device)
    if not subjects:
        raise UsageError(f"no subject of {dataset} has a target that this recipe learns from", _hint(recipe))
    held_out = SubjectShelf(opened.load, 0, device)
    if recipe.validation.every and opened.names("validation"):
        left = None if room is None else room - subjects.held_bytes
        held_out = trial.shelf("validation", left, device)
    if recipe.validation.every and not held_out:
        warn("the data set has no subjects for validation; the last weights are kept, not the best")
    _warn_of_leaks(opened, subjects, held_out, warn)
    if room is not None and subjects.nbytes > room:
        gigabytes = subjects.nbytes / 1e9, room / 1e9
        warn("subjects take {:.1f} GB, there is room for {:.1f}: the others are read anew each time".format(*gigabytes))
    contents = {subject.name: opened.info(subject.name).sha256 for subject in subjects}
    return RunData(subjects, held_out, ages, contents)


def sampled_subjects(dataset: Path, part: str = "train") -> list[ShelvedSubject]:
    """Return the subjects of a part for an estimate: few are read, the others are taken to be like them.

    Raises:
        UsageError: there is none in that part.
        FileAccessError, InputImageError: one that is read is damaged.
    """
    opened = Dataset(dataset)
    names = opened.names(part)
    if not names:
        raise UsageError(f"{dataset} has no subject in {part}", "See its split.json.")
    shelf, count = SubjectShelf(opened.load, 0), min(len(names), SAMPLED)
    for index in range(count):
        shelf.add(opened.load(names[index * len(names) // count]))
    return [shelf[index * count // len(names)] for index in range(len(names))]


def _hint(recipe: Recipe) -> str:
    if recipe.needs_ages:
        return "Name a file of the subjects' ages with --set data.ages=FILE."
    return "See what its subjects have with `brainfm prepare --check`, or choose another recipe."


class _Trial:
    """Reads subjects and keeps those that the recipe can learn from; the others are warned about."""

    def __init__(self, dataset: Dataset, recipe: Recipe, ages: Mapping[str, float] | None, warn: Callable[[str], None]):
        self.dataset, self.recipe, self.ages, self.warn = dataset, recipe, ages, warn

    def shelf(self, part: str, room: int | None, device: torch.device | str) -> SubjectShelf:
        """Return the good subjects of a part; UsageError if there are none at all, InputImageError if many are bad."""
        names = self.dataset.names(part)
        if not names:
            raise UsageError(f"{self.dataset.folder} has no subject in {part}", "See its split.json.")
        good, useless, damaged = SubjectShelf(self.dataset.load, room, device), [], []
        for name in names:
            try:
                subject = self.dataset.load(name)
                reason = _damage(subject)
            except BrainFMError as error:
                reason = str(error)
            if reason:
                damaged.append(name)
                self.warn(f"{name} is left out: {reason}")
            elif self._is_useful(subject):
                good.add(subject)
            else:
                useless.append(name)
        if len(damaged) > BAD_SHARE * len(names):
            hint = "'brainfm prepare --check' says what is wrong; with --exclude it leaves them out."
            raise InputImageError(f"{len(damaged)} of {len(names)} subjects are damaged: {_listed(damaged)}", hint)
        if useless and good:
            text = f"{len(useless)} of {len(names)} subjects have no target that this recipe learns from"
            self.warn(f"{text} and are left out: {_listed(useless)}")
        return good

    def _is_useful(self, subject: Subject) -> bool:
        try:
            return _has_target(_trial(subject, self.recipe, self.ages), self.recipe)
        except BrainFMError:  # a recipe for half a head, and no labels to cut along
            return False


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
    dataset: Dataset, subjects: SubjectShelf, held_out: SubjectShelf, warn: Callable[[str], None]
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
