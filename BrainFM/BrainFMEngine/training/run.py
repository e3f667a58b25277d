"""A training run from a data set and a recipe to weights that work: what `brainfm train` does."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import torch

from BrainFMEngine.dataset.dataset import load_subjects
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.inference.device import choose_device
from BrainFMEngine.training import checkpoints
from BrainFMEngine.training.ages import read_ages
from BrainFMEngine.training.distributed import Group
from BrainFMEngine.training.durable_file import write_durably
from BrainFMEngine.training.estimate import Estimate, estimate_run
from BrainFMEngine.training.events import TrainingEvents
from BrainFMEngine.training.export import export_weights
from BrainFMEngine.training.learner import Learner
from BrainFMEngine.training.recipe import Recipe, differences, recipe_from_json, recipe_hash, recipe_to_json
from BrainFMEngine.training.run_folder import RunFolder
from BrainFMEngine.training.start import initial_network
from BrainFMEngine.training.stop import StopSignal
from BrainFMEngine.training.trainer import CHECKPOINTS, Outcome, Trainer
from BrainFMEngine.training.validation import Validation

logger = logging.getLogger(__name__)

RECIPE_NAME, MODEL_NAME = "recipe.json", "model"
SHOWN_CHANGES = 5


@dataclass(frozen=True)
class RunRequest:
    """What is asked for.

    Attributes:
        dataset: folder that `brainfm prepare` made.
        folder: of the run.
        recipe: what to learn.
        resume: continue the run in the folder; otherwise it must not hold one.
        allow_change: resume with another recipe or other subjects than before.
        device: see `inference.device.choose_device`.
        threads: of the CPU; None for torch's default. Same bits need the same number.
    """

    dataset: Path
    folder: Path
    recipe: Recipe
    resume: bool = False
    allow_change: bool = False
    device: str = "auto"
    threads: int | None = None


def train(request: RunRequest, stop: StopSignal, events: TrainingEvents | None = None) -> Outcome:
    """Train until all steps are done or `stop` is requested; afterwards `folder/model` holds the weights to use.

    Raises:
        UsageError: the folder holds a run (or none, to resume), another process trains in it, the data set has no
            subject for training, or the recipe doesn't fit it.
        DeviceMemoryError: no such device, or memory ran out.
        FileAccessError: something cannot be read or written.
    """
    events = events or TrainingEvents()
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    with ExitStack() as stack:
        group = stack.enter_context(Group.from_environment(_device_kind(request.device)))
        device = _own_device(request.device, group)
        run = _open_run(request, stack) if group.is_first else None
        trainer = _make_trainer(request, device, group, run, stop, events)
        if request.resume and not trainer.resume() and group.is_first:
            events.warning("there is no checkpoint yet: the run begins at step 0")
        _check_subjects(request, trainer)
        outcome = trainer.run()
        if group.is_first:
            export_weights(trainer.checkpoint_folder, request.recipe, request.folder / MODEL_NAME)
        if run is not None:
            run.end("finished" if not outcome.reason else "stopped", outcome.reason)
        return outcome


def plan(request: RunRequest) -> Estimate:
    """Tell what a run will need, without starting it."""
    return estimate_run(request.recipe, _load(request.dataset, "train"))


def _device_kind(name: str) -> str:
    return choose_device(name).type


def _own_device(name: str, group: Group) -> torch.device:
    device = choose_device(name)
    if device.type == "cuda" and group.size > 1:
        device = torch.device("cuda", group.local_rank)
        torch.cuda.set_device(device)
    return device


def _open_run(request: RunRequest, stack: ExitStack) -> RunFolder:
    recipe, open_ = request.recipe, RunFolder.attach if request.resume else RunFolder.create
    if request.resume and not request.allow_change:
        _refuse_change(request)
    extra = {"allow_change": request.allow_change} if request.resume else {}
    run = stack.enter_context(open_(request.folder, recipe_hash(recipe), recipe.steps, **extra))
    write_durably(request.folder / RECIPE_NAME, recipe_to_json(recipe).encode())
    return run


def _refuse_change(request: RunRequest) -> None:
    path = request.folder / RECIPE_NAME
    changes = differences(recipe_from_json(path), request.recipe) if path.exists() else []
    if changes:
        shown = "; ".join(changes[:SHOWN_CHANGES]) + ("; …" if len(changes) > SHOWN_CHANGES else "")
        raise UsageError(
            f"the run in {request.folder} was begun with another recipe ({shown})",
            "Restore the recipe, or continue with this one with --allow-change.",
        )


def _make_trainer(
    request: RunRequest,
    device: torch.device,
    group: Group,
    run: RunFolder | None,
    stop: StopSignal,
    events: TrainingEvents,
) -> Trainer:
    recipe = request.recipe
    ages = None if recipe.data.ages is None else read_ages(recipe.data.ages)
    subjects = [subject.to(device) for subject in _load(request.dataset, "train")]
    if recipe.needs_ages:
        subjects = _with_ages(subjects, ages or {})
    _warn_about_memory(recipe, subjects, device, events)
    network = initial_network(recipe).to(device)
    held_out = [subject.to(device) for subject in load_subjects(request.dataset, "validation")]
    if recipe.validation.every and not held_out and group.is_first:
        events.warning("the data set has no subjects for validation; the last weights are kept, not the best")
    trainer = Trainer(
        recipe,
        Learner(recipe, network, group),
        subjects,
        request.folder,
        validation=Validation(held_out, recipe, ages) if held_out and recipe.validation.every else None,
        group=group,
        run=run,
        stop=stop,
        events=events,
        ages=ages,
    )
    if group.is_first:
        (request.folder / CHECKPOINTS).mkdir(exist_ok=True)
        checkpoints.require_space(request.folder / CHECKPOINTS, checkpoint_bytes(trainer))
    return trainer


def checkpoint_bytes(trainer: Trainer) -> int:
    """Estimate the size of a checkpoint: weights, their average and two moments, float32."""
    parameters = sum(parameter.numel() for parameter in trainer.learner.network.parameters())
    return 4 * parameters * (3 + (trainer.learner.average is not None))


def _load(dataset: Path, split: str) -> list[Subject]:
    subjects = load_subjects(dataset, split)
    if not subjects:
        raise UsageError(f"{dataset} has no subject in its {split} split", "See `brainfm prepare --check`.")
    return subjects


def _with_ages(subjects: Sequence[Subject], ages: dict[str, float]) -> list[Subject]:
    known = [subject for subject in subjects if subject.name in ages]
    if not known:
        raise UsageError("no subject of the data set has an age", "Name the file of ages in the recipe: data.ages.")
    return known


def _warn_about_memory(
    recipe: Recipe, subjects: Sequence[Subject], device: torch.device, events: TrainingEvents
) -> None:
    estimate = estimate_run(recipe, subjects, device)
    if estimate.free_bytes and estimate.step_bytes > estimate.free_bytes:
        needed, free = estimate.step_bytes / 1e9, estimate.free_bytes / 1e9
        events.warning(
            f"a step needs about {needed:.1f} GB and {free:.1f} GB are free on {device}; smaller samples "
            f"(generator.shape) or checkpointing=true need less"
        )


def _check_subjects(request: RunRequest, trainer: Trainer) -> None:
    """Refuse to continue on other subjects than before: the curve would not be one run's."""
    before = trainer.subjects_before
    names = [subject.name for subject in trainer.subjects]
    if before is None or before == names or request.allow_change:
        return
    changed = sorted(set(before) ^ set(names))[:3]
    raise UsageError(
        f"the run was trained on other subjects ({', '.join(changed) or 'in another order'})",
        "Restore the data set, or allow the change with --allow-change.",
    )
