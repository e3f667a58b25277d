"""Memory that runs out in a step becomes a sentence with what to change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from BrainFMEngine.errors import DeviceMemoryError
from BrainFMEngine.training.recipe import Recipe

SHRINK_TO = 0.8
SIGNS = ("out of memory", "can't allocate memory", "not enough memory")


@contextmanager
def explained_memory(recipe: Recipe) -> Iterator[None]:
    """Turn torch's and Python's out-of-memory errors into a DeviceMemoryError that proposes a smaller sample."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        out = isinstance(error, (MemoryError, torch.OutOfMemoryError))
        if not out and not any(sign in str(error) for sign in SIGNS):
            raise
        raise DeviceMemoryError("memory ran out in a training step", _proposal(recipe)) from error


def _proposal(recipe: Recipe) -> str:
    multiple = recipe.network.config().size_multiple
    smaller = [max(multiple, int(size * SHRINK_TO) // multiple * multiple) for size in recipe.generator.shape]
    shape = f"generator.shape={smaller}"
    return f"Resume with --set {shape}{'' if recipe.checkpointing else ' or checkpointing=true'} and --allow-change."
