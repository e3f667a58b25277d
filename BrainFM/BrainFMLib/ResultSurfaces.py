"""Cortical surfaces as models: from the files of a result, or from where its distance maps are 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from slicer.util import vtkMatrixFromArray
from vtk.util.numpy_support import numpy_to_vtk

from BrainFMLib.BoundingBox import boxSteps
from BrainFMLib.GiftiFile import makePolyData, readSurface
from BrainFMLib.ImportContext import ImportContext
from BrainFMLib.ResultKinds import ResultKind
from BrainFMLib.ResultVolumes import DISTANCE_MM, loadImageFile
from BrainFMLib.Steps import FractionSteps, part

COLOURS = {"pial": (0.87, 0.56, 0.5), "white": (0.96, 0.9, 0.66)}
PIAL_OPACITY = 0.6
SMALLEST_INSIDE_MM3 = 2000.0
SMOOTHING_ROUNDS, SMOOTHING_PASS_BAND = 15, 0.1


def isSurfaceThere(kind: ResultKind, context: ImportContext) -> bool:
    """Tell whether there is a file of the surface, or a map to make it from if that is wanted."""
    return context.files.path(kind.file) is not None or (context.surfaces and context.files.path(kind.map) is not None)


def loadSurface(kind: ResultKind, context: ImportContext) -> FractionSteps[vtk.vtkPolyData | None]:
    """Read or make a surface in local RAS mm; None where a distance map has no inside."""
    path = context.files.path(kind.file)
    if path is None:
        return (yield from _contourSteps(kind, context))
    vertices, triangles = readSurface(path)
    yield 0.5
    matrix = context.placement.localFromWorld
    surface = makePolyData(vertices @ matrix[:3, :3].T + matrix[:3, 3], triangles)
    return withNormals(surface, flip=np.linalg.det(matrix[:3, :3]) < 0)


def showSurface(kind: ResultKind, surface: vtk.vtkPolyData, node: Any, context: ImportContext) -> None:
    """Put a surface into its model node."""
    former, transformID = node.GetPolyData(), node.GetTransformNodeID()

    def restore() -> None:
        node.SetAndObservePolyData(former)
        node.SetAndObserveTransformNodeID(transformID)

    context.change.undoWith(restore)
    node.SetAndObservePolyData(surface)
    context.placement.attach(node)
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetColor(*COLOURS[kind.display])
        display.SetOpacity(PIAL_OPACITY if kind.display == "pial" else 1.0)
        display.SetVisibility2D(True)
        display.SetSliceIntersectionThickness(2)


def withNormals(surface: vtk.vtkPolyData, flip: bool = False) -> vtk.vtkPolyData:
    """Return a surface with normals for smooth shading, its triangles turned round if `flip`."""
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputData(_flipped(surface) if flip else surface)
    normals.SplittingOff()
    normals.ConsistencyOff()
    normals.Update()
    return normals.GetOutput()


def _flipped(surface: vtk.vtkPolyData) -> vtk.vtkPolyData:
    reverse = vtk.vtkReverseSense()
    reverse.SetInputData(surface)
    reverse.Update()
    return reverse.GetOutput()


def _contourSteps(kind: ResultKind, context: ImportContext) -> FractionSteps[vtk.vtkPolyData | None]:
    """Find the surface where a distance map is 0; only its largest part, closed at the border of the scan."""
    image = yield from part(loadImageFile(kind.map, context, context.files.grid.shape), 0.0, 0.3)
    distance = image.array()
    box = yield from part(boxSteps(distance, lambda slab: slab < 0), 0.3, 0.5)
    affine = context.placement.affine
    voxelMm3 = abs(np.linalg.det(affine[:3, :3]))
    if box is None or np.count_nonzero(distance[box] < 0) * voxelMm3 < SMALLEST_INSIDE_MM3:
        return None
    box = tuple(slice(max(side.start - 1, 0), side.stop + 1) for side in box)
    padded = np.pad(distance[box], 1, constant_values=DISTANCE_MM).astype(np.float32, copy=False)
    yield 0.5
    contour = vtk.vtkFlyingEdges3D()
    contour.SetInputData(_voxels(padded, [side.start - 1 for side in box]))
    contour.SetValue(0, 0.0)
    contour.ComputeNormalsOff()
    contour.ComputeScalarsOff()
    contour.Update()
    yield 0.6
    largest = _largestPart(contour.GetOutput())
    yield 0.7
    surface = _smoothed(largest)
    yield 0.9
    # Contours face the lower values, which are inside; a mirrored grid turns them.
    return withNormals(_moved(surface, affine), flip=np.linalg.det(affine[:3, :3]) > 0)


def _voxels(array: np.ndarray, firstZYX: list[int]) -> vtk.vtkImageData:
    imageData = vtk.vtkImageData()
    imageData.SetDimensions(*array.shape[::-1])
    imageData.SetOrigin(*firstZYX[::-1])
    imageData.GetPointData().SetScalars(numpy_to_vtk(array.ravel(), deep=True))
    return imageData


def _largestPart(surface: vtk.vtkPolyData) -> vtk.vtkPolyData:
    parts = vtk.vtkPolyDataConnectivityFilter()
    parts.SetInputData(surface)
    parts.SetExtractionModeToLargestRegion()
    parts.Update()
    return parts.GetOutput()


def _smoothed(surface: vtk.vtkPolyData) -> vtk.vtkPolyData:
    smoothing = vtk.vtkWindowedSincPolyDataFilter()
    smoothing.SetInputData(surface)
    smoothing.SetNumberOfIterations(SMOOTHING_ROUNDS)
    smoothing.SetPassBand(SMOOTHING_PASS_BAND)
    smoothing.NonManifoldSmoothingOn()
    smoothing.NormalizeCoordinatesOn()
    smoothing.Update()
    return smoothing.GetOutput()


def _moved(surface: vtk.vtkPolyData, affine: np.ndarray) -> vtk.vtkPolyData:
    transform = vtk.vtkTransform()
    transform.SetMatrix(vtkMatrixFromArray(affine))
    mover = vtk.vtkTransformPolyDataFilter()
    mover.SetTransform(transform)
    mover.SetInputData(surface)
    mover.Update()
    return mover.GetOutput()
