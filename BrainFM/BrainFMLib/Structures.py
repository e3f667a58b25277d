"""Where a structure of a segmentation lies."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy


def positionOf(segmentationNode: Any, segmentName: str) -> tuple[float, float, float] | None:
    """Return the voxel of a structure that is nearest to its centre of mass, in RAS mm of the scene."""
    segmentation = segmentationNode.GetSegmentation()
    segmentID = segmentation.GetSegmentIdBySegmentName(segmentName)
    segment = segmentation.GetSegment(segmentID) if segmentID else None
    name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    image = segment.GetRepresentation(name) if segment is not None else None
    scalars = image.GetPointData().GetScalars() if image is not None else None
    if scalars is None:
        return None
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    labels = vtk_to_numpy(scalars).reshape(k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1)
    voxels = np.argwhere(labels == segment.GetLabelValue())
    if not len(voxels):
        return None
    nearest = voxels[np.argmin(((voxels - voxels.mean(axis=0)) ** 2).sum(axis=1))]
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    local = matrix.MultiplyPoint((i0 + int(nearest[2]), j0 + int(nearest[1]), k0 + int(nearest[0]), 1.0))[:3]
    transform = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(segmentationNode.GetParentTransformNode(), None, transform)
    return tuple(transform.TransformPoint(local))
