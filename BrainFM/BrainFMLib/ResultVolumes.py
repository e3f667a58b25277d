"""Images of a result as volume nodes: on the input's grid, with a look that fits what they show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
from BrainFMEngine.errors import FileAccessError
from slicer.util import vtkMatrixFromArray
from vtk import vtkImageData, vtkMatrix4x4

from BrainFMLib import ColorTables
from BrainFMLib.ImportContext import ImportContext
from BrainFMLib.NiftiFile import DAMAGED_HINT, NiftiImage, readSteps
from BrainFMLib.ResultKinds import ResultKind
from BrainFMLib.Steps import FractionSteps

SAMPLES = 250_000
CT_PRESETS_HU = ((80, 40), (200, 75), (400, 40), (2500, 480))
"""Window and level for brain (the first shown), blood at the skull, soft tissue and bone."""
DISTANCE_MM, SHOWN_MM = 3.0, 2.5
"""How far the distance maps reach, and how far from the surface they are shown."""
SMALLEST_BIAS = 0.1
FIRST_TISSUE_AROUND_BRAIN = 900


def loadImage(kind: ResultKind, context: ImportContext) -> FractionSteps[NiftiImage]:
    """Read the image of a kind in short steps, once for all kinds that need it.

    Raises:
        FileAccessError: it cannot be read, or is not on the grid of the results.
    """
    return (yield from loadImageFile(kind.file, context, context.files.grid.shape))


def loadImageFile(ending: str, context: ImportContext, shape: tuple[int, ...]) -> FractionSteps[NiftiImage]:
    """Read the image `<stem>_<ending>`, which must have that shape."""
    if ending not in context.images:
        path = context.files.path(ending)
        if path is None:
            raise FileAccessError(
                f"the results are not complete: {context.files.name(ending)} is missing", DAMAGED_HINT
            )
        image = yield from readSteps(path)
        if image.header.shape != shape:
            raise FileAccessError(f"{path.name} does not have the size that the report states", DAMAGED_HINT)
        context.images[ending] = image
    return context.images[ending]


def showImage(kind: ResultKind, image: NiftiImage, node: Any, context: ImportContext) -> None:
    """Put an image into its node; a node that has a display keeps it."""
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()  # before there are voxels, so that Slicer does not search for a window
        node.GetDisplayNode().AutoWindowLevelOff()
        DISPLAYS[kind.display](node, image.array(), context)
    _undoable(node, context)
    node.SetIJKToRASMatrix(vtkMatrixFromArray(context.placement.affine))
    context.placement.attach(node)
    node.SetAndObserveImageData(imageDataOf(image))


def imageDataOf(image: NiftiImage) -> vtkImageData:
    """Return the voxels for a volume node, without copying them."""
    imageData = vtkImageData()
    imageData.SetDimensions(*image.header.shape[:3])
    imageData.GetPointData().SetScalars(image.values)
    return imageData


def percentiles(array: np.ndarray, low: float, high: float) -> tuple[float, float]:
    """Return two percentiles of the voxels that are not background (the lowest value), from a part of them."""
    sample = _sample(array)
    inside = sample[sample > sample.min()]
    if not inside.size:
        return float(sample.min()), float(sample.min()) + 1.0
    first, last = (float(value) for value in np.percentile(inside, (low, high)))
    return first, last if last > first else first + 1.0


def _sample(array: np.ndarray) -> np.ndarray:
    step = max(1, round((array.size / SAMPLES) ** (1 / 3)))
    return array[(slice(None, None, step),) * array.ndim]


def _undoable(node: Any, context: ImportContext) -> None:
    imageData, transformID, matrix = node.GetImageData(), node.GetTransformNodeID(), vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)

    def restore() -> None:
        node.SetAndObserveImageData(imageData)
        node.SetIJKToRASMatrix(matrix)
        node.SetAndObserveTransformNodeID(transformID)

    context.change.undoWith(restore)


def _showGrey(node: Any, array: np.ndarray, context: ImportContext) -> None:
    """Choose the window for the brain where it is known: skin and marrow would take most of it."""
    labels = context.images.get("dseg")
    brain = _sample(labels.array()) if labels is not None else np.empty(0)
    inside = _sample(array)[(brain > 0) & (brain < FIRST_TISSUE_AROUND_BRAIN)] if brain.size else brain
    low, high = percentiles(inside if inside.size else array, 1.0, 99.5)
    margin = 0.1 * (high - low) if inside.size else 0.0
    node.GetDisplayNode().SetWindowLevelMinMax(low - margin, high + margin)


def _showCT(node: Any, array: np.ndarray, context: ImportContext) -> None:
    display = node.GetDisplayNode()
    for window, level in CT_PRESETS_HU:
        display.AddWindowLevelPreset(window, level)
    display.SetWindowLevelFromPreset(0)
    node.SetVoxelValueQuantity(_code("112031", "DCM", "Attenuation Coefficient"))
    node.SetVoxelValueUnits(_code("[hnsf'U]", "UCUM", "Hounsfield unit"))


def _showDistance(node: Any, array: np.ndarray, context: ImportContext) -> None:
    """Show the band around the surface in colour; what is farther away stays clear."""
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(ColorTables.diverging(context.change, "Distance").GetID())
    display.SetWindowLevelMinMax(-DISTANCE_MM, DISTANCE_MM)
    display.SetThreshold(-SHOWN_MM, SHOWN_MM)
    display.ApplyThresholdOn()
    ColorTables.showLegend(node, "mm", "%.1f")


def _showBias(node: Any, array: np.ndarray, context: ImportContext) -> None:
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(ColorTables.diverging(context.change, "Bias").GetID())
    low, high = percentiles(array, 2.0, 98.0)
    reach = max(np.ceil(20 * max(1 - low, high - 1)) / 20, SMALLEST_BIAS)
    display.SetWindowLevelMinMax(1 - reach, 1 + reach)
    ColorTables.showLegend(node, "×", "%.2f")


def _showLikeInput(node: Any, array: np.ndarray, context: ImportContext) -> None:
    """Look as the input does, so that what differs is the correction and not the window."""
    inputNode = context.placement.inputNode
    like = inputNode.GetDisplayNode() if inputNode is not None else None
    if like is None:
        _showGrey(node, array, context)
        return
    display = node.GetDisplayNode()
    display.SetWindowLevel(like.GetWindow(), like.GetLevel())
    display.SetInterpolate(like.GetInterpolate())


def _code(value: str, scheme: str, meaning: str) -> Any:
    entry = slicer.vtkCodedEntry()
    entry.SetValueSchemeMeaning(value, scheme, meaning)
    return entry


DISPLAYS: dict[str, Callable[[Any, np.ndarray, ImportContext], None]] = {
    "grey": _showGrey,
    "ct": _showCT,
    "distance": _showDistance,
    "bias": _showBias,
    "input": _showLikeInput,
}
