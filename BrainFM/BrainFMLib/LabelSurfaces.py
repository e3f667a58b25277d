"""Surfaces of the labels of images: what is asked for, and making them in this process, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from vtk import vtkPolyData
from vtk.util.numpy_support import numpy_to_vtk

from BrainFMLib.GiftiFile import makePolyData
from BrainFMLib.Steps import FractionSteps
from BrainFMLib.SurfaceFile import Surface
from BrainFMLib.SurfaceMaking import labelSurface


@dataclass(frozen=True)
class LabelledImage:
    """Labels that surfaces are made of.

    Attributes:
        voxels: (Z, Y, X), whole numbers.
        firstXYZ: index of the first voxel in the grid of `affine`.
        affine: (4, 4), voxel index to mm.
        values: the labels that get a surface.
    """

    voxels: np.ndarray
    firstXYZ: tuple[int, int, int]
    affine: np.ndarray
    values: tuple[int, ...]


Surfaces = list[dict[int, vtkPolyData]]
"""For each image its surfaces by label; empty surfaces for labels without voxels."""
SurfaceMaker = Callable[[Sequence[LabelledImage], float], FractionSteps[Surfaces]]
"""Makes surfaces with a smoothing of 0 to 1."""


def makeHere(images: Sequence[LabelledImage], smoothing: float) -> FractionSteps[Surfaces]:
    """Make surfaces in this process; a step is a structure, and large ones take seconds."""
    count, done = sum(len(image.values) for image in images), 0
    made: Surfaces = []
    for image in images:
        made.append({})
        for value in image.values:
            yield done / count
            surface = labelSurface(image.voxels, value, image.firstXYZ, image.affine, smoothing)
            made[-1][value] = polyDataOf(surface)
            done += 1
    return made


def polyDataOf(surface: Surface | None) -> vtkPolyData:
    """Return a surface for Slicer, an empty one for None."""
    if surface is None:
        return vtkPolyData()
    polyData = makePolyData(surface.vertices, surface.triangles)
    normals = numpy_to_vtk(surface.normals, deep=True)
    normals.SetName("Normals")
    polyData.GetPointData().SetNormals(normals)
    return polyData
