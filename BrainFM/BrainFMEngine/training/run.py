"""A training run from a data set and a recipe to weights that work: what `brainfm train` does."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from BrainFMEngine.dataset.in_use import learning_from
from BrainFMEngine.errors import DeviceMemoryError, UsageError
from BrainFMEngine.inference.device import choose_device
from BrainFMEngine.training import checkpoints
from BrainFMEngine.training.checkpoints import LAST, PREVIOUS, checkpoint_path
from BrainFMEngine.training.distributed import Group
from BrainFMEngine.training.estimate import Estimate, estimate_run, with_times
from BrainFMEngine.training.events import TrainingEvents
from BrainFMEngine.training.explained_faults import explained_faults, smaller_samples
from BrainFMEngine.training.export import export_weights
from BrainFMEngine.training.learner import Learner
from BrainFMEngine.training.recipe import Recipe, recipe_hash
from BrainFMEngine.training.run_data import read_run_data, sampled_subjects
from BrainFMEngine.training.run_folder import STATE_NAME, RunFolder, RunState
from BrainFMEngine.training.run_recipe import refuse_change, with_absolute_paths, write_run_recipe
from BrainFMEngine.training.start import initial_network
from BrainFMEngine.training.stop import StopSignal
from BrainFMEngine.training.subject_shelf import room_for_subjects
from BrainFMEngine.training.trainer import CHECKPOINTS, Outcome, Trainer
from BrainFMEngine.training.validation import Validation

MODEL_NAME = "model"
SURELY_TOO_LARGE = 1.5
"""A step whose estimate is so many times what is free is refused."""
SHOWN_SUBJECTS = 3


@dataclass(frozen=True)
class RunRequest:
    """What is asked for.

    Attributes:
        dataset: folder that `brainfm prepare` made; `run_dataset.noted_dataset` tells that of a run.
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

    A new run that fails before its first step leaves nothing behind.

    Raises:
        UsageError: the folder holds a run (or none, to resume), another process trains in it, the data set has no
            subject for training, or the recipe doesn't fit it.
        InputImageError: too many subjects are damaged, at the beginning or later.
        DeviceMemoryError: no such device, or memory ran out.
        FileAccessError: something cannot be read or written.
    """
    events = events or TrainingEvents()
    request = replace(request, recipe=with_absolute_paths(request.recipe))
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    with explained_faults(request.recipe), ExitStack() as stack:
        group = stack.enter_context(Group.from_environment(_device_kind(request.device)))
        device = _own_device(request.device, group)
        run = _open_run(request, stack) if group.is_first else None
        stack.enter_context(learning_from(request.dataset))
        with explained_faults(request.recipe):  # within the run, whose state file tells the same sentence
            return _train(request, device, group, run, stop, events)


def plan(request: RunRequest) -> Estimate:
    """Tell what a run will need, without starting it."""
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    device, subjects = choose_device(request.device), sampled_subjects(request.dataset)
    estimate = estimate_run(request.recipe, subjects, device)
    return with_times(estimate, request.recipe, subjects[0].read(), device)


def _train(
    request: RunRequest,
    device: torch.device,
    group: Group,
    run: RunFolder | None,
    stop: StopSignal,
    events: TrainingEvents,
) -> Outcome:
    trainer = _make_trainer(request, device, group, run, stop, events)
    if request.resume:
        _resume(request, trainer, run, events)
    if run is not None:
        run.require()
        write_run_recipe(request.folder, request.recipe)
    first = trainer.step
    outcome = trainer.run()
    if group.is_first and outcome.step == first and outcome.reason:
        events.warning(f"no step was taken: {outcome.reason}")
    if run is not None:
        run.require()
    if group.is_first and outcome.step:
        export_weights(trainer.checkpoint_folder, request.recipe, request.folder / MODEL_NAME, warn=events.warning)
    if run is not None:
        run.end("finished" if not outcome.reason else "stopped", outcome.reason or trainer.bad.note)
    return outcome


def _device_kind(name: str) -> str:
    return choose_device(name).type


def _own_device(name: str, group: Group) -> torch.device:
    device = choose_device(name)
    if device.type == "cuda" and group.size > 1:
        device = torch.device("cuda", group.local_rank)
        torch.cuda.set_device(device)
    return device


def _open_run(request: RunRequest, stack: ExitStack) -> RunFolder:
    recipe, folder = request.recipe, request.folder
    if request.resume:
        if not request.allow_change:
            refuse_change(folder, recipe)
        run = RunFolder.attach(folder, recipe_hash(recipe), recipe.steps, request.allow_change, request.dataset)
    else:
        _refuse_folder(request)
        run = RunFolder.create(folder, recipe_hash(recipe), recipe.steps, request.dataset)
    return stack.enter_context(run)


def _refuse_folder(request: RunRequest) -> None:
    """Refuse a folder in which a new run would replace what is not its own."""
    folder = request.folder
    if (folder / STATE_NAME).exists():
        return  # a run, which is refused with who trains there
    if folder.exists() and request.dataset.exists() and folder.samefile(request.dataset):
        raise UsageError(f"{folder} is the data set", "Choose another folder for the run.")
    for name in (CHECKPOINTS, MODEL_NAME):
        if (folder / name).exists():
            raise UsageError(f"{folder} has {name!r} already, which the run would replace", "Choose another folder.")


def _make_trainer(
    request: RunRequest,
    device: torch.device,
    group: Group,
    run: RunFolder | None,
    stop: StopSignal,
    events: TrainingEvents,
) -> Trainer:
    recipe = request.recipe
    alone = estimate_run(recipe, (), device)
    room = room_for_subjects(alone.free_bytes, alone.step_bytes, group.size if device.type == "cpu" else 1)
    data = read_run_data(request.dataset, recipe, events.warning, room, device)
    estimate = replace(alone, step_bytes=alone.step_bytes + data.subjects.held_bytes)
    _refuse_too_large(recipe, estimate, device, events)
    network = initial_network(_first_recipe(request)).to(device)
    trainer = Trainer(
        recipe,
        Learner(recipe, network, group),
        data.subjects,
        request.folder,
        validation=Validation(data.held_out, recipe, data.ages) if data.held_out else None,
        group=group,
        run=run,
        stop=stop,
        events=events,
        ages=data.ages,
        contents=data.contents,
    )
    if group.is_first:
        checkpoints.require_space(request.folder, estimate.checkpoint_bytes)
    return trainer


def _first_recipe(request: RunRequest) -> Recipe:
    """Return the recipe for the first weights: those of a checkpoint need no other model, which may be gone."""
    recipe, folder = request.recipe, request.folder / CHECKPOINTS
    if request.resume and any(checkpoint_path(folder, name).exists() for name in (LAST, PREVIOUS)):
        return replace(recipe, start=replace(recipe.start, model=None, required=False))
    return recipe


def _refuse_too_large(recipe: Recipe, estimate: Estimate, device: torch.device, events: TrainingEvents) -> None:
    """Refuse what cannot fit before anything is allocated; warn of what may not (the estimate is good to a third)."""
    if not estimate.free_bytes or estimate.step_bytes <= estimate.free_bytes:
        return
    needed, free = estimate.step_bytes / 1e9, estimate.free_bytes / 1e9
    text = f"a step needs about {needed:.1f} GB and {free:.1f} GB are free on {device}"
    if estimate.step_bytes > SURELY_TOO_LARGE * estimate.free_bytes:
        raise DeviceMemoryError(text, f"Try {smaller_samples(recipe)}.")
    events.warning(f"{text}; {smaller_samples(recipe)} needs less")


def _resume(request: RunRequest, trainer: Trainer, run: RunFolder | None, events: TrainingEvents) -> None:
    if trainer.resume():
        if not request.allow_change:
            _refuse_other_subjects(trainer)
        return
    if run is None:
        return
    if _has_saved(run.before, request.recipe):
        hint = "Restore them, or start a new run in another folder."
        raise checkpoints.DamagedCheckpointError(f"the checkpoints of the run in {request.folder} are gone", hint)
    events.warning("there is no checkpoint yet: the run begins at step 0")


def _has_saved(before: RunState | None, recipe: Recipe) -> bool:
    """Tell whether a run must have left a checkpoint."""
    if before is None:
        return False
    return before.step > recipe.saving.every or (before.state in ("finished", "stopped") and before.step > 0)


def _refuse_other_subjects(trainer: Trainer) -> None:
    """Refuse to continue on other subjects than before: the curve would not be one run's."""
    before, now = trainer.contents_before, trainer.contents
    changed = sorted(name for name in {**before, **now} if before.get(name) != now.get(name))
    if changed:
        listed = ", ".join(changed[:SHOWN_SUBJECTS]) + (", …" if len(changed) > SHOWN_SUBJECTS else "")
        raise UsageError(
            f"the run was trained on other subjects ({listed} changed)",
            "Restore the data set, or allow the change with --allow-change.",
        )
