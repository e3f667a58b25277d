"""Where results go: on the input's own grid and under its transform, or, without it, where the files say.

Terms. *World*: RAS mm of the scene; the engine's files lie there, because parent transforms of the input are written
into the file that it reads. *Local*: RAS mm of the input's node, which its parent transform moves to the world.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from slicer.util import arrayFromVTKMatrix
from vtk import vtkMatrix4x4

from BrainFMLib.ResultFiles import ResultFiles


class Placement:
    """The position of results relative to their input.

    Attributes:
        inputNode: the input volume; None if it is gone, or is no longer the scan that was read.
        worldFromLocal: (4, 4), RAS mm of the results' nodes to RAS mm of the files.
        localFromWorld: its inverse.
        affine: (4, 4), voxel index of the results to local RAS mm.
        onInput: whether results have the input's own grid.
    """

    def __init__(self, files: ResultFiles, inputNode: Any | None):
        self.inputNode = inputNode if _isScan(inputNode, files.inputGrid.shape) else None
        self.onInput = self.inputNode is not None and files.grid.sameAs(files.inputGrid)
        self.worldFromLocal = np.eye(4)
        if self.inputNode is not None:
            world = files.inputGrid.affine @ np.linalg.inv(ijkToRas(self.inputNode))
            self.worldFromLocal = np.eye(4) if np.allclose(world, np.eye(4), atol=1e-6) else world
        self.localFromWorld = np.linalg.inv(self.worldFromLocal)
        self.affine = ijkToRas(self.inputNode) if self.onInput else self.localFromWorld @ files.grid.affine

    @property
    def isMoved(self) -> bool:
        """Whether local and world differ."""
        return not np.array_equal(self.worldFromLocal, np.eye(4))

    def attach(self, node: Any) -> None:
        """Put a node with local coordinates under the transform of the input."""
        node.SetAndObserveTransformNodeID(self.inputNode.GetTransformNodeID() if self.inputNode is not None else None)


def ijkToRas(volumeNode: Any) -> np.ndarray:
    """Return voxel index to local RAS mm of a volume, (4, 4)."""
    matrix = vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    return arrayFromVTKMatrix(matrix)


def _isScan(inputNode: Any | None, shape: tuple[int, ...]) -> bool:
    if inputNode is None or inputNode.GetScene() is None or inputNode.GetImageData() is None:
        return False
    return tuple(inputNode.GetImageData().GetDimensions()) == shape
