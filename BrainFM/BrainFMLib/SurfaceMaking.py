"""Closed surfaces around the voxels of a structure. Needs VTK alone, so it works in any process of Slicer's Python."""

from __future__ import annotations

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import VTK_UNSIGNED_CHAR
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPolyData
from vtkmodules.vtkFiltersCore import vtkPolyDataNormals, vtkSurfaceNets3D, vtkWindowedSincPolyDataFilter

from BrainFMLib.SurfaceFile import Surface

ROUNDS = 20


def labelSurface(
    labels: np.ndarray, value: int, firstXYZ: tuple[int, int, int], affine: np.ndarray, smoothing: float
) -> Surface | None:
    """Return the smooth surface of one label.

    Args:
        labels: (Z, Y, X).
        value: the label.
        firstXYZ: index of the first voxel of `labels` in the grid of `affine`.
        affine: (4, 4), voxel index to mm.
        smoothing: 0 (as the voxels are) to 1, as Slicer's own.

    Returns:
        None if no voxel has the label.
    """
    inside = labels == value
    where = [np.flatnonzero(inside.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if not where[0].size:
        return None
    box = tuple(slice(int(at[0]), int(at[-1]) + 1) for at in where)
    padded = np.pad(inside[box], 1).astype(np.uint8)
    first = np.array(firstXYZ) + [side.start - 1 for side in box[::-1]]
    surface = _smoothed(_nets(padded), smoothing)
    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(np.float64) + first
    vtk_to_numpy(surface.GetPoints().GetData())[:] = points @ affine[:3, :3].T + affine[:3, 3]
    return _withNormals(surface, flip=np.linalg.det(affine[:3, :3]) < 0)


def _nets(mask: np.ndarray) -> vtkPolyData:
    """Return the surface of a padded mask (Z, Y, X), in voxels."""
    image = vtkImageData()
    image.SetDimensions(*mask.shape[::-1])
    image.GetPointData().SetScalars(numpy_to_vtk(mask.ravel(), deep=True, array_type=VTK_UNSIGNED_CHAR))
    nets = vtkSurfaceNets3D()
    nets.SetInputData(image)
    nets.SetValue(0, 1)
    nets.SmoothingOff()
    nets.SetOutputMeshTypeToTriangles()
    nets.Update()
    return nets.GetOutput()


def _smoothed(surface: vtkPolyData, smoothing: float) -> vtkPolyData:
    if smoothing <= 0:
        return surface
    smoother = vtkWindowedSincPolyDataFilter()
    smoother.SetInputData(surface)
    smoother.SetNumberOfIterations(ROUNDS)
    smoother.SetPassBand(10.0 ** (-4.0 * smoothing))
    smoother.BoundarySmoothingOff()
    smoother.FeatureEdgeSmoothingOff()
    smoother.NonManifoldSmoothingOn()
    smoother.NormalizeCoordinatesOn()
    smoother.Update()
    return smoother.GetOutput()


def _withNormals(surface: vtkPolyData, flip: bool) -> Surface:
    triangles = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    if flip:
        triangles[:] = triangles[:, ::-1].copy()
    normals = vtkPolyDataNormals()
    normals.SetInputData(surface)
    normals.SplittingOff()
    normals.ConsistencyOff()
    normals.Update()
    made = normals.GetOutput()
    return Surface(
        vtk_to_numpy(made.GetPoints().GetData()).astype(np.float32),
        vtk_to_numpy(made.GetPointData().GetNormals()).astype(np.float32),
        vtk_to_numpy(made.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int32),
    )
