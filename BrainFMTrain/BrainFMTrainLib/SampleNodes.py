"""Samples and their targets in the scene: volumes found again by what they are, in a folder of their own.

They are not saved with the scene: recipe and seed give them again, "Export samples…" keeps them, and nobody shall take
a made-up head for a scan of the patient whose scene it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import slicer
import vtk
from BrainFMLib import SubjectHierarchy
from BrainFMLib.SceneChange import removeNode
from slicer.i18n import tr as _
from slicer.util import vtkMatrixFromArray

ATTRIBUTE = "BrainFMTrain.Sample"
IMAGE = "image"


def keyOf(kind: str, index: int | None = None) -> str:
    """Return what a volume is found by: the image, or a target, of a sample; without `index` of all samples."""
    return kind if index is None else f"{kind}-{index}"


def find(key: str) -> Any | None:
    """Return the volume of that key, None if the scene has none."""
    return next((node for node in _every() if node.GetAttribute(ATTRIBUTE) == key), None)


def make(key: str, name: str, labels: bool = False) -> Any:
    """Return the volume of that key, with that name; made, without voxels, if there is none.

    Args:
        key: see `keyOf`.
        name: that users read.
        labels: whether it is a label map.
    """
    node = find(key)
    if node is None:
        kind = "vtkMRMLLabelMapVolumeNode" if labels else "vtkMRMLScalarVolumeNode"
        node = slicer.mrmlScene.AddNewNodeByClass(kind, name)
        node.SetAttribute(ATTRIBUTE, key)
        node.CreateDefaultDisplayNodes()  # before there are voxels, so that Slicer does not search for a window
        if not labels:
            node.GetDisplayNode().AutoWindowLevelOff()
        for part in (node, node.GetDisplayNode()):
            part.SetSaveWithScene(False)
        _intoFolder(node)
    node.SetName(name)
    return node


def fill(node: Any, values: vtk.vtkDataArray, shape: tuple[int, int, int], affine: np.ndarray) -> None:
    """Give a volume its voxels.

    Args:
        node: of `make`.
        values: x fastest.
        shape: (Z, Y, X).
        affine: (4, 4) voxel to RAS mm.
    """
    imageData = vtk.vtkImageData()
    imageData.SetDimensions(*shape[::-1])
    imageData.GetPointData().SetScalars(values)
    wasModifying = node.StartModify()
    node.SetIJKToRASMatrix(vtkMatrixFromArray(affine))
    node.SetAndObserveImageData(imageData)
    node.EndModify(wasModifying)


def removeOthers(keys: Collection[str]) -> Iterator[None]:
    """Remove, one after the other, what has none of these keys; the folder goes with the last volume."""
    for node in list(_every()):
        key = node.GetAttribute(ATTRIBUTE)
        if key and key not in keys:
            folder = SubjectHierarchy.folderOf(slicer.mrmlScene, [node])
            removeNode(slicer.mrmlScene, node)
            SubjectHierarchy.removeFolder(slicer.mrmlScene, folder)
            yield


def _every() -> list[Any]:
    scene, kind = slicer.mrmlScene, "vtkMRMLScalarVolumeNode"
    return [scene.GetNthNodeByClass(number, kind) for number in range(scene.GetNumberOfNodesByClass(kind))]


def _intoFolder(node: Any) -> None:
    scene = slicer.mrmlScene
    others = [other for other in _every() if other is not node and other.GetAttribute(ATTRIBUTE)]
    folder = SubjectHierarchy.folderOf(scene, others)
    if folder is None:
        top = SubjectHierarchy.treeOf(scene).GetSceneItemID()
        folder = SubjectHierarchy.createFolder(scene, top, _("BrainFM samples"))
    SubjectHierarchy.moveInto(scene, node, folder)
