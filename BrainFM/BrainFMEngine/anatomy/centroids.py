"""The atlas affine from a segmentation: structures lie where the atlas has them."""

from __future__ import annotations

import numpy as np

from BrainFMEngine.anatomy.affine import AffineFit, fit_affine
from BrainFMEngine.anatomy.atlas import atlas_centroids
from BrainFMEngine.image.volume import Grid

_SMALLEST_STRUCTURE_MM3 = 150.0
_FEWEST_STRUCTURES = 10


def fit_centroids(labels: np.ndarray, grid: Grid) -> AffineFit:
    """Fit 12 degrees of freedom to the centroids of the structures that scan and atlas share.

    Args:
        labels: (X, Y, Z) FreeSurfer ids.
        grid: of the labels.

    Raises:
        ValueError: too few structures, or no plausible transform.
    """
    voxels = np.argwhere(labels)
    return fit_centroids_of(labels[tuple(voxels.T)], grid.to_ras(voxels), grid.voxel_mm3)


def fit_centroids_of(ids: np.ndarray, points_ras: np.ndarray, voxel_mm3: float) -> AffineFit:
    """Do the same for a list of voxels.

    Args:
        ids: (N,) FreeSurfer ids, not negative.
        points_ras: (N, 3) mm.
        voxel_mm3: volume of each.

    Raises:
        ValueError: as for `fit_centroids`.
    """
    counts = np.bincount(ids)
    sums = np.stack([np.bincount(ids, weights=points_ras[:, axis]) for axis in range(3)], axis=1)
    scan, atlas = [], []
    for label, centroid in atlas_centroids().items():
        if label < len(counts) and counts[label] * voxel_mm3 >= _SMALLEST_STRUCTURE_MM3:
            scan.append(sums[label] / counts[label])
            atlas.append(centroid)
    if len(scan) < _FEWEST_STRUCTURES:
        raise ValueError(f"only {len(scan)} structures are shared with the atlas")
    return fit_affine(np.array(scan), np.array(atlas))
