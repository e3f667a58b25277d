"""The box around the voxels that matter, found in short steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from BrainFMLib.Steps import FractionSteps

SLAB = 16

Box = tuple[slice, slice, slice]


def boxSteps(array: np.ndarray, matters: Callable[[np.ndarray], np.ndarray]) -> FractionSteps[Box | None]:
    """Find the smallest box that holds every voxel that matters.

    Args:
        array: (Z, Y, X).
        matters: maps a part of the array to booleans.

    Returns:
        Slices along z, y and x; None if no voxel matters. Yields the fraction done.
    """
    used = [np.zeros(size, bool) for size in array.shape]
    for start in range(0, len(array), SLAB):
        inside = matters(array[start : start + SLAB])
        columns = inside.any(axis=0)
        used[0][start : start + SLAB] = inside.any(axis=(1, 2))
        used[1] |= columns.any(axis=1)
        used[2] |= columns.any(axis=0)
        yield min(1.0, (start + SLAB) / len(array))
    where = [np.flatnonzero(flags) for flags in used]
    if not where[0].size:
        return None
    z, y, x = (slice(int(at[0]), int(at[-1]) + 1) for at in where)
    return z, y, x
