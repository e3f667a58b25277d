"""qMRMLPlotView and qMRMLPlotWidget: the chart of a real vtkMRMLPlotChartNode, drawn off screen by vtkChartXY."""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from PySide6 import QtGui, QtWidgets
from vtk.util.numpy_support import vtk_to_numpy

from harness.facade import behaviour, own_class
from harness.widgets.boxes import column_layout
from harness.widgets.view_widgets import bar, show_bar

Widget = QtWidgets.QWidget
LINES, POINTS, BARS = vtk.vtkChart.LINE, vtk.vtkChart.POINTS, vtk.vtkChart.BAR


@behaviour
class qMRMLPlotView:
    """Nothing is drawn until it is painted; then from the nodes as they are."""

    def setUp(self, *ignored):
        own = self.own
        own.node, own.context = None, vtk.vtkContextView()
        own.chart = vtk.vtkChartXY()
        own.context.GetRenderWindow().SetOffScreenRendering(1)
        own.context.GetRenderWindow().SetMultiSamples(0)
        own.context.GetRenderer().SetBackground(1, 1, 1)
        own.context.GetScene().AddItem(own.chart)
        Widget.setMinimumSize(self, 60, 60)
        Widget.setSizePolicy(self, QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Expanding)

    def _bind(self, node):
        self.own.node = node
        node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: Widget.update(self))

    def chart(self):
        return self.own.chart

    def renderWindow(self):
        return self.own.context.GetRenderWindow()

    def fitToContent(self):
        self.own.chart.RecalculateBounds()

    def paintEvent(self, event):
        painter = QtGui.QPainter(self)
        pixels = self._image()
        height, width, _channels = pixels.shape
        picture = QtGui.QImage(pixels.data, width, height, 3 * width, QtGui.QImage.Format.Format_RGB888)
        painter.drawImage(0, 0, picture)
        painter.end()

    def _image(self):
        size, window = Widget.size(self), self.own.context.GetRenderWindow()
        window.SetSize(max(size.width(), 8), max(size.height(), 8))
        node = self.own.node.GetPlotChartNode() if self.own.node is not None else None
        fill(self.own.chart, node)
        window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(window)
        grab.ReadFrontBufferOff()
        grab.Update()
        width, height, _depth = grab.GetOutput().GetDimensions()
        pixels = vtk_to_numpy(grab.GetOutput().GetPointData().GetScalars()).reshape(height, width, -1)
        return np.ascontiguousarray(pixels[::-1, :, :3])


@behaviour
class qMRMLPlotWidget:
    def setUp(self, *ignored):
        layout = column_layout(self)
        self.own.bar, self.own.view = bar(self), own_class("qMRMLPlotView")(self)
        layout.addWidget(self.own.bar)
        layout.addWidget(self.own.view, 1)

    def _bind(self, node):
        self.own.view._bind(node)
        show_bar(self.own.bar, node.GetLayoutLabel() or node.GetLayoutName(), node.GetLayoutColor())

    def plotView(self):
        return self.own.view

    def mrmlPlotViewNode(self):
        return self.own.view.own.node


def fill(chart, node) -> None:
    """Make a VTK chart what a chart node says."""
    chart.ClearPlots()
    chart.SetShowLegend(node is not None and node.GetLegendVisibility())
    if node is None:
        return
    chart.SetTitle(node.GetTitle() or "")
    bottom, left = chart.GetAxis(vtk.vtkAxis.BOTTOM), chart.GetAxis(vtk.vtkAxis.LEFT)
    bottom.SetTitle(node.GetXAxisTitle() or "")
    left.SetTitle(node.GetYAxisTitle() or "")
    bottom.SetLogScale(node.GetXAxisLogScale())
    left.SetLogScale(node.GetYAxisLogScale())
    chart.GetLegend().GetLabelProperties().SetFontSize(node.GetLegendFontSize())
    set_range(bottom, node.GetXAxisRangeAuto(), node.GetXAxisRange())
    set_range(left, node.GetYAxisRangeAuto(), node.GetYAxisRange())
    for index in range(node.GetNumberOfPlotSeriesNodes()):
        add(chart, node.GetNthPlotSeriesNode(index))
    chart.RecalculateBounds()


def set_range(axis, auto, limits) -> None:
    """Let an axis follow the curves, or fix it."""
    axis.SetBehavior(vtk.vtkAxis.AUTO if auto else vtk.vtkAxis.FIXED)
    if not auto:
        axis.SetUnscaledRange(*limits)


def add(chart, series) -> None:
    """Add a series node that has what it needs."""
    table = series.GetTableNode().GetTable() if series.GetTableNode() is not None else None
    columns = (series.GetXColumnName(), series.GetYColumnName())
    if table is None or not all(name and table.GetColumnByName(name) is not None for name in columns):
        return
    kind = BARS if series.GetPlotType() == slicer.vtkMRMLPlotSeriesNode.PlotTypeBar else LINES
    hasLine = series.GetLineStyle() != slicer.vtkMRMLPlotSeriesNode.LineStyleNone
    plot = chart.AddPlot(kind if hasLine or kind == BARS else POINTS)
    plot.SetInputData(table, *columns)
    plot.SetLabel(series.GetName())
    plot.SetColorF(*series.GetColor())
    plot.SetWidth(series.GetLineWidth())
    if kind == LINES:
        plot.GetPen().SetLineType(series.GetLineStyle())
        plot.SetMarkerStyle(series.GetMarkerStyle())
        plot.SetMarkerSize(series.GetMarkerSize())
