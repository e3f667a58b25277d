"""Slice views of their own for samples: side by side, linked, a row for each orientation."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

import slicer

from BrainFMTrainLib import FormerLayout, SampleNodes, SampleOverlays
from BrainFMTrainLib.SampleOverlays import Looks

MOST_SAMPLES = 8
ORIENTATIONS = ("Axial", "Coronal", "Sagittal")
FIRST_LAYOUT = 29400
VIEW_GROUP = 30
_OUTLINE = 0.8
_COLORS = {"Axial": "#F34A33", "Coronal": "#6EB04B", "Sagittal": "#EDD54C"}


def sampleNode(index: int) -> Any | None:
    """Return the volume of a sample, None if it is not there."""
    return SampleNodes.find(SampleNodes.keyOf(SampleNodes.IMAGE, index))


def viewName(row: int, index: int) -> str:
    """Return the name of the view of a sample in a row."""
    return f"BrainFMTrain{row + 1}-{index + 1}"


def layoutID(count: int, orientations: list[str]) -> int:
    """Return the number of the layout for so many samples."""
    return FIRST_LAYOUT + 8 * count + sum(1 << ORIENTATIONS.index(name) for name in orientations)


def isShown() -> bool:
    """Whether one of these layouts is shown."""
    return FIRST_LAYOUT < FormerLayout.layoutNode().GetViewArrangement() < FIRST_LAYOUT + 8 * (MOST_SAMPLES + 1)


def arrangeSteps(labels: list[str], orientations: list[str]) -> Iterator[None]:
    """Show views from left to right, one row for each orientation; view after view, because making one takes time.

    Args:
        labels: what stands in the views of each sample.
        orientations: of `ORIENTATIONS`, at least one.
    """
    for row in range(len(orientations)):
        for index in range(len(labels)):
            if _makeView(viewName(row, index)):
                yield
    FormerLayout.show(layoutID(len(labels), orientations), _description(labels, orientations))
    yield


def fillSteps(count: int, orientations: list[str], looks: Looks) -> Iterator[None]:
    """Give every view its sample and what covers it, view after view."""
    for row, orientation in enumerate(orientations):
        for index in range(count):
            _fill(viewName(row, index), index, orientation, looks)
            yield


def fit(count: int, orientations: list[str]) -> None:
    """Zoom every view onto its sample."""
    for row in range(len(orientations)):
        for index in range(count):
            widget = slicer.app.layoutManager().sliceWidget(viewName(row, index))
            if widget is not None and sampleNode(index) is not None:
                widget.sliceLogic().FitSliceToBackground()


def _makeView(name: str) -> bool:
    """Make the node of a view ahead of the layout, which would make all at once; whether there was none."""
    scene, kind = slicer.mrmlScene, "vtkMRMLSliceNode"
    if scene.GetSingletonNode(name, kind) is not None:
        return False
    node = scene.CreateNodeByClass(kind)
    node.UnRegister(None)
    node.SetLayoutName(name)
    node.SetName(name)
    scene.AddNode(node)
    return True


def _fill(name: str, index: int, orientation: str, looks: Looks) -> None:
    widget = slicer.app.layoutManager().sliceWidget(name)
    if widget is None:
        return
    logic, node = widget.sliceLogic(), sampleNode(index)
    composite = logic.GetSliceCompositeNode()
    over = SampleOverlays.layers(index, orientation, looks) if node is not None else []
    anatomy = SampleNodes.find(SampleOverlays.SEGMENTATION) if looks.outline and node is not None else None
    wasModifying = composite.StartModify()
    composite.SetLinkedControl(True)
    composite.SetHotLinkedControl(True)
    composite.SetDoPropagateVolumeSelection(False)
    composite.SetBackgroundVolumeID(node.GetID() if node is not None else None)
    composite.SetLabelVolumeID(anatomy.GetID() if anatomy is not None else None)
    composite.SetLabelOpacity(_OUTLINE)
    _setLayers(composite, over)
    composite.EndModify(wasModifying)
    logic.GetSliceNode().SetUseLabelOutline(True)


def _setLayers(composite: Any, over: list[tuple[Any, float]]) -> None:
    """The first lies in the foreground, others in the layers above it."""
    last = composite.Layer_Last
    numbers = [composite.LayerForeground, *(last + number for number in range(len(over) - 1))]
    for number, (node, opacity) in zip(numbers, over, strict=False):
        composite.SetNthLayerVolumeID(number, node.GetID())
        composite.SetNthLayerOpacity(number, opacity)
    if not over:
        composite.SetForegroundVolumeID(None)
    for number in reversed(range(max(len(over) - 1, 0), composite.GetNumberOfAdditionalLayers())):
        composite.SetNthLayerVolumeID(last + number, None)


def _description(labels: list[str], orientations: list[str]) -> str:
    rows = ElementTree.Element("layout", type="vertical", split="true")
    for row, orientation in enumerate(orientations):
        line = ElementTree.SubElement(ElementTree.SubElement(rows, "item"), "layout", type="horizontal", split="true")
        for index, label in enumerate(labels):
            item = ElementTree.SubElement(line, "item")
            facts = {"class": "vtkMRMLSliceNode", "singletontag": viewName(row, index)}
            view = ElementTree.SubElement(item, "view", facts)
            values = {"orientation": orientation, "viewlabel": label, "viewcolor": _COLORS[orientation]}
            for name, value in {**values, "viewgroup": str(VIEW_GROUP)}.items():
                for action in ("default", "relayout"):
                    ElementTree.SubElement(view, "property", name=name, action=action).text = value
    return ElementTree.tostring(rows, encoding="unicode")
