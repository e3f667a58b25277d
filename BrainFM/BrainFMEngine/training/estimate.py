"""What a run will need, told before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.inference.available import host_available_bytes
from BrainFMEngine.network.build import build_network
from BrainFMEngine.training.memory import checkpoint_bytes, step_bytes, weight_bytes
from BrainFMEngine.training.recipe import Recipe

SPARSE_FRACTION = 0.25
"""Outputs are computed on two eighths of the voxels where losses are sparse."""
CHECKPOINTS_KEPT = 4
"""last, previous, best and the one being written."""
SAMPLE_CHANNELS = 24
"""Float32 maps of a sample: image, targets, and what the generator holds on the way."""


@dataclass(frozen=True)
class Estimate:
    """Bytes and counts.

    Attributes:
        parameters: of the network.
        step_bytes: peak on the device: weights, optimizer, subjects, samples and one step.
        free_bytes: what the device has free; None where that is not known.
        checkpoint_bytes: one checkpoint; `disk_bytes` is all that are kept.
    """

    parameters: int
    step_bytes: int
    free_bytes: int | None
    checkpoint_bytes: int
    disk_bytes: int


def estimate_run(recipe: Recipe, subjects: Sequence[Subject], device: torch.device | str = "cpu") -> Estimate:
    """Estimate memory and disk of a recipe on subjects; within a factor of two."""
    config, device = recipe.network.config(), torch.device(device)
    with torch.device("meta"):
        parameters = sum(parameter.numel() for parameter in build_network(config).parameters())
    averaged = recipe.ema_decay is not None
    shape = recipe.generator.shape
    fraction = SPARSE_FRACTION if recipe.objective.sparse else 1.0
    step = step_bytes(config, shape, recipe.precision != "fp32", recipe.checkpointing, fraction)
    samples = 4 * shape[0] * shape[1] * shape[2] * SAMPLE_CHANNELS * recipe.samples
    held = sum(_subject_bytes(subject) for subject in subjects)
    checkpoint = checkpoint_bytes(parameters, averaged)
    return Estimate(
        parameters=parameters,
        step_bytes=weight_bytes(parameters, averaged) + step + samples + held,
        free_bytes=_free_bytes(device),
        checkpoint_bytes=checkpoint,
        disk_bytes=CHECKPOINTS_KEPT * checkpoint,
    )


def _subject_bytes(subject: Subject) -> int:
    tensors = [subject.rows, subject.distance, subject.atlas_mm, *subject.images.values()]
    return sum(tensor.nbytes for tensor in tensors if tensor is not None)


def _free_bytes(device: torch.device) -> int | None:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return host_available_bytes() if device.type == "cpu" else None
