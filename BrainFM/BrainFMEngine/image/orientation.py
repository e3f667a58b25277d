"""Reorienting to the closest RAS axes: axes are permuted and flipped, nothing is interpolated."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np

from BrainFMEngine.image.volume import Shape3D, Volume, shape_3d


def closest_ras(affine_ras: np.ndarray) -> tuple[Shape3D, tuple[bool, bool, bool]]:
    """Find the permutation and flips of array axes that come closest to RAS.

    All six permutations are compared (a real assignment: two axes never claim the same direction), on the
    orthogonal part of the affine. Ties (45 degrees) are decided by the result and not by the input order, so that
    every storage order of one scan gives the same axes.

    Args:
        affine_ras: (4, 4) voxel index to RAS mm.

    Returns:
        `order`, where new axis d is old axis order[d], and `flip`, whether new axis d runs backwards.
    """
    directions = orthogonal_part(affine_ras)
    candidates = {}
    for order in permutations(range(3)):
        axes = directions[:, order]
        signs = np.where(np.diag(axes) < 0, -1.0, 1.0)
        score = np.round(np.abs(np.diag(axes)).sum(), 6)
        candidates[(score, *np.round(axes * signs, 6).ravel())] = order, signs < 0
    order, flip = candidates[max(candidates)]
    return shape_3d(order), (bool(flip[0]), bool(flip[1]), bool(flip[2]))


def orthogonal_part(affine_ras: np.ndarray) -> np.ndarray:
    """Return the (3, 3) orthogonal matrix nearest to the directions of the array axes (polar decomposition)."""
    matrix = affine_ras[:3, :3]
    left, _, right = np.linalg.svd(matrix / np.linalg.norm(matrix, axis=0))
    return left @ right


def reorient(volume: Volume) -> Volume:
    """Return the same voxels stored along the closest RAS axes (C-order), with the affine that goes with it."""
    order, flip = closest_ras(volume.affine_ras)
    array = volume.array.transpose(*order, *range(3, volume.array.ndim))
    array = array[tuple(slice(None, None, -1) if backwards else slice(None) for backwards in flip)]
    affine = np.array(volume.affine_ras, np.float64)
    affine[:3, :3] = volume.affine_ras[:3, list(order)]
    for axis, backwards in enumerate(flip):
        if backwards:
            affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
            affine[:3, axis] *= -1
    return replace(volume, array=np.ascontiguousarray(array), affine_ras=affine)
