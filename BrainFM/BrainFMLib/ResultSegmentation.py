"""The anatomy of a result as a segmentation node: one shared label map, FreeSurfer names and colours, SNOMED codes."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import slicer
from slicer.i18n import tr as _
from slicer.util import vtkMatrixFromArray
from vtk import vtkMatrix4x4, vtkPolyData

from BrainFMLib.ImportContext import ImportContext
from BrainFMLib.LabelImage import LabelImage, labelImageSteps
from BrainFMLib.ResultKinds import ResultKind
from BrainFMLib.ResultVolumes import loadImage
from BrainFMLib.Steps import FractionSteps, part
from BrainFMLib.Terminology import SegmentDescription, describe, labelIDOf

FILL_OPACITY = 0.5
FLUID_AROUND_BRAIN = 24
SURFACE_NETS = "1"


def loadSegmentation(kind: ResultKind, context: ImportContext) -> FractionSteps[LabelImage]:
    """Read the labels and cut them to where there are any, in short steps."""
    image = yield from part(loadImage(kind, context), 0.0, 0.5)
    return (yield from part(labelImageSteps(image.array()), 0.5, 1.0))


def showSegmentation(kind: ResultKind, labels: LabelImage, node: Any, context: ImportContext) -> None:
    """Put labels into their node.

    The segments of a node that was made earlier stay what they are (so what the user set for them is kept), but show
    the new label map; segments of the user's own are not touched.
    """
    isNew = node.GetSegmentation().GetNumberOfSegments() == 0
    _undoable(node, context)
    context.placement.attach(node)
    _setReferenceGeometry(node, context)
    _replaceSegments(node.GetSegmentation(), labels, _orientedLabels(labels, context))
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetOpacity2DFill(FILL_OPACITY)
    if isNew:
        for labelID in labels.ids:
            hideIn3D = not describe(labelID).isInside or labelID == FLUID_AROUND_BRAIN
            node.GetDisplayNode().SetSegmentVisibility3D(describe(labelID).segmentID, not hideIn3D)


def surfaceSteps(segmentationNode: Any) -> Generator[tuple[str, float], None, None]:
    """Make and show the 3D surfaces, structure by structure: yields what is being done and the fraction done.

    Large structures (cortex, bone) take a second each; surfaces that are there already are not made again.
    """
    segmentation = segmentationNode.GetSegmentation()
    converter = slicer.vtkSegmentationConverter
    source, name = converter.GetBinaryLabelmapRepresentationName(), converter.GetClosedSurfaceRepresentationName()
    rule = slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule()
    for parameter in (rule.GetConversionMethodParameterName(), rule.GetSmoothingFactorParameterName()):
        rule.SetConversionParameter(parameter, segmentation.GetConversionParameter(parameter))
    segments = [segmentation.GetSegment(segmentID) for segmentID in segmentation.GetSegmentIDs()]
    wanted = [one for one in segments if one.GetRepresentation(source) and not one.GetRepresentation(name)]
    made = []
    for index, segment in enumerate(wanted):
        yield _("Making the surface of {name}").format(name=segment.GetName()), index / len(wanted)
        surface = vtkPolyData()
        rule.CreateClosedSurface(segment.GetRepresentation(source), surface, [segment.GetLabelValue()])
        made.append((segment, surface))
    # All at once: when some segments have a surface, Slicer makes those of all others in one go.
    wasModifying = segmentationNode.StartModify()
    for segment, surface in made:
        segment.AddRepresentation(name, surface)
    segmentationNode.EndModify(wasModifying)
    segmentationNode.CreateClosedSurfaceRepresentation()
    segmentationNode.GetDisplayNode().SetVisibility3D(True)


def createSurfaces(segmentationNode: Any) -> None:
    """Make and show the 3D surfaces at once; for scripts, because it takes seconds."""
    for _step in surfaceSteps(segmentationNode):
        pass


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


def _replaceSegments(segmentation: Any, labels: LabelImage, image: Any) -> None:
    rule = slicer.vtkBinaryLabelmapToClosedSurfaceConversionRule
    source = slicer.vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
    segmentation.SetSourceRepresentationName(source)
    segmentation.SetConversionParameter(rule.GetConversionMethodParameterName(), SURFACE_NETS)
    for segmentID in segmentation.GetSegmentIDs():
        if labelIDOf(segmentID) is not None and labelIDOf(segmentID) not in labels.ids:
            segmentation.RemoveSegment(segmentID)
    for labelID in labels.ids:
        description = describe(labelID)
        segment = segmentation.GetSegment(description.segmentID)
        if segment is None:
            segmentation.AddSegment(_newSegment(description, source, image), description.segmentID)
            continue
        segment.RemoveAllRepresentations()
        segment.SetLabelValue(labelID)
        segment.AddRepresentation(source, image)


def _newSegment(description: SegmentDescription, source: str, image: Any) -> Any:
    segment = slicer.vtkSegment()
    segment.SetName(description.name)
    segment.SetNameAutoGenerated(False)
    segment.SetColor(*description.colour)
    segment.SetColorAutoGenerated(False)
    segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), description.terminology)
    segment.SetLabelValue(description.id)
    segment.AddRepresentation(source, image)
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
    converter = slicer.vtkSegmentationConverter
    names = (converter.GetBinaryLabelmapRepresentationName(), converter.GetClosedSurfaceRepresentationName())
    representations = {name: segment.GetRepresentation(name) for name in names}
    return segment, segment.GetLabelValue(), {name: data for name, data in representations.items() if data is not None}
