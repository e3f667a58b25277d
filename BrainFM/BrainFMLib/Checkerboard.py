"""The atlas in alternating squares over the scan: a hidden copy of it whose other squares are clear."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import slicer

from BrainFMLib.LayoutPlans import Plan, viewName
from BrainFMLib.Layouts import compositeNode

ATTRIBUTE = "BrainFM.Checkerboard"
SQUARE_MM = 20.0
_CLEAR = -1.0
_SLABS = 16


def steps(atlasNode: Any) -> Iterator[float]:
    """Make the squares in short steps; the generator returns the volume node, which is not saved with the scene."""
    atlas = slicer.util.arrayFromVolume(atlasNode)
    squares = [np.arange(n) * mm // SQUARE_MM for n, mm in zip(atlas.shape, atlasNode.GetSpacing()[::-1], strict=True)]
    result = np.empty(atlas.shape, np.float32)
    parity = squares[1][:, None] + squares[2][None, :]
    for begin in range(0, atlas.shape[0], _SLABS):
        slab = slice(begin, begin + _SLABS)
        shown = ((squares[0][slab, None, None] + parity) % 2 == 0) & _filled(atlas[slab] > 0)
        result[slab] = np.where(shown, atlas[slab], _CLEAR)
        yield begin / atlas.shape[0]
    return _node(atlasNode, result)


def _filled(brain: np.ndarray) -> np.ndarray:
    """Return a part of the brain (Z, Y, X) with what lies inside it, where the atlas is black."""

    def between(axis: int) -> np.ndarray:
        flipped = np.flip(brain, axis)
        after = np.flip(np.maximum.accumulate(flipped, axis), axis)
        return np.maximum.accumulate(brain, axis) & after

    return between(1) & between(2)


def show(node: Any, plan: Plan) -> None:
    """Put the squares over the scan in the views that show the atlas over it."""
    for number, pane in enumerate(plan.panes):
        if pane.overlay:
            composite = compositeNode(viewName(number))
            composite.SetForegroundVolumeID(node.GetID())
            composite.SetForegroundOpacity(1.0)


def removeAll() -> None:
    """Take all checkerboards out of the scene."""
    scene = slicer.mrmlScene
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    nodes = [scene.GetNthNodeByClass(index, "vtkMRMLScalarVolumeNode") for index in range(count)]
    for node in nodes:
        if node.GetAttribute(ATTRIBUTE):
            display = node.GetDisplayNode()
            scene.RemoveNode(node)
            if display is not None:
                scene.RemoveNode(display)


def _node(atlasNode: Any, array: np.ndarray) -> Any:
    node = slicer.vtkMRMLScalarVolumeNode()
    node.SetName("BrainFM checkerboard")
    node.SetAttribute(ATTRIBUTE, "1")
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node = slicer.mrmlScene.AddNode(node)
    node.CopyOrientation(atlasNode)
    node.SetAndObserveTransformNodeID(atlasNode.GetTransformNodeID())
    slicer.util.updateVolumeFromArray(node, array)
    node.CreateDefaultDisplayNodes()
    display, like = node.GetDisplayNode(), atlasNode.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.AutoWindowLevelOff()
    display.SetWindowLevel(like.GetWindow(), like.GetLevel())
    display.SetThreshold(0.0, float(array.max()))
    display.ApplyThresholdOn()
    display.SetInterpolate(False)  # mixing with what is clear would draw dark lines
    return node
