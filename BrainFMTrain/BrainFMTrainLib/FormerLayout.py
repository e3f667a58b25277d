"""The user's layout, given back when the module is left. It is kept in the layout node, not in Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer

ATTRIBUTE = "BrainFMTrain.FormerLayout"
DRAWN_MS = 100
"""New views have their size by then."""


def layoutNode() -> Any:
    """Return the node that says which layout is shown."""
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")


def show(number: int, description: str) -> None:
    """Show a layout of the module, described anew as layout XML; the user's is remembered."""
    node = layoutNode()
    before = node.GetViewArrangement()
    if node.IsLayoutDescription(number):
        node.SetLayoutDescription(number, description)
    else:
        node.AddLayoutDescription(number, description)
    node.SetViewArrangement(number)
    remember(before)


def whenDrawn(action: Callable[[], None]) -> None:
    """Call something, such as a fit, when the views of a layout that is just shown have got their size."""
    qt.QTimer.singleShot(DRAWN_MS, action)


def remember(before: int) -> None:
    """Take note that the module has changed the layout; the first one is the user's."""
    node = layoutNode()
    shown = node.GetViewArrangement()
    former = (node.GetAttribute(ATTRIBUTE) or "").split()
    if shown != before:
        isOurs = len(former) == 2 and int(former[1]) == before
        node.SetAttribute(ATTRIBUTE, f"{former[0] if isOurs else before} {shown}")


def note() -> str:
    """Return what was taken note of, "" for nothing: a scene that is closed forgets it."""
    return layoutNode().GetAttribute(ATTRIBUTE) or ""


def noteAgain(text: str) -> None:
    """Take note of what `note` returned."""
    if text:
        layoutNode().SetAttribute(ATTRIBUTE, text)


def restore() -> None:
    """Give the user's layout back, unless another one was chosen since."""
    node = layoutNode()
    former = (node.GetAttribute(ATTRIBUTE) or "").split() if node is not None else []
    if len(former) == 2:
        node.RemoveAttribute(ATTRIBUTE)
        if node.GetViewArrangement() == int(former[1]):
            node.SetViewArrangement(int(former[0]))
