"""A subject's brain in the grey levels of the atlas, so that both can be subtracted from each other."""

from __future__ import annotations

import numpy as np
import torch

from BrainFMEngine.anatomy.atlas import load_atlas
from BrainFMEngine.dataset.brain_mask import closed
from BrainFMEngine.generator.contrast import paint_values, soften
from BrainFMEngine.generator.presets import target_values
from BrainFMEngine.generator.subject import Subject, is_brain
from BrainFMEngine.image.orientation import reorient
from BrainFMEngine.image.volume import Grid, Volume

LEVEL_AT_0, LEVELS_PER_UNIT = 63.0, 126.0
"""The atlas's grey level of a tissue with a nominal T1 value, within 9 of its 200 levels for 25 of 29 structures."""
FLUID_BELOW = 0.4
"""Fluid is 0 in the atlas, whose ventricles are masked."""
SULCI = 125.0
"""What the atlas shows of sulci: an average of fluid and cortex."""
BLUR_VOXELS = 2.0
ATLAS_BLUR_VOXELS = 1.0
"""An average of many heads is less sharp than one; both blurs bring them to about the same sharpness."""


def atlas_brain() -> Volume:
    """Return the atlas, RAS, slightly blurred: (X, Y, Z) float32, 0 to 200."""
    atlas = reorient(load_atlas())
    return Volume(_blurred(atlas.array.astype(np.float32), ATLAS_BLUR_VOXELS), atlas.affine_ras)


def brain_like_atlas(subject: Subject) -> Volume:
    """Return a subject's brain with the atlas's grey levels, (X, Y, Z) float32 on its own grid.

    Painted from the labels where there are any; else the T1w itself, head and all, or the first image.
    """
    if subject.rows is not None:
        values = target_values("T1", subject.scheme)
        is_fluid = values < FLUID_BELOW
        levels = np.where(subject.scheme.extracerebral | is_fluid, 0, LEVEL_AT_0 + LEVELS_PER_UNIT * values)
        image = paint_values(subject.rows, levels.astype(np.float32)).numpy()
        brain = is_brain(subject.rows, subject.scheme).numpy()
        image[closed(brain) & ~brain] = SULCI
    else:
        name = "T1" if "T1" in subject.images else next(iter(subject.images))
        image = subject.images[name].float().numpy()
        image = np.where(image > FLUID_BELOW, LEVEL_AT_0 + LEVELS_PER_UNIT * image, 0).astype(np.float32)
    return Volume(_blurred(image, BLUR_VOXELS), Grid(subject.shape, subject.affine_ras).affine_ras)


def _blurred(image: np.ndarray, voxels: float) -> np.ndarray:
    return soften(torch.from_numpy(np.ascontiguousarray(image)), voxels).numpy()
