"""The views of a comparison: a column for each model and one for the reference; they move together."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import numpy as np
import slicer
from BrainFMEngine.anatomy.structures import structures
from slicer.i18n import tr as _

from BrainFMTrainLib import CompareNodes, FormerLayout
from BrainFMTrainLib.CompareResult import COLUMNS, REFERENCE, SEGMENTATION, CompareResult

ORIENTATIONS = ("Axial", "Coronal", "Sagittal")
FIRST_LAYOUT = 29700
MOST_ROWS = 2
VIEW_GROUP = 31
LABEL_OPACITY, MAP_OPACITY = 0.5, 0.6
LONGEST_LABEL = 26
STRIDE = 4
_COLORS = {"Axial": "#F34A33", "Coronal": "#6EB04B", "Sagittal": "#EDD54C"}


def viewName(row: int, column: int) -> str:
    """Return the name of a slice view, counted from 0."""
    return f"BrainFMCompare{row + 1}-{column + 1}"


def arrange(result: CompareResult, shown: str, orientation: str) -> None:
    """Show what is in the scene: the segmentations over the image, and below one kind of map.

    Args:
        result: whose images CompareNodes has loaded.
        shown: name of the map; "" for the segmentation alone.
        orientation: of `ORIENTATIONS`.
    """
    rows = [name for name in (SEGMENTATION, shown) if result.map(name) is not None]
    number = FIRST_LAYOUT + 10 * len(rows) + ORIENTATIONS.index(orientation)
    FormerLayout.show(number, _description(result, rows, orientation))
    for row, name in enumerate(rows):
        for column, key in enumerate(COLUMNS):
            _fill(viewName(row, column), _label(result, row, rows, key), key, name, result)
    fit(result, orientation)


def fit(result: CompareResult, orientation: str) -> None:
    """Let all views show the whole head, at the middle of the brain; again when new views have got their size."""
    place = _middleOfBrain(result)
    for row in range(MOST_ROWS):
        for column in range(len(COLUMNS)):
            _look(viewName(row, column), orientation, place)


def isShown() -> bool:
    """Return whether the views of a comparison are the layout."""
    number = FormerLayout.layoutNode().GetViewArrangement()
    return FIRST_LAYOUT + 10 <= number < FIRST_LAYOUT + 100


def _fill(name: str, label: str, column: str, kind: str, result: CompareResult) -> None:
    manager = slicer.app.layoutManager()
    widget = manager.sliceWidget(name) if manager is not None else None
    if widget is None:
        return  # there are no views without a window
    composite = widget.sliceLogic().GetSliceCompositeNode()
    entry, image, node = (
        result.map(kind),
        CompareNodes.nodeOf("", CompareNodes.IMAGE),
        CompareNodes.nodeOf(column, kind),
    )
    isLabels = kind == SEGMENTATION
    isOverlay = entry is not None and entry.display in ("signed_mm", "ratio")
    background = image if isLabels or isOverlay or node is None else node
    foreground = node if isOverlay else None
    composite.SetDoPropagateVolumeSelection(False)
    composite.SetLinkedControl(True)
    composite.SetHotLinkedControl(True)
    composite.SetBackgroundVolumeID(_idOf(background))
    composite.SetForegroundVolumeID(_idOf(foreground))
    composite.SetForegroundOpacity(MAP_OPACITY if foreground is not None else 0.0)
    composite.SetLabelVolumeID(_idOf(node) if isLabels else None)
    composite.SetLabelOpacity(LABEL_OPACITY)
    view = widget.sliceLogic().GetSliceNode()
    view.SetUseLabelOutline(False)
    view.SetLayoutLabel(label)


def _look(name: str, orientation: str, place: np.ndarray | None) -> None:
    manager = slicer.app.layoutManager()
    widget = manager.sliceWidget(name) if manager is not None else None
    if widget is None:
        return
    view = widget.sliceLogic().GetSliceNode()
    view.SetOrientation(orientation)
    widget.sliceLogic().FitSliceToBackground()
    if place is not None:
        view.JumpSliceByOffsetting(*(float(value) for value in place))


def _idOf(node: Any | None) -> str | None:
    return node.GetID() if node is not None else None


def _label(result: CompareResult, row: int, rows: list[str], column: str) -> str:
    """Return what stands in a view: who made it; below the reference what is shown where nothing is known."""
    entry = result.map(rows[row])
    if column == REFERENCE:
        return _("Reference") if entry is not None and REFERENCE in entry.files else _("Given image")
    title = result.titles[COLUMNS.index(column)]
    return title if len(title) <= LONGEST_LABEL else f"{title[: LONGEST_LABEL - 1]}…"


def _middleOfBrain(result: CompareResult) -> np.ndarray | None:
    """Return the middle of what is labelled as brain, RAS mm; None without labels."""
    inside = [label for label, structure in structures().items() if label and not structure.extracerebral]
    for column in (REFERENCE, *COLUMNS[:2]):
        node = CompareNodes.nodeOf(column, SEGMENTATION)
        if node is None:
            continue
        found = np.argwhere(np.isin(slicer.util.arrayFromVolume(node)[::STRIDE, ::STRIDE, ::STRIDE], inside))
        if len(found):
            z, y, x = found.mean(0) * STRIDE
            return (result.affine @ (x, y, z, 1.0))[:3]
    return None


def _description(result: CompareResult, rows: list[str], orientation: str) -> str:
    lines = ElementTree.Element("layout", type="vertical", split="true")
    for row in range(len(rows)):
        item = ElementTree.SubElement(lines, "item")
        line = ElementTree.SubElement(item, "layout", type="horizontal", split="true")
        for column, key in enumerate(COLUMNS):
            place = ElementTree.SubElement(line, "item")
            facts = {"class": "vtkMRMLSliceNode", "singletontag": viewName(row, column)}
            view = ElementTree.SubElement(place, "view", facts)
            values = {"orientation": orientation, "viewlabel": _label(result, row, rows, key)}
            for name, value in {**values, "viewcolor": _COLORS[orientation], "viewgroup": str(VIEW_GROUP)}.items():
                for action in ("default", "relayout"):
                    ElementTree.SubElement(view, "property", name=name, action=action).text = value
    return ElementTree.tostring(lines, encoding="unicode")
