"""How large a scan will be for the network, told from its header alone. Torch-free."""

from __future__ import annotations

import numpy as np

from BrainFMEngine.image.conform import MARGIN_MM, padded_shape
from BrainFMEngine.image.orientation import closest_ras
from BrainFMEngine.image.volume import Shape3D, shape_3d

LARGE_HEAD_MM = (208.0, 256.0, 192.0)
"""Left-right, back-front, bottom-top of a large head with its margin and without its neck."""


def expected_shape(shape: Shape3D, affine_ras: np.ndarray, size_multiple: int, spacing_mm: float = 1.0) -> Shape3D:
    """Return the shape that `conform` gives at most, unless the scan holds something larger than a large head.

    Args:
        shape: (X, Y, Z) voxels of the scan.
        affine_ras: (4, 4) voxel index to RAS mm.
        size_multiple: what each axis is divisible by.
        spacing_mm: voxel size that the network works at.
    """
    order, _ = closest_ras(affine_ras)
    extent_mm = (np.array(shape) * np.linalg.norm(affine_ras[:3, :3], axis=0))[list(order)]
    seen_mm = np.minimum(extent_mm + 2 * MARGIN_MM, LARGE_HEAD_MM)
    return padded_shape(shape_3d(round(float(mm) / spacing_mm) for mm in seen_mm), size_multiple)
