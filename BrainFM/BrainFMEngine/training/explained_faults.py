"""What memory, devices and disks do to a run becomes a sentence with what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from BrainFMEngine.errors import BrainFMError, DeviceMemoryError, FileAccessError
from BrainFMEngine.training.recipe import Recipe

SHRINK_TO = 0.8
MEMORY_SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "could not create a memory object")
DEVICE_SIGNS = ("CUDA error", "CUDNN_STATUS", "CUBLAS_STATUS", "NCCL error", "MPS backend")


@contextmanager
def explained_faults(recipe: Recipe) -> Iterator[None]:
    """Turn errors of the machine into those that users see; errors of the program stay as they are.

    Raises:
        DeviceMemoryError: memory ran out, or the device failed.
        FileAccessError: a file cannot be read or written.
    """
    try:
        yield
    except (MemoryError, RuntimeError, OSError) as error:
        explained = _explain(error, recipe)
        if explained is None:
            raise
        raise explained from error


def is_memory_fault(error: BaseException) -> bool:
    """Tell whether memory ran out, on whatever device."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(sign in str(error) for sign in MEMORY_SIGNS)


def smaller_samples(recipe: Recipe) -> str:
    """Return what to change in a recipe so that a step needs less memory, as arguments."""
    multiple = recipe.network.config().size_multiple
    smaller = [max(multiple, int(size * SHRINK_TO) // multiple * multiple) for size in recipe.generator.shape]
    shape = f"--set generator.shape=[{','.join(map(str, smaller))}]"
    return shape if recipe.checkpointing else f"{shape} or --set checkpointing=true"


def _explain(error: Exception, recipe: Recipe) -> BrainFMError | None:
    text = " ".join(str(error).split())
    if isinstance(error, OSError):
        about = f"{error.filename}: " if error.filename else ""
        hint = "Free some space or check permissions; the last checkpoint is as it was."
        return FileAccessError(f"cannot read or write {about}{error.strerror or text}", hint)
    if is_memory_fault(error):
        hint = f"Try {smaller_samples(recipe)}; a run that has begun goes on so with --resume --allow-change."
        return DeviceMemoryError("memory ran out", hint)
    if any(sign in text for sign in DEVICE_SIGNS):
        hint = "The last checkpoint is as it was: continue with --resume, if need be after a restart."
        return DeviceMemoryError(f"the device failed: {text[:200]}", hint)
    return None
