"""From a segmentation of the scene to a label map that the generator reads, in short steps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from BrainFMEngine.errors import InputImageError
from BrainFMLib.InputExport import exportSteps
from BrainFMLib.Steps import FractionSteps, part
from slicer.i18n import tr as _
from slicer.util import arrayFromVTKMatrix, vtkMatrixFromArray
from vtk.util.numpy_support import vtk_to_numpy

from BrainFMTrainLib.SegmentNumbers import segmentNumbers

AIR_VOXELS = 10
"""Air that is left around segments that no image says the size of."""
SLAB = 16


@dataclass(frozen=True)
class ExportedSegmentation:
    """The label map on disk, and the names of the segments that are not in it because nobody knows what they are."""

    path: Path
    unknown: list[str]


def segmentationSteps(node: Any, folder: Path) -> FractionSteps[ExportedSegmentation]:
    """Write a segmentation as a label map with FreeSurfer's numbers; yields the fraction done.

    Where segments overlap, the later one counts. Linear parent transforms are applied.

    Raises:
        InputImageError: no binary label map, no segment that is known, or a transform that bends space.
        OSError: the file cannot be written.
    """
    segmentation, name = node.GetSegmentation(), node.GetName()
    numbers, unknown = segmentNumbers(segmentation)
    if not numbers:
        hint = _("Name its segments as FreeSurfer does, for example Left-Hippocampus.")
        raise InputImageError(_("{name} has no segment that the generator knows").format(name=name), hint)
    parent = node.GetParentTransformNode()
    if parent is not None and not parent.IsTransformToWorldLinear():
        hint = _("Harden the transform in the module 'Data', or take the segmentation out of it.")
        raise InputImageError(_("{name} is under a transform that bends space").format(name=name), hint)
    layers = _layers(segmentation, numbers)
    if not layers:
        hint = _("Create it in the module 'Segmentations' under Representations.")
        raise InputImageError(_("{name} has no binary label map").format(name=name), hint)
    reference = _reference(segmentation, [image for image, _numbers in layers])
    labels = np.zeros(_sizes(reference.GetExtent()), np.int16)
    for index, (image, numberOf) in enumerate(layers):
        yield from part(_paintSteps(labels, reference, image, numberOf), 0.6 * index / len(layers), 0.6)
    exported = yield from part(exportSteps(_volume(labels, reference, node), folder), 0.6, 1.0)
    return ExportedSegmentation(exported.path, unknown)


def _layers(segmentation: Any, numbers: dict[str, int]) -> list[tuple[Any, dict[int, int]]]:
    """Return each image that holds known segments, with label value -> number, in the order of the segments."""
    representation = slicer.vtkSegmentationConverter.GetBinaryLabelmapRepresentationName()
    layers: list[tuple[Any, dict[int, int]]] = []
    for segmentID, number in numbers.items():
        segment = segmentation.GetSegment(segmentID)
        image = segment.GetRepresentation(representation)
        if image is None or image.GetPointData().GetScalars() is None:
            continue
        values = next((values for other, values in layers if other is image), None)
        if values is None:
            values = {}
            layers.append((image, values))
        values[int(segment.GetLabelValue())] = number
    return layers


def _reference(segmentation: Any, images: list[Any]) -> Any:
    """Return an empty image with the grid of the label map: that of the scan, else around all segments."""
    reference = slicer.vtkOrientedImageData()
    converter = slicer.vtkSegmentationConverter
    text = segmentation.GetConversionParameter(converter.GetReferenceImageGeometryParameterName())
    if text and converter.DeserializeImageGeometry(text, reference, False) and min(_sizes(reference.GetExtent())) > 0:
        return reference
    matrix = vtk.vtkMatrix4x4()
    images[0].GetImageToWorldMatrix(matrix)
    reference.SetImageToWorldMatrix(matrix)
    extents = np.array([_extentIn(matrix, image) for image in images]).reshape(-1, 3, 2)
    low, high = extents[:, :, 0].min(axis=0) - AIR_VOXELS, extents[:, :, 1].max(axis=0) + AIR_VOXELS
    reference.SetExtent(*np.stack([low, high], axis=1).ravel().tolist())
    return reference


def _extentIn(matrix: Any, image: Any) -> list[int]:
    """Return the extent of an image in the voxels of another grid."""
    own = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(own)
    between = np.linalg.inv(arrayFromVTKMatrix(matrix)) @ arrayFromVTKMatrix(own)
    corners = np.stack(np.meshgrid(*np.array(image.GetExtent()).reshape(3, 2), [1.0]), axis=-1).reshape(-1, 4)
    inside = (corners @ between.T)[:, :3]
    low, high = np.floor(inside.min(axis=0) + 1e-3), np.ceil(inside.max(axis=0) - 1e-3)
    return np.stack([low, high], axis=1).ravel().astype(int).tolist()


def _sizes(extent: tuple[int, ...]) -> tuple[int, int, int]:
    """Return (Z, Y, X)."""
    i0, i1, j0, j1, k0, k1 = extent
    return k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1


def _paintSteps(labels: np.ndarray, reference: Any, image: Any, numberOf: dict[int, int]) -> FractionSteps[None]:
    """Write the segments of an image into `labels`, the grid of `reference`."""
    resample = slicer.vtkOrientedImageDataResample
    if not resample.DoGeometriesMatch(image, reference):
        moved = slicer.vtkOrientedImageData()
        resample.ResampleOrientedImageToReferenceOrientedImage(image, reference, moved, False)
        image = moved
        yield 0.5
    extent, whole = image.GetExtent(), reference.GetExtent()
    if min(_sizes(extent)) < 1:
        return
    values = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(_sizes(extent))
    table = np.zeros(max(int(values.max()), *numberOf) + 1, np.int16)
    for value, number in numberOf.items():
        table[value] = number
    inside = [_overlap(extent[2 * axis : 2 * axis + 2], whole[2 * axis : 2 * axis + 2]) for axis in (2, 1, 0)]
    if None in inside:
        return
    source, target = values[tuple(one[0] for one in inside)], labels[tuple(one[1] for one in inside)]
    for start in range(0, len(source), SLAB):
        found = table[source[start : start + SLAB]]
        np.copyto(target[start : start + SLAB], found, where=found > 0)
        yield 0.5 + 0.5 * start / len(source)


def _overlap(own: tuple[int, int], whole: tuple[int, int]) -> tuple[slice, slice] | None:
    first, last = max(own[0], whole[0]), min(own[1], whole[1])
    if first > last:
        return None
    return slice(first - own[0], last + 1 - own[0]), slice(first - whole[0], last + 1 - whole[0])


def _volume(labels: np.ndarray, reference: Any, node: Any) -> Any:
    """Return a label map volume, outside the scene, where the segmentation lies in the world."""
    matrix, toWorld = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
    reference.GetImageToWorldMatrix(matrix)
    if node.GetParentTransformNode() is not None:
        node.GetParentTransformNode().GetMatrixTransformToWorld(toWorld)
    affine = arrayFromVTKMatrix(toWorld) @ arrayFromVTKMatrix(matrix)
    affine[:3, 3] += affine[:3, :3] @ np.array(reference.GetExtent()[::2], float)
    volume = slicer.vtkMRMLLabelMapVolumeNode()
    volume.SetName(node.GetName())
    slicer.util.updateVolumeFromArray(volume, labels)
    volume.SetIJKToRASMatrix(vtkMatrixFromArray(affine))
    return volume
