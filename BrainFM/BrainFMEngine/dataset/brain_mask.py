"""The skull-strip mask of a subject: the brain with its sulci closed, as a skull-stripped scan shows it."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from BrainFMEngine.generator.subject import Subject, is_brain

CLOSING_VOXELS = 5.0
LARGEST_BRAIN_ML = 2200.0
ABOVE_AIR, ABOVE_AIR_CT = 0.05, -0.5


def brain_mask(subject: Subject) -> np.ndarray | None:
    """Return the mask, (X, Y, Z) bool.

    It comes from the labels; without labels it is where a skull-stripped scan shows anything. None where a scan
    without labels shows more than a brain.
    """
    if subject.rows is not None:
        brain = is_brain(subject.rows, subject.scheme).numpy()
        return closed(brain) if brain.any() else None
    name, image = next(iter(subject.images.items()))
    shown = image.numpy() > (ABOVE_AIR_CT if name == "CT" else ABOVE_AIR)
    mask = closed(shown)
    return mask if 0 < mask.sum() / 1000 <= LARGEST_BRAIN_ML else None


def closed(mask: np.ndarray) -> np.ndarray:
    """Return a mask (X, Y, Z) bool with furrows narrower than 10 mm and holes filled (morphological closing)."""
    margin = int(CLOSING_VOXELS) + 2
    image = sitk.GetImageFromArray(np.pad(mask, margin).astype(np.uint8))
    grown = sitk.SignedMaurerDistanceMap(image, squaredDistance=False) <= CLOSING_VOXELS
    shrunk = sitk.SignedMaurerDistanceMap(grown, squaredDistance=False) <= -CLOSING_VOXELS
    filled = sitk.GetArrayFromImage(sitk.BinaryFillhole(shrunk)).astype(bool)
    return filled[(slice(margin, -margin),) * 3] | mask
