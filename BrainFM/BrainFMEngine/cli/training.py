"""What `brainfm train` does: put the recipe together, run it, and tell what happens."""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from BrainFMEngine.cli.interrupt import Interrupted
from BrainFMEngine.cli.training_reporters import REPORTERS, TrainingReporter
from BrainFMEngine.errors import CancelledError, UsageError
from BrainFMEngine.inference.device_name import check_device_name

if TYPE_CHECKING:
    from BrainFMEngine.training.recipe import Recipe


@dataclass(frozen=True)
class TrainRequest:
    """What the user asked for; see `brainfm train --help`."""

    dataset: Path | None
    folder: Path
    recipe: str = "brainfm"
    preset: str = "compact"
    changes: list[str] = field(default_factory=list)
    start: str | None = None
    follow: bool = False
    resume: bool = False
    allow_change: bool = False
    minutes: float | None = None
    device: str = "auto"
    threads: int | None = None
    stdin: bool = False
    estimate: bool = False
    write_recipe: Path | None = None


def run_train(request: TrainRequest, progress: str) -> int:
    """Train, report what happens, and return the exit code: 0 when done or stopped as asked."""
    started = time.perf_counter()
    progress = progress if os.environ.get("RANK", "0") == "0" else "none"  # under torchrun only the first process tells
    with REPORTERS[progress]().running(request.folder) as reporter:
        result: dict[str, Any] = {"run": str(request.folder.absolute()), "step": None, "reason": "", "model": None}
        try:
            result |= _train(request, reporter)
            code = 0
        except (Interrupted, KeyboardInterrupt):
            code = reporter.error(CancelledError(hint="The last checkpoint is as it was"))
        except Exception as error:  # every error ends as a sentence
            code = reporter.error(error)
        reporter.done(code, result, time.perf_counter() - started)
    return code


def _train(request: TrainRequest, reporter: TrainingReporter) -> dict[str, Any]:
    check_device_name(request.device)
    recipe = make_recipe(request)
    if request.write_recipe is not None:
        from BrainFMEngine.training.run_recipe import write_recipe

        write_recipe(request.write_recipe, recipe)
        reporter.text(f"recipe in {request.write_recipe}")
        return {"recipe": str(request.write_recipe.absolute())}
    from BrainFMEngine.training.run import MODEL_NAME, RunRequest, plan, train
    from BrainFMEngine.training.run_folder import STOP_NAME
    from BrainFMEngine.training.stop import StopSignal

    run = RunRequest(
        dataset=find_dataset(request),
        folder=request.folder,
        recipe=recipe,
        resume=request.resume,
        allow_change=request.allow_change,
        device=request.device,
        threads=request.threads,
    )
    if request.estimate:
        return _tell_estimate(plan(run), reporter)
    stop_file = request.folder / STOP_NAME
    with StopSignal(stop_file, request.minutes, stdin_line=request.stdin, stdin_end=request.stdin) as stop:
        outcome = train(run, stop, reporter)
    model = (request.folder / MODEL_NAME).absolute()
    return {"step": outcome.step, "reason": outcome.reason, "model": str(model) if model.exists() else None}


def find_dataset(request: TrainRequest) -> Path:
    """Return the data set of a request: the one given, or else the one that the run to resume has noted.

    Raises:
        UsageError: none is given nor noted.
        FileAccessError: what is noted is gone.
    """
    from BrainFMEngine.training.run_dataset import noted_dataset
    from BrainFMEngine.training.run_state import STATE_NAME

    if request.dataset is not None:
        return request.dataset
    if not request.resume:
        raise UsageError("there is no data set to train on", "Name a folder that 'brainfm prepare' made.")
    if not (request.folder / STATE_NAME).exists():
        raise UsageError(f"{request.folder} holds no run that could be resumed", "Check the folder of the run.")
    return noted_dataset(request.folder)


def make_recipe(request: TrainRequest) -> Recipe:
    """Return the recipe of a request: by name or from a file, with its changes.

    Raises:
        UsageError: no such recipe or key, or a value that is not possible.
    """
    from BrainFMEngine.training.recipe import with_values
    from BrainFMEngine.training.recipes import find_recipe
    from BrainFMEngine.training.run_recipe import read_run_recipe

    of_the_run = read_run_recipe(request.folder) if request.resume and request.recipe == "brainfm" else None
    recipe = of_the_run or find_recipe(request.recipe, request.preset)
    changes = dict(_parse_change(text) for text in request.changes)
    if request.start is not None:
        changes["start.model"] = request.start
    if request.follow:
        from BrainFMEngine.training.recipe_follow import follow

        changes = follow(recipe, changes)
    return with_values(recipe, changes) if changes else recipe


def _parse_change(text: str) -> tuple[str, Any]:
    """Return key and value of "key=value"; the value is JSON, or a text as it stands."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"{text!r} is no change of a recipe", "Write for example --set steps=1000.")
    try:
        return key, json.loads(value, parse_constant=_refuse_constant)
    except (json.JSONDecodeError, RecursionError):
        return key, value


def _refuse_constant(word: str) -> float:
    raise UsageError(f"{word} is no number for a recipe")


def _tell_estimate(estimate: Any, reporter: TrainingReporter) -> dict[str, Any]:
    values = {
        "parameters": estimate.parameters,
        "step_bytes": estimate.step_bytes,
        "free_bytes": estimate.free_bytes,
        "checkpoint_bytes": estimate.checkpoint_bytes,
        "disk_bytes": estimate.disk_bytes,
        "step_seconds": estimate.step_seconds,
        "total_seconds": estimate.total_seconds,
    }
    free = "" if estimate.free_bytes is None else f" ({estimate.free_bytes / 1e9:.1f} GB are free)"
    seconds, total = estimate.step_seconds, estimate.total_seconds
    time = f"; about {seconds:.2g} s a step and {_long(total)} in all" if seconds is not None else ""
    reporter.text(
        f"{estimate.parameters / 1e6:.1f} million parameters; a step needs about {estimate.step_bytes / 1e9:.1f} GB"
        f"{free}; checkpoints about {math.ceil(estimate.disk_bytes / 1e6)} MB{time}"
    )
    return {"estimate": values}


def _long(seconds: float) -> str:
    """Return a long time in the unit that fits it."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
