"""Brain where there is none: parts of the segmentation that lie outside the brain, muscles of the neck say."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from BrainFMEngine.anatomy.protocols import LabelProtocol
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.inference.beyond_atlas import beyond_atlas

LEAST_SHARE = 0.05
"""A part with less than this share of the largest part's voxels is not taken for brain."""


def without_islands(probabilities: np.ndarray, winner: np.ndarray, protocol: LabelProtocol, grid: Grid) -> np.ndarray:
    """Take what cannot be brain from all its structures; what else it may be decides.

    That is what lies beyond the atlas's brain, and then small parts that do not touch the brain: it is one, whatever
    its structures, they touch. A structure's own parts are not looked at.

    Args:
        probabilities: (C, X, Y, Z) float16, one channel a label; changed in place within the islands, where brain gets
            probability 0 and the others sum up to 1.
        winner: (X, Y, Z) uint8, the most probable channel.
        protocol: which label each channel is.
        grid: of the voxels.

    Returns:
        (X, Y, Z) bool, the islands.
    """
    is_brain = np.array([bool(part.id) and not part.extracerebral for part in protocol.structures])
    brain = is_brain[winner]
    islands = beyond_atlas(np.where(brain, np.array(protocol.ids)[winner], 0), grid)
    islands |= small_parts(brain & ~islands)
    if islands.any():
        values = probabilities[:, islands].astype(np.float32)
        values[is_brain] = 0.0
        values[0] += values.sum(0) == 0  # nothing else: background
        probabilities[:, islands] = values / values.sum(0)
    return islands


def small_parts(mask: np.ndarray) -> np.ndarray:
    """Return where a (X, Y, Z) bool mask has parts, connected by faces, of less than `LEAST_SHARE` of the largest."""
    inside = np.argwhere(mask.any((1, 2))), np.argwhere(mask.any((0, 2))), np.argwhere(mask.any((0, 1)))
    islands = np.zeros(mask.shape, bool)
    if not len(inside[0]):
        return islands
    box = tuple(slice(int(found[0, 0]), int(found[-1, 0]) + 1) for found in inside)
    image = sitk.GetImageFromArray(np.ascontiguousarray(mask[box]).astype(np.uint8))
    parts = sitk.GetArrayFromImage(sitk.ConnectedComponent(image))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    small = sizes < LEAST_SHARE * sizes.max()
    small[0] = False
    islands[box] = small[parts]
    return islands
