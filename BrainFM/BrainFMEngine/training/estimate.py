"""What a run will need, told before it starts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.inference.available import host_available_bytes
from BrainFMEngine.network.build import build_network
from BrainFMEngine.training.memory import FLOAT_BYTES, checkpoint_bytes, step_bytes, weight_bytes
from BrainFMEngine.training.recipe import Recipe
from BrainFMEngine.training.step_time import guess_step_time
from BrainFMEngine.training.subject_shelf import ShelvedSubject, room_for_subjects, subject_bytes

SPARSE_FRACTION = 0.25
"""Outputs are computed on two eighths of the voxels where losses are sparse."""
CHECKPOINTS_KEPT = 4
"""last, previous, best and the one being written."""
SAMPLE_CHANNELS, MAKING_CHANNELS = 17, 30
"""Float32 maps of a sample, image and targets; and of what the generator holds beside the one in the making."""
BATCHES_HELD = 3
"""One that is learnt from, one that waits, one in the making."""


@dataclass(frozen=True)
class Estimate:
    """Bytes and counts.

    Attributes:
        parameters: of the network.
        step_bytes: peak on the device: weights, optimizer, subjects, samples and one step.
        free_bytes: what the device has free; None where that is not known.
        checkpoint_bytes: one checkpoint; `disk_bytes` is all that are kept.
        step_seconds: of an optimizer step, guessed from small ones on this machine; None where it was not tried.
        total_seconds: of the whole run with its validations.
    """

    parameters: int
    step_bytes: int
    free_bytes: int | None
    checkpoint_bytes: int
    disk_bytes: int
    step_seconds: float | None = None
    total_seconds: float | None = None


def estimate_run(
    recipe: Recipe, subjects: Sequence[Subject | ShelvedSubject], device: torch.device | str = "cpu"
) -> Estimate:
    """Estimate memory and disk of a recipe on subjects, of which no more are counted than there is room for.

    On a CPU the memory is within a quarter of what the compact recipe takes with 8 to 32 maps, 48³ to 96³ voxels, fp32
    and bf16, with and without checkpointing (`benchmarks/training_memory.py`).
    """
    config, device = recipe.network.config(), torch.device(device)
    with torch.device("meta"):
        parameters = sum(parameter.numel() for parameter in build_network(config).parameters())
    averaged = recipe.ema_decay is not None
    shape = recipe.generator.shape
    fraction = SPARSE_FRACTION if recipe.objective.sparse else 1.0
    step = step_bytes(config, shape, recipe.precision != "fp32", recipe.checkpointing, fraction)
    channels = SAMPLE_CHANNELS * recipe.samples * BATCHES_HELD + MAKING_CHANNELS
    samples = FLOAT_BYTES * math.prod(shape) * channels
    free, needed = _free_bytes(device), weight_bytes(parameters, averaged) + step + samples
    held = sum(subject_bytes(subject) for subject in subjects)
    room = room_for_subjects(free, needed)
    held = held if room is None else min(held, max(room, *map(subject_bytes, subjects), 0))
    checkpoint = checkpoint_bytes(parameters, averaged)
    return Estimate(
        parameters=parameters,
        step_bytes=needed + held,
        free_bytes=free,
        checkpoint_bytes=checkpoint,
        disk_bytes=CHECKPOINTS_KEPT * checkpoint,
    )


def with_times(estimate: Estimate, recipe: Recipe, subject: Subject, device: torch.device | str = "cpu") -> Estimate:
    """Add how long it will take, which takes a few seconds to find out.

    Args:
        estimate: of the recipe; without a step that fits nothing is tried.
        recipe: what is learnt.
        subject: one to learn from.
        device: where.
    """
    if estimate.free_bytes is not None and estimate.step_bytes > estimate.free_bytes:
        return estimate
    time = guess_step_time(recipe, subject, torch.device(device))
    if time is None:
        return estimate
    every = recipe.validation.every
    tried = recipe.validation.subjects * math.ceil(recipe.steps / every) if every else 0
    return replace(estimate, step_seconds=time.step, total_seconds=time.step * recipe.steps + time.sample * tried)


def _free_bytes(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return host_available_bytes() if device.type == "cpu" else None
