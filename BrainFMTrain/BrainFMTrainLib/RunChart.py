"""A chart of the scene: one table, a series for each curve. Nodes are made when first needed, and never saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from vtk.util.numpy_support import numpy_to_vtk

ATTRIBUTE = "BrainFMTrain.Plot"
MOST_CURVES, MOST_POINTS = 40, 40_000
"""Of one chart, however many runs and curves are chosen: drawing it costs no more."""
LEGEND_FONT_SIZE = 12
_USUAL_WIDTH, _LETTER_WIDTH, _MARK_WIDTH = 740, 7, 50
_MOST_OF_WIDTH = 0.45


@dataclass(frozen=True)
class Curve:
    """A line of a chart.

    Attributes:
        title: in the legend.
        steps, values: its points, (points,).
        color: red, green and blue, 0..1.
        dash: number of the line's pattern, 0: unbroken.
        wide: whether it stands out.
        marked: whether each point has a mark, since there are few.
    """

    title: str
    steps: np.ndarray
    values: np.ndarray
    color: tuple[float, float, float]
    dash: int = 0
    wide: bool = False
    marked: bool = field(default=False)


class RunChart:
    """One chart and what belongs to it.

    Args:
        role: tells its nodes from those of other charts.
    """

    def __init__(self, role: str):
        self.role = role
        self._range: tuple[float, float] | None = None

    def node(self) -> Any:
        """Return the chart."""
        return self._node("vtkMRMLPlotChartNode", "chart")

    def show(self, curves: Sequence[Curve], title: str, axisTitle: str, log: bool = False) -> None:
        """Bring the chart up to date.

        Args:
            curves: at most `MOST_CURVES` are shown.
            title: of the chart.
            axisTitle: of the values.
            log: whether the values' axis is logarithmic; what is not above zero is left out.
        """
        chosen = [_above(curve) for curve in curves] if log else list(curves)
        chosen = [curve for curve in chosen if curve.steps.size][:MOST_CURVES]
        table, chart = self._node("vtkMRMLTableNode", "table"), self.node()
        wasModifying = chart.StartModify()
        table.SetAndObserveTable(_tableOf(chosen))
        chart.SetTitle(title)
        chart.SetXAxisTitle(_("step"))
        chart.SetYAxisTitle(axisTitle)
        chart.SetYAxisLogScale(log and bool(chosen))
        chart.SetLegendFontSize(LEGEND_FONT_SIZE)
        self._showRange(chart, chosen)
        self._showSeries(chart, table, chosen)
        chart.EndModify(wasModifying)
        chart.Modified()

    def _showRange(self, chart: Any, curves: Sequence[Curve]) -> None:
        """Leave room for the legend beyond the last steps; a range that somebody else chose stays."""
        if not chart.GetXAxisRangeAuto() and chart.GetXAxisRange() != self._range:
            return
        self._range = _rangeOf(curves)
        chart.SetXAxisRangeAuto(self._range is None)
        if self._range is not None:
            chart.SetXAxisRange(*self._range)

    def _showSeries(self, chart: Any, table: Any, curves: Sequence[Curve]) -> None:
        shown = [self._series(table, index, curve) for index, curve in enumerate(curves)]
        wanted = {series.GetID() for series in shown}
        for index in reversed(range(chart.GetNumberOfPlotSeriesNodes())):
            identifier = chart.GetNthPlotSeriesNodeID(index)
            if identifier not in wanted:
                chart.RemovePlotSeriesNodeID(identifier)
        for series in shown:
            if not chart.HasPlotSeriesNodeID(series.GetID()):
                chart.AddAndObservePlotSeriesNodeID(series.GetID())

    def _series(self, table: Any, index: int, curve: Curve) -> Any:
        series = self._node("vtkMRMLPlotSeriesNode", f"series {index}")
        patterns = (series.LineStyleSolid, series.LineStyleDash, series.LineStyleDot, series.LineStyleDashDot)
        wasModifying = series.StartModify()
        series.SetName(curve.title)
        if series.GetTableNodeID() != table.GetID():
            series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName(_stepsName(index))
        series.SetYColumnName(_valuesName(index, curve))
        series.SetPlotType(series.PlotTypeScatter)
        series.SetMarkerStyle(series.MarkerStyleCircle if curve.marked else series.MarkerStyleNone)
        series.SetLineStyle(patterns[curve.dash % len(patterns)])
        series.SetLineWidth(2.5 if curve.wide else 1.5)
        series.SetColor(*curve.color)
        series.EndModify(wasModifying)
        return series

    def _node(self, kind: str, part: str) -> Any:
        """Return the node for a part of the chart, made if it is not there."""
        scene, role = slicer.mrmlScene, f"{self.role} {part}"
        for index in range(scene.GetNumberOfNodesByClass(kind)):
            node = scene.GetNthNodeByClass(index, kind)
            if node.GetAttribute(ATTRIBUTE) == role:
                return node
        node = scene.CreateNodeByClass(kind)
        node.UnRegister(None)
        node.SetAttribute(ATTRIBUTE, role)
        node.SetSaveWithScene(False)
        node.SetHideFromEditors(kind != "vtkMRMLPlotChartNode")
        return scene.AddNode(node)


def _above(curve: Curve) -> Curve:
    """Return what of a curve a logarithmic axis can show."""
    here = curve.values > 0
    values = {name: getattr(curve, name) for name in ("title", "color", "dash", "wide", "marked")}
    return Curve(steps=curve.steps[here], values=curve.values[here], **values)


def _rangeOf(curves: Sequence[Curve]) -> tuple[float, float] | None:
    """Return steps from the first to so far beyond the last as the legend is wide, None without curves."""
    if not curves:
        return None
    first, last = min(curve.steps.min() for curve in curves), max(curve.steps.max() for curve in curves)
    if first == last:
        first -= 1  # a single point stands beside the axis, not on it
    letters = max(len(curve.title) for curve in curves)
    share = min((_MARK_WIDTH + _LETTER_WIDTH * letters) / _USUAL_WIDTH, _MOST_OF_WIDTH)
    return float(first), float(last + max(last - first, 1) * share / (1 - share))


def _tableOf(curves: Sequence[Curve]) -> Any:
    """Return two columns a curve; shorter ones repeat their last point, which draws nothing more."""
    table = vtk.vtkTable()
    rows = max((curve.steps.size for curve in curves), default=0)
    for index, curve in enumerate(curves):
        columns = ((_stepsName(index), curve.steps), (_valuesName(index, curve), curve.values))
        for name, values in columns:
            array = numpy_to_vtk(np.pad(values.astype(float), (0, rows - values.size), mode="edge"), deep=True)
            array.SetName(name)
            table.AddColumn(array)
    return table


def _stepsName(index: int) -> str:
    return f"step {index + 1}"


def _valuesName(index: int, curve: Curve) -> str:
    return f"{curve.title} ({index + 1})"
