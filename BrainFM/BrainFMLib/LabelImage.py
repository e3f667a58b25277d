"""A label map prepared for a segmentation: which labels it has, cut to the part where there are any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import vtk
from BrainFMEngine.errors import FileAccessError
from vtk.util.numpy_support import vtk_to_numpy

from BrainFMLib.BoundingBox import SLAB, boxSteps
from BrainFMLib.NiftiFile import DAMAGED_HINT
from BrainFMLib.Steps import FractionSteps, part

LARGEST_LABEL = int(np.iinfo(np.int16).max)
ONE_VOXEL = (slice(0, 1), slice(0, 1), slice(0, 1))


@dataclass(frozen=True)
class LabelImage:
    """Labels of a scan.

    Attributes:
        ids: labels that have voxels, ascending, without 0.
        extent: first and last voxel with a label along x, y and z, in the grid of the scan.
        values: the labels within the extent, x fastest.
    """

    ids: tuple[int, ...]
    extent: tuple[int, int, int, int, int, int]
    values: vtk.vtkShortArray


def labelImageSteps(labels: np.ndarray) -> FractionSteps[LabelImage]:
    """Look through labels (Z, Y, X) and cut them, in steps of a few milliseconds; yields the fraction done.

    Raises:
        FileAccessError: something else than labels.
    """
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() > LARGEST_LABEL:
        raise FileAccessError("the segmentation is damaged: it holds other values than labels", DAMAGED_HINT)
    yield 0.0
    box = yield from part(boxSteps(labels, lambda slab: slab != 0), 0.0, 0.5)
    inside = labels[box or ONE_VOXEL]
    values = vtk.vtkShortArray()
    values.SetNumberOfValues(inside.size)
    target = vtk_to_numpy(values).reshape(inside.shape)
    counts = np.zeros(LARGEST_LABEL + 1, np.int64)
    for start in range(0, len(inside), SLAB):
        target[start : start + SLAB] = inside[start : start + SLAB]
        counts += np.bincount(target[start : start + SLAB].ravel(), minlength=len(counts))
        yield 0.5 + 0.5 * start / len(inside)
    ids = tuple(int(label) for label in np.flatnonzero(counts) if label)
    (z0, z1), (y0, y1), (x0, x1) = ((side.start, side.stop - 1) for side in box or ONE_VOXEL)
    return LabelImage(ids, (x0, x1, y0, y1, z0, z1), values)
