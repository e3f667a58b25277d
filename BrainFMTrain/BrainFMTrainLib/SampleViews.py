"""Samples in the scene and side by side in linked slice views."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import slicer

from BrainFMTrainLib import FormerLayout

ATTRIBUTE, OVERLAY = "BrainFMTrain.Sample", "BrainFMTrain.Overlay"
MOST_SAMPLES = 8
ORIENTATIONS = ("Axial", "Coronal", "Sagittal")
FIRST_LAYOUT = 29400
VIEW_GROUP = 30
_OPACITY = 0.5
_COLORS = {"Axial": "#F34A33", "Coronal": "#6EB04B", "Sagittal": "#EDD54C"}


def showSample(path: Path, index: int, name: str) -> Any:
    """Read a sample into the scene; the volume of that index is used again. Returns the volume."""
    return _read(path, sampleNode(index), "vtkMRMLScalarVolumeNode", ATTRIBUTE, index, name)


def showOverlay(path: Path, index: int, name: str, labels: bool) -> Any:
    """Read a target that covers a sample; `labels`: it is a label map, and shown as outlines."""
    kind = "vtkMRMLLabelMapVolumeNode" if labels else "vtkMRMLScalarVolumeNode"
    node = overlayNode(index)
    if node is not None and node.GetClassName() != kind:
        slicer.mrmlScene.RemoveNode(node)
        node = None
    node = _read(path, node, kind, OVERLAY, index, name)
    if labels:
        node.GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeRandom")
    return node


def removeOverlays() -> None:
    """Forget all targets."""
    for index in range(MOST_SAMPLES):
        node = overlayNode(index)
        if node is not None:
            slicer.mrmlScene.RemoveNode(node)


def sampleNode(index: int) -> Any | None:
    """Return the volume of a sample, None if it is not there."""
    return _find(ATTRIBUTE, index)


def overlayNode(index: int) -> Any | None:
    """Return what covers a sample, None if nothing does."""
    return _find(OVERLAY, index)


def _read(path: Path, node: Any | None, kind: str, attribute: str, index: int, name: str) -> Any:
    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass(kind)
        node.SetAttribute(attribute, str(index))
        node.CreateDefaultDisplayNodes()
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(path))
    if not storage.ReadData(node):
        raise OSError(path)
    node.SetName(name)
    return node


def _find(attribute: str, index: int) -> Any | None:
    scene = slicer.mrmlScene
    for number in range(scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")):
        node = scene.GetNthNodeByClass(number, "vtkMRMLScalarVolumeNode")
        if node.GetAttribute(attribute) == str(index):
            return node
    return None


def arrange(labels: list[str], orientations: list[str]) -> None:
    """Show samples from left to right, one row for each orientation; the views move together.

    Args:
        labels: what stands in the views of each sample.
        orientations: of `ORIENTATIONS`, at least one.
    """
    layout = FormerLayout.layoutNode()
    before = layout.GetViewArrangement()
    number = FIRST_LAYOUT + 8 * len(labels) + sum(1 << ORIENTATIONS.index(name) for name in orientations)
    text = _description(labels, orientations)
    if layout.IsLayoutDescription(number):
        layout.SetLayoutDescription(number, text)
    else:
        layout.AddLayoutDescription(number, text)
    layout.SetViewArrangement(number)
    FormerLayout.remember(before)
    for row, _name in enumerate(orientations):
        for index in range(len(labels)):
            _fill(_viewName(row, index), sampleNode(index), overlayNode(index))


def _fill(viewName: str, node: Any | None, overlay: Any | None) -> None:
    widget = slicer.app.layoutManager().sliceWidget(viewName)
    if widget is None:
        return
    logic = widget.sliceLogic()
    composite = logic.GetSliceCompositeNode()
    composite.SetBackgroundVolumeID(node.GetID() if node is not None else None)
    isLabels = overlay is not None and overlay.IsA("vtkMRMLLabelMapVolumeNode")
    composite.SetForegroundVolumeID(overlay.GetID() if overlay is not None and not isLabels else None)
    composite.SetForegroundOpacity(_OPACITY)
    composite.SetLabelVolumeID(overlay.GetID() if isLabels else None)
    logic.GetSliceNode().SetUseLabelOutline(True)
    composite.SetLinkedControl(True)
    composite.SetHotLinkedControl(True)
    if node is not None:
        logic.FitSliceToBackground()


def _viewName(row: int, index: int) -> str:
    return f"BrainFMTrain{row + 1}-{index + 1}"


def _description(labels: list[str], orientations: list[str]) -> str:
    rows = ElementTree.Element("layout", type="vertical", split="true")
    for row, orientation in enumerate(orientations):
        line = ElementTree.SubElement(ElementTree.SubElement(rows, "item"), "layout", type="horizontal", split="true")
        for index, label in enumerate(labels):
            item = ElementTree.SubElement(line, "item")
            facts = {"class": "vtkMRMLSliceNode", "singletontag": _viewName(row, index)}
            view = ElementTree.SubElement(item, "view", facts)
            values = {"orientation": orientation, "viewlabel": label, "viewcolor": _COLORS[orientation]}
            for name, value in {**values, "viewgroup": str(VIEW_GROUP)}.items():
                for action in ("default", "relayout"):
                    ElementTree.SubElement(view, "property", name=name, action=action).text = value
    return ElementTree.tostring(rows, encoding="unicode")
