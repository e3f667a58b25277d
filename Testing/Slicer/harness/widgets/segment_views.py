"""qMRMLSegmentsTableView and qMRMLSegmentationShow3DButton on a real segmentation node."""

from __future__ import annotations

import slicer
import vtk
from PySide6 import QtCore, QtGui, QtWidgets

from harness.facade import behaviour
from harness.observers import Observers
from harness.widgets.boxes import column_layout

COLUMNS = ("Visible", "Color", "Opacity", "Name")
NAME = COLUMNS.index("Name")
Table = QtWidgets.QTableWidget


@behaviour
class qMRMLSegmentsTableView:
    DEFAULTS = {"colorColumnVisible": True, "opacityColumnVisible": True, "visibilityColumnVisible": True}
    DEFAULTS |= {"readOnly": False, "headerVisible": True, "filterBarVisible": False, "selectionMode": 3}
    DEFAULTS |= {"statusColumnVisible": False, "layerColumnVisible": False, "jumpToSelectedSegmentEnabled": False}
    DEFAULTS |= {"useTerminologySelector": True}

    def setUp(self, *ignored):
        own = self.own
        own.segmentation, own.observers, own.filter = None, Observers(self), ""
        own.table = Table(0, len(COLUMNS), self)
        own.table.setHorizontalHeaderLabels(COLUMNS)
        own.table.horizontalHeader().setStretchLastSection(True)
        own.table.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        column_layout(self).addWidget(own.table)
        own.table.selectionModel().selectionChanged.connect(self._selected)

    def segmentationNode(self):
        return self.own.segmentation

    def setSegmentationNode(self, node):
        own = self.own
        own.observers.clear()
        own.segmentation = node
        if node is not None:
            segmentation = node.GetSegmentation()
            for event in (slicer.vtkSegmentation.SegmentAdded, slicer.vtkSegmentation.SegmentRemoved):
                own.observers.add(segmentation, event, lambda *_: self._fill())
            own.observers.add(node, vtk.vtkCommand.ModifiedEvent, lambda *_: self._fill())
        self._fill()

    def _fill(self):
        """One row a segment that passes the filter."""
        identifiers = self.displayedSegmentIDs()
        table, node = self.own.table, self.own.segmentation
        table.setRowCount(len(identifiers))
        display = node.GetDisplayNode() if node is not None else None
        for row, identifier in enumerate(identifiers):
            segment = node.GetSegmentation().GetSegment(identifier)
            visible = display is None or display.GetSegmentVisibility(identifier)
            opacity = display.GetSegmentOpacity3D(identifier) if display is not None else 1.0
            color = QtWidgets.QTableWidgetItem("")
            color.setBackground(QtGui.QColor.fromRgbF(*segment.GetColor()))
            cells = ["yes" if visible else "no", color, f"{opacity:.2f}", segment.GetName()]
            for column, cell in enumerate(cells):
                cell = QtWidgets.QTableWidgetItem(cell) if isinstance(cell, str) else cell
                table.setItem(row, column, cell)

    def _selected(self, selected, deselected):
        self.selectionChanged.emit(selected, deselected)
        chosen = self.selectedSegmentIDs()
        if chosen and self._values["jumpToSelectedSegmentEnabled"]:
            self.jumpSlices()

    def jumpSlices(self):
        node, chosen = self.own.segmentation, self.selectedSegmentIDs()
        center = node.GetSegmentCenterRAS(chosen[0]) if chosen else None
        if center is not None:
            slicer.vtkMRMLSliceNode.JumpAllSlices(node.GetScene(), *center)

    @property
    def textFilter(self):
        return self.own.filter

    @textFilter.setter
    def textFilter(self, text):
        self.own.filter = text
        self._fill()

    segmentCount = property(lambda self: len(self.displayedSegmentIDs()))

    def displayedSegmentIDs(self):
        if self.own.segmentation is None:
            return []
        segmentation = self.own.segmentation.GetSegmentation()
        identifiers = [segmentation.GetNthSegmentID(i) for i in range(segmentation.GetNumberOfSegments())]
        wanted = self.own.filter.lower()
        return [i for i in identifiers if wanted in segmentation.GetSegment(i).GetName().lower()]

    def segmentIDForRow(self, row):
        return self.displayedSegmentIDs()[row]

    def rowForSegmentID(self, identifier):
        return self.displayedSegmentIDs().index(identifier)

    def selectedSegmentIDs(self):
        rows = sorted({index.row() for index in self.own.table.selectionModel().selectedRows()})
        return [self.displayedSegmentIDs()[row] for row in rows]

    def setSelectedSegmentIDs(self, identifiers):
        selection, model = self.own.table.selectionModel(), self.own.table.model()
        selection.clearSelection()
        flags = QtCore.QItemSelectionModel.SelectionFlag
        for identifier in identifiers:
            index = model.index(self.rowForSegmentID(identifier), NAME)
            selection.select(index, flags.Select | flags.Rows)

    def clearSelection(self):
        self.own.table.clearSelection()


@behaviour
class qMRMLSegmentationShow3DButton:
    def setUp(self, *ignored):
        self.own.node = None
        self.setText("Show 3D")
        self.setCheckable(True)
        self.toggled.connect(self._show)

    def segmentationNode(self):
        return self.own.node

    def setSegmentationNode(self, node):
        self.own.node = node
        self.setEnabled(node is not None)

    def _show(self, on):
        if self.own.node is None:
            return
        if on:
            self.own.node.CreateClosedSurfaceRepresentation()
        else:
            self.own.node.RemoveClosedSurfaceRepresentation()
