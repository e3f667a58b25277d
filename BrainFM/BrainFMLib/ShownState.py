"""How results were displayed before a layout changed it, kept in the display nodes themselves."""

from __future__ import annotations

import json
from typing import Any

import slicer

ATTRIBUTE = "BrainFM.ShownBefore"
_PROPERTIES = (
    *("Visibility", "Visibility2D", "Visibility3D", "Opacity2DFill", "Opacity2DOutline"),
    *("LowerThreshold", "UpperThreshold"),
)


def remember(displayNode: Any) -> None:
    """Keep how a node is displayed; the first time counts, until it is restored."""
    if displayNode.GetAttribute(ATTRIBUTE):
        return
    state = {name: getattr(displayNode, f"Get{name}")() for name in _properties(displayNode)}
    state["views"] = list(displayNode.GetViewNodeIDs())
    displayNode.SetAttribute(ATTRIBUTE, json.dumps(state))


def restoreAll() -> None:
    """Display everything in the scene as it was remembered."""
    scene = slicer.mrmlScene
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLDisplayNode")):
        node = scene.GetNthNodeByClass(index, "vtkMRMLDisplayNode")
        text = node.GetAttribute(ATTRIBUTE)
        if text:
            node.RemoveAttribute(ATTRIBUTE)
            _apply(node, json.loads(text))


def _apply(displayNode: Any, state: dict[str, Any]) -> None:
    wasModifying = displayNode.StartModify()
    for name in _properties(displayNode):
        if name in state:
            getattr(displayNode, f"Set{name}")(state[name])
    displayNode.SetViewNodeIDs(state.get("views", []))
    displayNode.EndModify(wasModifying)


def _properties(displayNode: Any) -> list[str]:
    return [name for name in _PROPERTIES if hasattr(displayNode, f"Get{name}")]
