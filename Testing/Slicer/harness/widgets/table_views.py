"""qMRMLTableModel, qMRMLTableView and qMRMLTableWidget on a real vtkMRMLTableNode."""

from __future__ import annotations

import vtk
from PySide6 import QtCore, QtGui, QtWidgets

from harness.facade import behaviour, own_class
from harness.observers import Observers
from harness.widgets.boxes import column_layout

CheckState = QtCore.Qt.CheckState
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
View = QtWidgets.QTableView


@behaviour
class qMRMLTableModel:
    """As Slicer's: every value is shown as VTK writes it, and sorted as text.

    Unless the node says that titles are headers, the column names stand in a bold first row that can be edited.
    """

    DEFAULTS = {"transposed": False}

    def setUp(self, *ignored):
        self.own.node, self.own.observers, self.own.filling = None, Observers(self), False
        self.itemChanged.connect(self._edited)

    def _bind(self, node):
        own = self.own
        own.observers.clear()
        own.node = node
        if node is not None:
            own.observers.add(node, vtk.vtkCommand.ModifiedEvent, lambda *_: self._update())
        self._update()

    def _offsets(self):
        """Rows and columns of the model that come before those of the table: a row of names, a column less."""
        node = self.own.node
        return int(not node.GetUseColumnTitleAsColumnHeader()), int(node.GetUseFirstColumnAsRowHeader())

    def _update(self):
        node = self.own.node
        table = node.GetTable() if node is not None else None
        if table is None or table.GetNumberOfColumns() == 0:
            self.setRowCount(0)
            self.setColumnCount(0)
            return
        self.own.filling = True
        names, headers = self._offsets()
        self.setRowCount(table.GetNumberOfRows() + names)
        self.setColumnCount(table.GetNumberOfColumns() - headers)
        for column in range(headers, table.GetNumberOfColumns()):
            self._fill(table, column)
        for row in range(self.rowCount()):
            label = table.GetValue(row - names, 0).ToString() if headers and row >= names else str(row + 1)
            self.setVerticalHeaderItem(row, QtGui.QStandardItem(label))
        self.own.filling = False

    def _fill(self, table, column):
        names, headers = self._offsets()
        node, array, target = self.own.node, table.GetColumn(column), column - headers
        name = array.GetName() or ""
        unit = node.GetColumnUnitLabel(name)
        title = (node.GetColumnTitle(name) or name) + (f" [{unit}]" if unit else "")
        header = LETTERS[target % len(LETTERS)] if names else title
        self.setHorizontalHeaderItem(target, QtGui.QStandardItem(header))
        if names:
            item = QtGui.QStandardItem(name)
            item.setFont(QtGui.QFont("", -1, QtGui.QFont.Weight.Bold))
            self._put(0, target, item)
        for row in range(table.GetNumberOfRows()):
            item = QtGui.QStandardItem()
            if isinstance(array, vtk.vtkBitArray):
                item.setCheckable(True)
                item.setCheckState(CheckState.Checked if array.GetValue(row) else CheckState.Unchecked)
            else:
                item.setText(table.GetValue(row, column).ToString())
            self._put(row + names, target, item)

    def _put(self, row, column, item):
        item.setEditable(not self.own.node.GetLocked() and not item.isCheckable())
        self.setItem(row, column, item)

    def _edited(self, item):
        node = self.own.node
        if self.own.filling or node is None:
            return
        names, headers = self._offsets()
        row, column = item.row() - names, item.column() + headers
        if row < 0:
            node.RenameColumn(column, item.text())
        elif item.isCheckable():
            node.GetTable().SetValue(row, column, vtk.vtkVariant(int(item.checkState() == CheckState.Checked)))
            node.GetTable().Modified()
        else:
            node.SetCellText(row, column, item.text())


@behaviour
class qMRMLTableView:
    DEFAULTS = {"firstColumnLocked": False, "firstRowLocked": False, "transposed": False}

    def setUp(self, *ignored):
        own = self.own
        own.scene, own.view_node, own.observers = None, None, Observers(self)
        own.model = own_class("qMRMLTableModel")(self)
        own.proxy = QtCore.QSortFilterProxyModel(self)
        own.proxy.setSourceModel(own.model)
        self.setModel(own.proxy)
        self.selectionModel().selectionChanged.connect(lambda: self.selectionChanged.emit())

    def mrmlScene(self):
        return self.own.scene

    def setMRMLScene(self, scene):
        if scene is not self.own.scene:
            self.own.scene = scene
            self.mrmlSceneChanged.emit(scene)

    def mrmlTableNode(self):
        return self.own.model.own.node

    def setMRMLTableNode(self, node):
        self.own.model._bind(node)

    def mrmlTableViewNode(self):
        return self.own.view_node

    def setMRMLTableViewNode(self, node):
        self.own.view_node = node
        self.own.observers.clear()
        if node is not None:
            modified = vtk.vtkCommand.ModifiedEvent
            self.own.observers.add(node, modified, lambda *_: self.setMRMLTableNode(node.GetTableNode()))
            self.setMRMLTableNode(node.GetTableNode())

    def tableModel(self):
        return self.own.model

    def sortFilterProxyModel(self):
        return self.own.proxy

    def copySelection(self):
        """Selected cells to the clipboard, tabs and new lines between them."""
        rows = {}
        for index in sorted(View.selectedIndexes(self), key=lambda index: (index.row(), index.column())):
            rows.setdefault(index.row(), []).append(str(index.data() or ""))
        text = "\n".join("\t".join(row) for row in rows.values())
        QtGui.QGuiApplication.clipboard().setText(text)


@behaviour
class qMRMLTableWidget:
    def setUp(self, *ignored):
        self.own.view = own_class("qMRMLTableView")(self)
        column_layout(self).addWidget(self.own.view)

    def _bind(self, node):
        self.own.view.setMRMLScene(node.GetScene())
        self.own.view.setMRMLTableViewNode(node)

    def tableView(self):
        return self.own.view

    def mrmlTableViewNode(self):
        return self.own.view.mrmlTableViewNode()
