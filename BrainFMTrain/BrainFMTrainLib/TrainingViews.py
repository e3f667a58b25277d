"""Layouts of the module for a training: two plot views, or one slice view for the picture of a validation."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import slicer
from slicer.i18n import tr as _

from BrainFMTrainLib import FormerLayout

PLOTS, PICTURE = 29700, 29701
"""Numbers of the layouts."""
LOSSES_VIEW, SCORES_VIEW, PICTURE_VIEW = "BrainFMTrainLosses", "BrainFMTrainScores", "BrainFMTrainPicture"


def showPlots() -> None:
    """Show the views of the losses and of the scores, one above the other."""
    rows = ElementTree.Element("layout", type="vertical", split="true")
    for name, label in ((LOSSES_VIEW, _("Losses")), (SCORES_VIEW, _("Validation"))):
        _view(ElementTree.SubElement(rows, "item"), "vtkMRMLPlotViewNode", name, {"viewlabel": label})
    _show(PLOTS, rows)


def showPicture() -> Any:
    """Show the view of pictures alone; return its slice widget."""
    rows = ElementTree.Element("layout", type="horizontal")
    values = {"orientation": "Axial", "viewlabel": _("Validation"), "viewcolor": "#6A7B8C"}
    _view(ElementTree.SubElement(rows, "item"), "vtkMRMLSliceNode", PICTURE_VIEW, values)
    _show(PICTURE, rows)
    return slicer.app.layoutManager().sliceWidget(PICTURE_VIEW)


def isShown(number: int) -> bool:
    """Return whether one of the layouts is shown."""
    node = FormerLayout.layoutNode()
    return node is not None and node.GetViewArrangement() == number


def putChart(viewName: str, chart: Any) -> None:
    """Let a plot view show a chart, and go on showing it; does nothing as long as there is no such view."""
    scene = slicer.mrmlScene
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLPlotViewNode")):
        view = scene.GetNthNodeByClass(index, "vtkMRMLPlotViewNode")
        if view.GetLayoutName() == viewName and view.GetPlotChartNodeID() != chart.GetID():
            view.SetDoPropagatePlotChartSelection(False)
            view.SetPlotChartNodeID(chart.GetID())


def _view(item: Any, kind: str, name: str, values: dict[str, str]) -> None:
    view = ElementTree.SubElement(item, "view", {"class": kind, "singletontag": name})
    for key, value in values.items():
        ElementTree.SubElement(view, "property", name=key, action="default").text = value


def _show(number: int, description: Any) -> None:
    FormerLayout.show(number, ElementTree.tostring(description, encoding="unicode"))
