"""The anatomy of a result as a segmentation node: one shared label map, FreeSurfer names and colours, SNOMED codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer
from slicer.util import vtkMatrixFromArray
from vtk import vtkMatrix4x4, vtkPolyData
from vtk.util.numpy_support import vtk_to_numpy

from BrainFMLib.ImportContext import ImportContext
from BrainFMLib.LabelImage import LabelImage, labelImageSteps
from BrainFMLib.LabelSurfaces import LabelledImage
from BrainFMLib.ResultKinds import ResultKind
from BrainFMLib.ResultVolumes import loadImage
from BrainFMLib.SegmentSurfaces import representationNames, smoothingOf
from BrainFMLib.Steps import FractionSteps, part
from BrainFMLib.Terminology import SegmentDescription, describe, labelIDOf

FILL_OPACITY = 0.5
FLUID_AROUND_BRAIN = 24
SURFACE_NETS = "1"


@dataclass(frozen=True)
class LoadedSegmentation:
    """What goes into a segmentation: labels, and their surfaces by label (none: {})."""

    labels: LabelImage
    surfaces: dict[int, vtkPolyData]


def loadSegmentation(kind: ResultKind, context: ImportContext) -> FractionSteps[LoadedSegmentation]:
    """Read the labels and cut them to where there are any, in short steps; make surfaces if there were some before."""
    image = yield from part(loadImage(kind, context), 0.0, 0.25)
    labels = yield from part(labelImageSteps(image.array()), 0.25, 0.5)
    if context.segmentsIn3D is None:
        return LoadedSegmentation(labels, {})
    x0, x1, y0, y1, z0, z1 = labels.extent
    voxels = vtk_to_numpy(labels.values).reshape(z1 - z0 + 1, y1 - y0 + 1, x1 - x0 + 1)
    wanted = LabelledImage(voxels, (x0, y0, z0), context.placement.affine, labels.ids)
    steps = context.makeSurfaces([wanted], smoothingOf(context.segmentsIn3D.GetSegmentation()))
    (surfaces,) = yield from part(steps, 0.5, 1.0)
    return LoadedSegmentation(labels, surfaces)


def showSegmentation(kind: ResultKind, loaded: LoadedSegmentation, node: Any, context: ImportContext) -> None:
    """Put labels, and surfaces if there are any, into their node.

    The segments of a node that was made earlier stay what they are (so what the user set for them is kept), but show
    the new label map; segments of the user's own are not touched.
    """
    labels = loaded.labels
    isNew = node.GetSegmentation().GetNumberOfSegments() == 0
    _undoable(node, context)
    context.placement.attach(node)
    _setReferenceGeometry(node, context)
    wasModifying = node.StartModify()
    _replaceSegments(node.GetSegmentation(), loaded, _orientedLabels(labels, context))
    node.EndModify(wasModifying)
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetOpacity2DFill(FILL_OPACITY)
    if isNew:
        for labelID in labels.ids:
            hideIn3D = not describe(labelID).isInside or labelID == FLUID_AROUND_BRAIN
            node.GetDisplayNode().SetSegmentVisibility3D(describe(labelID).segmentID, not hideIn3D)


def _orientedLabels(labels: LabelImage, context: ImportContext) -> Any:
    image = slicer.vtkOrientedImageData()
    image.SetExtent(*labels.extent)
    image.GetPointData().SetScalars(labels.values)
    image.SetImageToWorldMatrix(vtkMatrixFromArray(context.placement.affine))
    return image


def _setReferenceGeometry(node: Any, context: ImportContext) -> None:
    if context.placement.onInput:
        node.SetReferenceImageGeometryParameterFromVolumeNode(context.placement.inputNode)
    x, y, z = context.files.grid.shape
    converter = slicer.vtkSegmentationConverter
    matrix: vtkMatrix4x4 = vtkMatrixFromArray(context.placement.affine)
    geometry = converter.SerializeImageGeometry(matrix, [0, x - 1, 0, y - 1, 0, z - 1])
    node.GetSegmentation().SetConversionParameter(converter.GetReferenceImageGeometryParameterName(), geometry)


def _replaceSegments(segmentation: Any, loaded: LoadedSegmentation, image: Any) -> None:
    rule = slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule
    labels, (source, surface) = loaded.labels, representationNames()
    segmentation.SetSourceRepresentationName(source)
    segmentation.SetConversionParameter(rule.GetConversionMethodParameterName(), SURFACE_NETS)
    for segmentID in segmentation.GetSegmentIDs():
        if labelIDOf(segmentID) is not None and labelIDOf(segmentID) not in labels.ids:
            segmentation.RemoveSegment(segmentID)
    for labelID in labels.ids:
        description = describe(labelID)
        parts = {source: image} | ({surface: loaded.surfaces[labelID]} if labelID in loaded.surfaces else {})
        segment = segmentation.GetSegment(description.segmentID)
        if segment is None:
            segmentation.AddSegment(_newSegment(description, parts), description.segmentID)
            continue
        segment.RemoveAllRepresentations()
        segment.SetLabelValue(labelID)
        for name, data in parts.items():
            segment.AddRepresentation(name, data)


def _newSegment(description: SegmentDescription, parts: dict[str, Any]) -> Any:
    segment = slicer.vtkSegment()
    segment.SetName(description.name)
    segment.SetNameAutoGenerated(False)
    segment.SetColor(*description.colour)
    segment.SetColorAutoGenerated(False)
    segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), description.terminology)
    segment.SetLabelValue(description.id)
    for name, data in parts.items():
        segment.AddRepresentation(name, data)
    return segment


def _undoable(node: Any, context: ImportContext) -> None:
    """Remember the segments: the objects stay, so putting their parts together again costs nothing."""
    segmentation, transformID = node.GetSegmentation(), node.GetTransformNodeID()
    former = {segmentID: _parts(segmentation.GetSegment(segmentID)) for segmentID in segmentation.GetSegmentIDs()}

    def restore() -> None:
        for segmentID in segmentation.GetSegmentIDs():
            if segmentID not in former:
                segmentation.RemoveSegment(segmentID)
        for segmentID, (segment, label, representations) in former.items():
            segment.RemoveAllRepresentations()
            segment.SetLabelValue(label)
            for name, data in representations.items():
                segment.AddRepresentation(name, data)
            if segmentation.GetSegment(segmentID) is None:
                segmentation.AddSegment(segment, segmentID)
        node.SetAndObserveTransformNodeID(transformID)

    if former:
        context.change.undoWith(restore)


def _parts(segment: Any) -> tuple[Any, int, dict[str, Any]]:
    representations = {name: segment.GetRepresentation(name) for name in representationNames()}
    return segment, segment.GetLabelValue(), {name: data for name, data in representations.items() if data is not None}
