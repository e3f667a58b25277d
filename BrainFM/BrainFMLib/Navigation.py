"""Moving through results: jump to a structure, flip from one result to the next at the same place."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from BrainFMLib.LayoutPlans import planFor, viewName
from BrainFMLib.Layouts import compositeNode, currentLayout, inputOf
from BrainFMLib.Structures import positionOf
from BrainFMLib.ViewPlaces import visibleSliceNodes

_FLIPPED = ("T1w", "T2w", "FLAIR", "CT", "highres", "corrected", "atlas")


def jumpToStructure(resultSet: Any, segmentName: str) -> tuple[float, float, float] | None:
    """Move every slice view and the centre of every 3D view to a structure.

    Returns:
        the place (RAS mm of the scene), a point inside the structure; None if the segmentation lacks it.
    """
    segmentation = resultSet.get("dseg")
    position = positionOf(segmentation, segmentName) if segmentation is not None else None
    if position is not None:
        jumpTo(position)
    return position


def jumpTo(position: tuple[float, float, float]) -> None:
    """Move every slice view, the crosshair and the centre of every 3D view to a place (RAS mm)."""
    scene = slicer.mrmlScene
    slicer.vtkMRMLSliceNode.JumpAllSlices(scene, *position, slicer.vtkMRMLSliceNode.OffsetJumpSlice)
    crosshair = scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    if crosshair is not None:
        crosshair.SetCrosshairRAS(position)
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLCameraNode")):
        camera = scene.GetNthNodeByClass(index, "vtkMRMLCameraNode")
        place, focus = np.array(camera.GetPosition()), np.array(camera.GetFocalPoint())
        camera.SetFocalPoint(position)
        camera.SetPosition(*(place + position - focus))


def flippable(resultSet: Any) -> list[Any]:
    """Return the images to flip through: the scan, then the results that are images of the head."""
    nodes = [inputOf(resultSet), *(resultSet.get(kind) for kind in _FLIPPED)]
    return [node for index, node in enumerate(nodes) if node is not None and node not in nodes[:index]]


def flipThrough(resultSet: Any, step: int = 1) -> tuple[str, int, int]:
    """Show the next image in place of the scan, at the same place and zoom.

    In the module's layouts the views that show the scan change, in the Contrasts layout the large one; in the user's
    own layout every slice view does.

    Args:
        resultSet: what to flip through.
        step: 1 for the next, -1 for the one before.

    Returns:
        what is shown now, its number (from 1) and how many there are.
    """
    images, composites = flippable(resultSet), _flippingViews(resultSet)
    if not images or not composites:
        return "", 0, 0
    ids = [image.GetID() for image in images]
    now = composites[0].GetBackgroundVolumeID()
    place = (ids.index(now) + step) % len(ids) if now in ids else 0
    for composite in composites:
        composite.SetBackgroundVolumeID(ids[place])
    return titleOf(resultSet, images[place]), place + 1, len(ids)


def titleOf(resultSet: Any, node: Any) -> str:
    """Return what users call an image of the results."""
    titles = {"corrected": _("Corrected scan"), "atlas": _("Atlas"), "highres": _("Super-resolution")}
    for kind in _FLIPPED:
        if resultSet.get(kind) is node:
            return titles.get(kind, kind)
    return _("Scan")


def _flippingViews(resultSet: Any) -> list[Any]:
    name = currentLayout()
    if not name:
        return [compositeNode(node.GetLayoutName()) for node in visibleSliceNodes()]
    plan = planFor(name, resultSet.kinds())
    scan = [number for number, pane in enumerate(plan.panes) if pane.background == "input"]
    return [compositeNode(viewName(number)) for number in (scan[:1] if name in ("Contrasts", "Bias") else scan)]
