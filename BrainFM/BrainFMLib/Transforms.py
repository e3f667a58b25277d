"""The atlas registration of a result as transform nodes.

The engine's files map points of the scan (world, LPS mm) to points of the atlas. A transform node moves what is put
under it by its transform *to parent*. So the node "to atlas" maps points of the scan's node to the atlas: the scan,
put under it and hardened, lies on the atlas. The node "from atlas" is its inverse: an image or a point in atlas space,
put under it, lies on the scan. Where the scan is under a transform, the node "from atlas" is under it too.

The warp is kept as a bend within the scan's space followed by the affine. So it goes on as the affine beyond the scan,
and its inverse, which VTK searches point by point from "no displacement", starts close to where it ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
import vtk
from BrainFMEngine.errors import FileAccessError
from slicer.util import vtkMatrixFromArray
from vtk.util.numpy_support import vtk_to_numpy

from BrainFMLib.ImportContext import ImportContext
from BrainFMLib.NiftiFile import DAMAGED_HINT
from BrainFMLib.ResultKinds import ResultKind
from BrainFMLib.ResultVolumes import loadImageFile
from BrainFMLib.Steps import FractionSteps, part

TO_ATLAS = "to atlas"
AFFINE_FILE = "atlas_affine.tfm"
LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
SLAB = 4


def loadAffine(kind: ResultKind, context: ImportContext) -> FractionSteps[np.ndarray]:
    """Read the ITK affine; return (4, 4), RAS mm of the scan's node to RAS mm of the atlas.

    Raises:
        FileAccessError: it is no ITK affine.
    """
    matrix = readAffine(context)
    yield 1.0
    return matrix


def readAffine(context: ImportContext) -> np.ndarray:
    """Return the affine as `loadAffine` does; all of it at once."""
    lines = dict(line.split(":", 1) for line in context.files.text(AFFINE_FILE).splitlines() if ":" in line)
    try:
        values, centre = (np.array(lines[key].split(), float) for key in ("Parameters", "FixedParameters"))
        linear, offset = values[:9].reshape(3, 3), values[9:].reshape(3)
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = linear, offset + centre - linear @ centre
        np.linalg.inv(matrix)
    except (KeyError, ValueError, np.linalg.LinAlgError) as error:
        name = context.files.name(AFFINE_FILE)
        raise FileAccessError(f"{name} is damaged: no transform can be read from it", DAMAGED_HINT) from error
    return LPS_FROM_RAS @ matrix @ LPS_FROM_RAS @ context.placement.worldFromLocal


def showAffine(kind: ResultKind, matrix: np.ndarray, node: Any, context: ImportContext) -> None:
    """Put a matrix, scan to atlas, into its node."""
    former = vtk.vtkMatrix4x4()
    node.GetMatrixTransformToParent(former)
    context.change.undoWith(lambda: node.SetMatrixTransformToParent(former))
    node.SetMatrixTransformToParent(vtkMatrixFromArray(matrix))


@dataclass(frozen=True)
class Warp:
    """A deformation: first `bend` (mm in the scan's node, one vector per voxel of the results), then `affine`."""

    bend: vtk.vtkImageData
    affine: np.ndarray


def loadWarp(kind: ResultKind, context: ImportContext) -> FractionSteps[Warp]:
    """Read the displacement field and split it into bend and affine, once for both directions."""
    made = f"{kind.file} split"
    if made not in context.images:
        field = yield from part(loadImageFile(kind.file, context, (*context.files.grid.shape, 1, 3)), 0.0, 0.5)
        affine = readAffine(context)
        bend = yield from part(_bendSteps(field.array(), affine, context), 0.5, 1.0)
        context.images[made] = Warp(bend, affine)
        del context.images[kind.file]
    return context.images[made]


def showWarp(kind: ResultKind, warp: Warp, node: Any, context: ImportContext) -> None:
    """Put a deformation into its node, in the direction of its kind."""
    former, parentID = node.GetTransformToParent(), node.GetTransformNodeID()
    context.change.undoWith(lambda: node.SetAndObserveTransformToParent(former))
    context.change.undoWith(lambda: node.SetAndObserveTransformNodeID(parentID))
    transform = vtk.vtkGeneralTransform()
    transform.PostMultiply()
    transform.Concatenate(_gridTransform(warp.bend, context.placement.affine))
    transform.Concatenate(vtkMatrixFromArray(warp.affine))
    if kind.display == TO_ATLAS:
        node.SetAndObserveTransformToParent(transform)
    else:
        node.SetAndObserveTransformFromParent(transform)
        context.placement.attach(node)


def _bendSteps(field: np.ndarray, affine: np.ndarray, context: ImportContext) -> FractionSteps[vtk.vtkImageData]:
    """Take the affine out of displacements (3, 1, Z, Y, X), in LPS from world to atlas.

    A voxel i lies at W i in the world and at P i in the scan's node. Its bend is M (W i + d) + t - P i, where M and t
    are the inverse of the affine: M d, and something linear in i.
    """
    planes = field[:, 0]
    zyx = planes.shape[1:]
    inverse = np.linalg.inv(affine)
    offset = (inverse @ context.files.grid.affine - context.placement.affine).astype(np.float32)
    turn = (inverse @ LPS_FROM_RAS)[:3, :3].T.astype(np.float32)
    vectors = vtk.vtkFloatArray()
    vectors.SetNumberOfComponents(3)
    vectors.SetNumberOfTuples(planes[0].size)
    target = vtk_to_numpy(vectors).reshape(*zyx, 3)
    for start in range(0, zyx[0], SLAB):
        slab = slice(start, start + SLAB)
        np.matmul(np.moveaxis(planes[:, slab], 0, -1), turn, out=target[slab])
        target[slab] += _linear(offset, start, target[slab].shape[:3])
        yield start / zyx[0]
    imageData = vtk.vtkImageData()
    imageData.SetDimensions(*zyx[::-1])
    imageData.GetPointData().SetScalars(vectors)
    return imageData


def _linear(matrix: np.ndarray, firstZ: int, zyx: tuple[int, ...]) -> np.ndarray:
    """Return `matrix` times the index of every voxel of a slab, (Z, Y, X, 3)."""
    z, y, x = (np.arange(size, dtype=np.float32) for size in zyx)
    alongX = x[:, None] * matrix[:3, 0]
    alongY = y[:, None] * matrix[:3, 1]
    alongZ = (z + firstZ)[:, None] * matrix[:3, 2] + matrix[:3, 3]
    return alongZ[:, None, None] + alongY[None, :, None] + alongX[None, None]


def _gridTransform(bend: vtk.vtkImageData, affine: np.ndarray) -> Any:
    """Return the transform that adds displacements whose voxels lie where `affine` says (RAS mm of the scan's node)."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    image = vtk.vtkImageData()
    image.ShallowCopy(bend)
    image.SetSpacing(*spacing)
    image.SetOrigin(*affine[:3, 3])
    direction = np.eye(4)
    direction[:3, :3] = affine[:3, :3] / spacing
    grid = slicer.vtkOrientedGridTransform()
    grid.SetDisplacementGridData(image)
    grid.SetGridDirectionMatrix(vtkMatrixFromArray(direction))
    grid.SetInterpolationModeToLinear()
    return grid
