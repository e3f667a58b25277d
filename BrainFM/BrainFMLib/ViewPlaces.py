"""Where the views look: the slices' position, and the camera of the 3D view."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import slicer

from BrainFMLib.LayoutPlans import OTHER_VIEWS
from BrainFMLib.Structures import positionOf

TURNED = "BrainFM.Turned"
_RESTING_VOXELS = 2
_AZIMUTH, _ELEVATION, _NEARER = 25, 15, 1.4


def visibleSliceNodes() -> list[Any]:
    """Return the nodes of the slice views of the layout that is shown."""
    manager = slicer.app.layoutManager()
    views = manager.layoutLogic().GetViewNodes() if manager is not None else None
    nodes = [views.GetItemAsObject(index) for index in range(views.GetNumberOfItems())] if views is not None else []
    return [node for node in nodes if node is not None and node.IsA("vtkMRMLSliceNode")]


def fit3D() -> None:
    """Let the 3D view of the layouts show everything that is in it; at first from the front, somewhat from the left."""
    manager = slicer.app.layoutManager()
    for index in range(manager.threeDViewCount if manager is not None else 0):
        view = manager.threeDWidget(index).threeDView()
        node = view.mrmlViewNode()
        if node.GetLayoutName() != OTHER_VIEWS:
            continue
        camera = slicer.modules.cameras.logic().GetViewActiveCameraNode(node)
        if camera is not None and not node.GetAttribute(TURNED):
            node.SetAttribute(TURNED, "1")
            camera.GetCamera().Azimuth(_AZIMUTH)
            camera.GetCamera().Elevation(_ELEVATION)
        view.resetFocalPoint()
        view.resetCamera()
        if camera is not None:
            camera.GetCamera().Dolly(_NEARER)
            camera.ResetClippingRange()


def position(scan: Any, segmentation: Any | None, former: tuple[float, ...] = ()) -> tuple[float, float, float]:
    """Return where the visible views are (RAS mm).

    Where they are as Slicer puts them, in the middle of the scan, the middle of the brain is taken instead: with a
    neck in the scan that is somewhere else.

    Args:
        scan: a volume.
        segmentation: of its anatomy.
        former: taken for orientations that no visible view has; (): the middle of the scan.
    """
    bounds = [0.0] * 6
    scan.GetRASBounds(bounds)
    middle = [(bounds[2 * axis] + bounds[2 * axis + 1]) / 2 for axis in range(3)]
    place = list(former or middle)
    for axis, offset in _offsets():
        if bounds[2 * axis] < offset < bounds[2 * axis + 1]:
            place[axis] = offset
    reach = max(scan.GetSpacing()) * _RESTING_VOXELS
    if all(abs(here - there) < reach for here, there in zip(place, middle, strict=True)):
        place = _middleOfBrain(segmentation) or place
    return tuple(place)


def _offsets() -> Iterator[tuple[int, float]]:
    """Yield axis (0: left-right, 1: back-front, 2: bottom-top) and place in RAS mm of each visible slice view."""
    axes = {"Sagittal": 0, "Coronal": 1, "Axial": 2}
    for node in visibleSliceNodes():
        axis = axes.get(node.GetOrientation())
        if axis is not None:
            yield axis, node.GetSliceToRAS().GetElement(axis, 3)


def _middleOfBrain(segmentation: Any | None) -> list[float] | None:
    found = [positionOf(segmentation, f"{side}-Thalamus") for side in ("Left", "Right")] if segmentation else [None]
    if None in found:
        return None
    return [sum(place[axis] for place in found) / len(found) for axis in range(3)]
