"""The 3D surfaces of a segmentation node: whether there are any, and making them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _
from slicer.util import arrayFromVTKMatrix
from vtk import vtkMatrix4x4
from vtk.util.numpy_support import vtk_to_numpy

from BrainFMLib.LabelSurfaces import LabelledImage, SurfaceMaker, makeHere


def representationNames() -> tuple[str, str]:
    """Return what Slicer calls labels and surfaces."""
    converter = slicer.vtkSegmentationConverter
    return (
        converter.GetBinaryLabelmapRepresentationName(),
        converter.GetClosedSurfaceRepresentationName(),
    )


def hasSurfaces(segmentationNode: Any) -> bool:
    """Tell whether surfaces were made."""
    return segmentationNode.GetSegmentation().ContainsRepresentation(representationNames()[1])


def smoothingOf(segmentation: Any) -> float:
    """Return how smooth surfaces are to be, 0 to 1; the user sets it in Segment Editor."""
    rule = slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule
    return float(segmentation.GetConversionParameter(rule.GetSmoothingFactorParameterName()) or 0.5)


def surfaceSteps(segmentationNode: Any, make: SurfaceMaker = makeHere) -> Generator[tuple[str, float], None, None]:
    """Make and show the 3D surfaces: yields what is being done and the fraction done.

    Surfaces that are there already are not made again.
    """
    labels, name = representationNames()
    segmentation = segmentationNode.GetSegmentation()
    segments = [segmentation.GetSegment(segmentID) for segmentID in segmentation.GetSegmentIDs()]
    wanted = [one for one in segments if one.GetRepresentation(labels) and not one.GetRepresentation(name)]
    images = list(dict.fromkeys(segment.GetRepresentation(labels) for segment in wanted))
    groups = [[segment for segment in wanted if segment.GetRepresentation(labels) is image] for image in images]
    asked = [_labelled(image, group) for image, group in zip(images, groups, strict=True)]
    steps = make(asked, smoothingOf(segmentation)) if asked else iter(())
    made = yield from _told(steps)
    _add(segmentationNode, name, groups, made or [])


def createSurfaces(segmentationNode: Any) -> None:
    """Make and show the 3D surfaces at once; for scripts, because it takes seconds."""
    for _step in surfaceSteps(segmentationNode):
        pass


def _labelled(image: Any, segments: list[Any]) -> LabelledImage:
    scalars, matrix = image.GetPointData().GetScalars(), vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    x0, x1, y0, y1, z0, z1 = image.GetExtent()
    shape = (z1 - z0 + 1, y1 - y0 + 1, x1 - x0 + 1)
    voxels = vtk_to_numpy(scalars).reshape(shape) if scalars is not None else np.zeros((1, 1, 1), np.int16)
    values = tuple(dict.fromkeys(segment.GetLabelValue() for segment in segments))
    return LabelledImage(voxels, (x0, y0, z0), arrayFromVTKMatrix(matrix), values)


def _told(steps: Any) -> Generator[tuple[str, float], None, Any]:
    while True:
        try:
            fraction = next(steps)
        except StopIteration as stop:
            return stop.value
        yield _("Making the 3D surfaces: {percent} %").format(percent=round(100 * fraction)), fraction


def _add(segmentationNode: Any, name: str, groups: list[list[Any]], made: list[dict[int, Any]]) -> None:
    """Add all at once: when some segments have a surface, Slicer makes those of all others in one go."""
    wasModifying = segmentationNode.StartModify()
    for group, surfaces in zip(groups, made, strict=True):
        for segment in group:
            segment.AddRepresentation(name, surfaces[segment.GetLabelValue()])
    segmentationNode.EndModify(wasModifying)
    segmentationNode.CreateClosedSurfaceRepresentation()
    segmentationNode.GetDisplayNode().SetVisibility3D(True)
