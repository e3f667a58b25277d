"""Sequences: the results of all frames become sequences that play together with the scan's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import slicer
from slicer.i18n import tr as _

from BrainFMLib.PredictionRequest import FrameSource
from BrainFMLib.ResultSet import NUMBER_ATTRIBUTE, RUN_ATTRIBUTE, ResultSet


def browserOf(volumeNode: Any | None) -> Any | None:
    """Return the sequence browser that plays through this volume, None if there is none."""
    scene = slicer.mrmlScene
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLSequenceBrowserNode") if volumeNode is not None else 0):
        browser = scene.GetNthNodeByClass(index, "vtkMRMLSequenceBrowserNode")
        if browser.GetSequenceNode(volumeNode) is not None:
            return browser
    return None


def framesOf(volumeNode: Any | None) -> list[FrameSource]:
    """Return a source for each frame of the sequence that a volume belongs to; empty if it belongs to none."""
    browser = browserOf(volumeNode)
    if browser is None:
        return []
    sequence = browser.GetSequenceNode(volumeNode)
    name, proxyID = volumeNode.GetName(), volumeNode.GetID()
    title = _("{name}, frame {n}")
    return [
        FrameSource(sequence.GetID(), index, proxyID, title.format(name=name, n=index + 1), name)
        for index in range(sequence.GetNumberOfDataNodes())
    ]


class ResultSequences:
    """Collects the results of one run's frames.

    The first frame's nodes stay in the scene and become what the browser shows; those of every further frame are
    moved into the sequences.
    """

    def __init__(self) -> None:
        self._shown: ResultSet | None = None
        self._sequences: dict[str, Any] = {}

    def importMode(self, requested: str) -> str:
        """Return how to import the next frame: only the first may replace earlier results."""
        return requested if self._shown is None else "new"

    def addSteps(self, resultSet: ResultSet, source: FrameSource) -> Iterator[tuple[str, float]]:
        """Take one frame's results; the generator returns the ResultSet that is in the scene."""
        browser = browserOf(source.inputNode())
        if browser is None:
            return resultSet
        first = self._shown is None
        if first:
            self._shown = resultSet
        value = slicer.mrmlScene.GetNodeByID(source.sequenceID).GetNthIndexValue(source.index)
        for kind in resultSet.kinds():
            node = resultSet.get(kind)
            known = kind in self._sequences
            sequence = self._sequences[kind] if known else self._newSequence(kind, browser, node)
            self._store(node, sequence, value)
            if not known:
                _attach(browser, sequence, node)
            yield _("Adding to the sequences"), 1.0
        if not first:
            resultSet.remove()
        slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
        return self._shown

    def _store(self, node: Any, sequence: Any, value: str) -> None:
        """Copy a node into a sequence as a part of the set that is shown: playing copies its attributes back."""
        own = {name: node.GetAttribute(name) for name in (RUN_ATTRIBUTE, NUMBER_ATTRIBUTE)}
        node.SetAttribute(RUN_ATTRIBUTE, self._shown.run)
        node.SetAttribute(NUMBER_ATTRIBUTE, f"{self._shown.number}")
        sequence.SetDataNodeAtValue(node, value)
        for name, text in own.items():
            node.SetAttribute(name, text)

    def _newSequence(self, kind: str, browser: Any, node: Any) -> Any:
        master = browser.GetMasterSequenceNode()
        sequence = slicer.vtkMRMLSequenceNode()
        sequence.SetName(_("{name} sequence").format(name=node.GetName()))
        sequence.SetIndexName(master.GetIndexName())
        sequence.SetIndexUnit(master.GetIndexUnit())
        sequence.SetIndexType(master.GetIndexType())
        self._sequences[kind] = slicer.mrmlScene.AddNode(sequence)
        return self._sequences[kind]


def _attach(browser: Any, sequence: Any, node: Any) -> None:
    """Let the browser play a sequence through a node that is in the scene already."""
    wasModifying = browser.StartModify()
    browser.AddSynchronizedSequenceNode(sequence)
    browser.AddProxyNode(node, sequence, False)
    browser.SetOverwriteProxyName(sequence, False)
    browser.SetSaveChanges(sequence, False)
    browser.EndModify(wasModifying)
