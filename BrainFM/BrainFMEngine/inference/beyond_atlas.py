"""Brain where no brain can be: what a segmentation calls brain far outside the atlas's brain, such as the neck."""

from __future__ import annotations

from functools import cache

import numpy as np
import SimpleITK as sitk

from BrainFMEngine.anatomy.affine import AffineFit
from BrainFMEngine.anatomy.atlas import load_atlas
from BrainFMEngine.anatomy.centroids import fit_centroids_of
from BrainFMEngine.image.volume import Grid

MARGIN_MM, CSF_MARGIN_MM = 6.0, 12.0
"""So far outside the atlas's brain a head's own may lie. In 19 segmented heads less than 1 % of any structure lies
farther out; CSF around a shrunken brain does."""
_CSF = 24
_MOST_SHARE = 0.25
"""If more of the brain than this lies outside, it is the fit that is wrong."""
_WHOLE_SHARE = 0.05
"""A structure with more of it outside does not count for the fit."""
_LARGEST_RESIDUAL_MM = 8.0
_ROUNDS = 6
_ENOUGH_SHARE = 0.001
_COARSE = 3
"""Edge of a voxel of the distance map in mm."""
_BORDER_MM = 60


def beyond_atlas(labels: np.ndarray, grid: Grid) -> np.ndarray:
    """Return where brain lies farther than `MARGIN_MM` outside the atlas's, or CSF than `CSF_MARGIN_MM`.

    The affine comes from the centroids of structures. What is outside pulls them along, so that it is fitted again
    without the structures that reach outside, until nothing more is found.

    Args:
        labels: (X, Y, Z) FreeSurfer ids of brain structures, 0 elsewhere.
        grid: of the labels.

    Returns:
        (X, Y, Z) bool; nowhere if there are too few structures to tell, or no affine fits them.
    """
    beyond = np.zeros(labels.shape, bool)
    voxels = np.argwhere(labels)
    ids, points_ras = labels[tuple(voxels.T)], grid.to_ras(voxels)
    margin_mm = np.where(ids == _CSF, CSF_MARGIN_MM, MARGIN_MM)
    inside = trusted = np.ones(len(ids), bool)
    for _ in range(_ROUNDS):
        try:
            affine = fit_centroids_of(ids[trusted], points_ras[trusted], grid.voxel_mm3)
        except ValueError:
            return beyond
        if affine.residual_mm > _LARGEST_RESIDUAL_MM:
            return beyond
        before, inside = inside, inside & (_outside_mm(points_ras, affine) <= margin_mm)
        if np.count_nonzero(before & ~inside) <= _ENOUGH_SHARE * len(ids):
            break
        trusted = inside & (np.bincount(ids, weights=~inside) / np.bincount(ids).clip(1) <= _WHOLE_SHARE)[ids]
    if np.count_nonzero(~inside) <= _MOST_SHARE * len(ids):
        beyond[tuple(voxels[~inside].T)] = True
    return beyond


def _outside_mm(points_ras: np.ndarray, affine: AffineFit) -> np.ndarray:
    """Return how far (N, 3) points of the scan lie outside the atlas's brain, in mm of the atlas; negative inside."""
    distance_mm, first_ras = _distance_to_atlas_mm()
    index = np.rint((affine.apply(points_ras) - first_ras) / _COARSE).astype(np.intp)
    return distance_mm[tuple(np.clip(index, 0, np.array(distance_mm.shape) - 1).T)]


@cache
def _distance_to_atlas_mm() -> tuple[np.ndarray, np.ndarray]:
    """Return the distance to the atlas's brain on a coarse RAS grid, (X, Y, Z) float32, and (3,) RAS of its start."""
    atlas = load_atlas()
    corners = atlas.grid.to_ras(np.array([[0, 0, 0], np.array(atlas.array.shape) - 1]))
    first_ras = corners.min(0) - _BORDER_MM
    shape = np.ceil((corners.max(0) + _BORDER_MM - first_ras) / _COARSE).astype(int) + 1
    brain_ras = atlas.grid.to_ras(np.argwhere(atlas.array))
    brain = np.zeros(shape, np.uint8)
    brain[tuple(np.rint((brain_ras - first_ras) / _COARSE).astype(np.intp).T)] = 1
    image = sitk.GetImageFromArray(brain)
    image.SetSpacing((float(_COARSE),) * 3)
    distance = sitk.SignedMaurerDistanceMap(image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    return sitk.GetArrayFromImage(distance), first_ras
