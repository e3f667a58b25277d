"""A subject as a file: `.npz` without pickles, arrays named as the fields of `generator.subject.Subject`."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np
import torch

from BrainFMEngine.dataset.subject_arrays import IMAGE_PREFIX, MASK
from BrainFMEngine.generator.labels import LabelScheme
from BrainFMEngine.generator.subject import Subject


def arrays_of(subject: Subject, brain_mask: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return the arrays that a subject is stored as.

    Args:
        subject: on the CPU.
        brain_mask: (X, Y, Z) bool, stored as bits.
    """
    arrays: dict[str, np.ndarray] = {"affine_ras": np.asarray(subject.affine_ras, np.float64)}
    for name in ("rows", "distance", "atlas_mm"):
        tensor = getattr(subject, name)
        if tensor is not None:
            arrays[name] = tensor.numpy()
    arrays |= {IMAGE_PREFIX + name: image.numpy().astype(np.float16) for name, image in subject.images.items()}
    if brain_mask is not None:
        arrays[MASK] = np.packbits(brain_mask)
    return arrays


def save_arrays(file: BinaryIO, arrays: dict[str, np.ndarray]) -> None:
    """Write a subject's arrays, compressed, to an open file."""
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # no array is called allow_pickle


def subject_of(name: str, arrays: dict[str, np.ndarray], scheme: LabelScheme) -> Subject:
    """Return the subject of checked arrays."""
    tensors = {
        key: torch.from_numpy(arrays[key]) if key in arrays else None for key in ("rows", "distance", "atlas_mm")
    }
    images = {
        key.removeprefix(IMAGE_PREFIX): torch.from_numpy(array)
        for key, array in arrays.items()
        if key.startswith(IMAGE_PREFIX)
    }
    return Subject(name, **tensors, images=images, scheme=scheme, affine_ras=arrays["affine_ras"])
