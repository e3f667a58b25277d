"""The atlas affine from the segmentation, for when the network's coordinates determine none."""

from __future__ import annotations

import numpy as np

from BrainFMEngine.anatomy.atlas import atlas_centroids
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.outputs.affine import AffineFit, fit_affine

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
    scan, atlas = [], []
    for label, centroid in atlas_centroids().items():
        voxels = np.argwhere(labels == label)
        if len(voxels) * grid.voxel_mm3 >= _SMALLEST_STRUCTURE_MM3:
            scan.append(grid.to_ras(voxels.mean(axis=0)))
            atlas.append(centroid)
    if len(scan) < _FEWEST_STRUCTURES:
        raise ValueError(f"only {len(scan)} structures are shared with the atlas")
    return fit_affine(np.array(scan), np.array(atlas))
