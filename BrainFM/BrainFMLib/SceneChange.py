"""Nodes that are made and changed together: all stay, or the scene becomes what it was."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from BrainFMLib import SubjectHierarchy

_logger = logging.getLogger(__name__)


class SceneChange:
    """What was done to a scene so far, and how to take it back.

    Args:
        scene: the scene.
    """

    def __init__(self, scene: Any):
        self.scene = scene
        self._undo: list[Callable[[], None]] = []

    def add(self, nodeClass: str, name: str) -> Any:
        """Add a node to the scene."""
        node = self.scene.AddNewNodeByClass(nodeClass, name)
        self.undoWith(lambda: removeNode(self.scene, node))
        return node

    def undoWith(self, action: Callable[[], None]) -> None:
        """Remember how to take back what is being done."""
        self._undo.append(action)

    def keepSteps(self) -> Iterator[None]:
        """Make everything final; what was kept to undo it is let go bit by bit, because images take time to free."""
        former, self._undo = self._undo, []
        while former:
            former.pop()
            yield

    def takeBack(self) -> None:
        """Undo everything, last things first; what cannot be undone does not stop the rest."""
        while self._undo:
            try:
                self._undo.pop()()
            except Exception:
                _logger.exception("a change of the scene could not be taken back")


def removeNode(scene: Any, node: Any) -> None:
    """Remove a node with its display nodes and its storage node, if it is still there."""
    if node is None or not scene.IsNodePresent(node):
        return
    belongings = []
    if node.IsA("vtkMRMLDisplayableNode"):
        belongings += [node.GetNthDisplayNode(index) for index in range(node.GetNumberOfDisplayNodes())]
    if node.IsA("vtkMRMLStorableNode"):
        belongings.append(node.GetStorageNode())
    SubjectHierarchy.removeItem(scene, node)
    scene.RemoveNode(node)
    for belonging in belongings:
        if belonging is not None and scene.IsNodePresent(belonging):
            scene.RemoveNode(belonging)
