"""The nodes that one run made from one input, found again by what is stored in them (so also in a loaded scene)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

from BrainFMLib import SubjectHierarchy
from BrainFMLib.ResultKinds import KINDS, RESULT_KINDS, ResultKind
from BrainFMLib.SceneChange import removeNode

__all__ = ["KINDS", "ResultSet", "newRun"]

KIND_ATTRIBUTE, RUN_ATTRIBUTE = "BrainFM.Kind", "BrainFM.Run"
MODEL_ATTRIBUTE, NAME_ATTRIBUTE, NUMBER_ATTRIBUTE = "BrainFM.Model", "BrainFM.InputName", "BrainFM.Number"
INPUT_ROLE = "BrainFM.Input"


class ResultSet:
    """Results of one run on one input.

    Args:
        scene: the scene that they are in.
        run: its id; ids sort by the time of the run.
    """

    def __init__(self, scene: Any, run: str):
        self.scene, self.run = scene, run

    @staticmethod
    def all(scene: Any) -> list[ResultSet]:
        """Return every set of a scene, oldest first."""
        return [ResultSet(scene, run) for run in sorted({node.GetAttribute(RUN_ATTRIBUTE) for node in _nodes(scene)})]

    @staticmethod
    def allOf(inputNode: Any) -> list[ResultSet]:
        """Return the sets of an input, oldest first."""
        scene = inputNode.GetScene() if inputNode is not None else None
        if scene is None:
            return []
        inputID = inputNode.GetID()
        own = (node for node in _nodes(scene) if node.GetNodeReferenceID(INPUT_ROLE) == inputID)
        return [ResultSet(scene, run) for run in sorted({node.GetAttribute(RUN_ATTRIBUTE) for node in own})]

    @staticmethod
    def of(inputNode: Any) -> ResultSet | None:
        """Return the latest set of an input, None if there is none."""
        sets = ResultSet.allOf(inputNode)
        return sets[-1] if sets else None

    def get(self, kind: str) -> Any | None:
        """Return the node of that kind, None if the set has none."""
        return next((node for node in self._own() if node.GetAttribute(KIND_ATTRIBUTE) == kind), None)

    def kinds(self) -> list[str]:
        """Return the kinds that are there, in the order of the table."""
        present = {node.GetAttribute(KIND_ATTRIBUTE) for node in self._own()}
        return [kind for kind in KINDS if kind in present]

    def nodes(self) -> list[Any]:
        """Return the nodes, in the order of the table."""
        return sorted(self._own(), key=lambda node: KINDS.index(node.GetAttribute(KIND_ATTRIBUTE)))

    @property
    def inputNode(self) -> Any | None:
        """The input, None if it was deleted."""
        return next((node.GetNodeReference(INPUT_ROLE) for node in self._own()), None)

    @property
    def inputName(self) -> str:
        """What the input was called."""
        return next((node.GetAttribute(NAME_ATTRIBUTE) or "" for node in self._own()), "")

    @property
    def model(self) -> str:
        """Name of the model that made the results."""
        return next((node.GetAttribute(MODEL_ATTRIBUTE) or "" for node in self._own()), "")

    @property
    def number(self) -> int:
        """1 for the first set of an input, 2 for the second that was kept beside it, and so on."""
        return next((int(node.GetAttribute(NUMBER_ATTRIBUTE) or 1) for node in self._own()), 1)

    def remove(self) -> None:
        """Remove the nodes, and their folder if nothing else is in it."""
        nodes = self.nodes()
        folder = SubjectHierarchy.folderOf(self.scene, nodes)
        for node in nodes:
            removeNode(self.scene, node)
        SubjectHierarchy.removeFolder(self.scene, folder)

    def mark(self, node: Any, kind: ResultKind, inputNode: Any | None, about: dict[str, str]) -> None:
        """Mark a node as a part of this set; `about` holds further attributes."""
        for name, value in {KIND_ATTRIBUTE: kind.name, RUN_ATTRIBUTE: self.run, **about}.items():
            node.SetAttribute(name, value)
        if inputNode is not None:
            node.SetNodeReferenceID(INPUT_ROLE, inputNode.GetID())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ResultSet) and (self.scene, self.run) == (other.scene, other.run)

    def __hash__(self) -> int:
        return hash(self.run)

    def _own(self) -> Iterator[Any]:
        return (node for node in _nodes(self.scene) if node.GetAttribute(RUN_ATTRIBUTE) == self.run)


def newRun() -> str:
    """Return an id for a run; later runs sort after earlier ones."""
    return f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S.%f}-{uuid.uuid4().hex[:8]}"


_CLASSES = tuple(dict.fromkeys(kind.nodeClass for kind in RESULT_KINDS))


def _nodes(scene: Any) -> Iterator[Any]:
    seen = set()  # a node counts for its class and for those above it
    for nodeClass in _CLASSES:
        for index in range(scene.GetNumberOfNodesByClass(nodeClass)):
            node = scene.GetNthNodeByClass(index, nodeClass)
            isOurs = node.GetAttribute(RUN_ATTRIBUTE) and node.GetAttribute(KIND_ATTRIBUTE) in KINDS
            if isOurs and node.GetID() not in seen:
                seen.add(node.GetID())
                yield node
