"""The losses of a run as a chart of the scene: a table, a series for each loss, and the plot view."""

from __future__ import annotations

from typing import Any

import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk

from BrainFMTrainLib import FormerLayout
from BrainFMTrainLib.LossCurves import LossCurves

ATTRIBUTE = "BrainFMTrain.Plot"
STEP, TOTAL = "step", "loss"


class LossPlot:
    """Makes the nodes when they are first needed, and again if they were deleted. They are not saved with the scene."""

    def show(self, curves: LossCurves, title: str, smoothing: int = 0, log: bool = False, terms: bool = True) -> None:
        """Bring the chart up to date.

        Args:
            curves: of the run.
            title: of the chart.
            smoothing: see `LossCurves.values`.
            log: whether the axis of the losses is logarithmic.
            terms: whether each task's losses are shown beside the total.
        """
        table, chart = _node("vtkMRMLTableNode", "losses"), _node("vtkMRMLPlotChartNode", "chart")
        names = [name for name in curves.names if terms or name == TOTAL]
        content = vtk.vtkTable()
        content.AddColumn(_column(STEP, curves.steps()))
        for name in names:
            content.AddColumn(_column(name, curves.values(name, smoothing)))
        table.SetAndObserveTable(content)
        wasModifying = chart.StartModify()
        chart.SetTitle(title)
        chart.SetXAxisTitle(_("step"))
        chart.SetYAxisTitle(_("loss"))
        chart.SetYAxisLogScale(log)
        self._showSeries(chart, table, names)
        chart.EndModify(wasModifying)
        chart.Modified()

    def showView(self) -> None:
        """Show the plot view beside the others; the user's layout is remembered."""
        before = FormerLayout.layoutNode().GetViewArrangement()
        slicer.modules.plots.logic().ShowChartInLayout(_node("vtkMRMLPlotChartNode", "chart"))
        FormerLayout.remember(before)

    def _showSeries(self, chart: Any, table: Any, names: list[str]) -> None:
        shown = [_series(table, name) for name in names]
        wanted = {series.GetID() for series in shown}
        for index in reversed(range(chart.GetNumberOfPlotSeriesNodes())):
            identifier = chart.GetNthPlotSeriesNodeID(index)
            if identifier not in wanted:
                chart.RemovePlotSeriesNodeID(identifier)
        for series in shown:
            if not chart.HasPlotSeriesNodeID(series.GetID()):
                chart.AddAndObservePlotSeriesNodeID(series.GetID())


def _node(kind: str, role: str) -> Any:
    """Return the node of a role, made if it is not there."""
    scene = slicer.mrmlScene
    for index in range(scene.GetNumberOfNodesByClass(kind)):
        node = scene.GetNthNodeByClass(index, kind)
        if node.GetAttribute(ATTRIBUTE) == role:
            return node
    node = scene.CreateNodeByClass(kind)
    node.UnRegister(None)
    node.SetAttribute(ATTRIBUTE, role)
    node.SetSaveWithScene(False)
    return scene.AddNode(node)


def _series(table: Any, name: str) -> Any:
    series = _node("vtkMRMLPlotSeriesNode", f"series {name}")
    if series.GetTableNodeID() != table.GetID() or series.GetYColumnName() != name:
        series.SetName(name)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName(STEP)
        series.SetYColumnName(name)
        series.SetPlotType(series.PlotTypeScatter)
        series.SetMarkerStyle(series.MarkerStyleNone)
        series.SetUniqueColor()
        if name == TOTAL:
            series.SetLineWidth(3)
    return series


def _column(name: str, values: Any) -> Any:
    array = numpy_to_vtk(values, deep=True)
    array.SetName(name)
    return array
