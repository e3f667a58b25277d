"""The main window: module panel on the left, views in the middle, status bar below."""

from __future__ import annotations

import slicer
from PySide6 import QtCore, QtWidgets

from harness.facade import behaviour, own_class

PANEL_WIDTH = 480
SIZE = (1360, 860)


@behaviour
class qSlicerModuleSelectorToolBar:
    def setUp(self, *ignored):
        self.own.selected = ""

    def selectModule(self, name):
        if name != self.own.selected:
            self.own.selected = name
            self.moduleSelected.emit(name)

    @property
    def selectedModule(self):
        return self.own.selected

    @selectedModule.setter
    def selectedModule(self, value):
        self.selectModule(value)


@behaviour
class qSlicerMainWindow:
    def setUp(self, *ignored):
        own = self.own
        own.selector = own_class("qSlicerModuleSelectorToolBar")(self)
        self.addToolBar(own.selector)
        own.dock = QtWidgets.QDockWidget("Modules", self)
        own.area = QtWidgets.QScrollArea(own.dock)
        own.area.setWidgetResizable(True)
        own.area.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        own.dock.setWidget(own.area)
        own.dock.setMinimumWidth(PANEL_WIDTH)
        self.addDockWidget(QtCore.Qt.DockWidgetArea.LeftDockWidgetArea, own.dock)
        own.entered = None
        own.selector.moduleSelected.connect(self._show_module)

    def moduleSelector(self):
        return self.own.selector

    def _show_module(self, name):
        own = self.own
        if own.entered is not None:
            own.entered.exit()
            own.area.takeWidget()
            own.entered = None
        module = slicer.app.moduleManager().module(name)
        widget = module.widgetRepresentation() if module is not None else None
        if widget is not None:
            own.dock.setWindowTitle(module.title)
            own.area.setWidget(widget)
            widget.setVisible(True)
            own.entered = widget
            widget.enter()


def make() -> QtWidgets.QMainWindow:
    """The window, with the views of the layout manager in it."""
    window = own_class("qSlicerMainWindow")()
    window.objectName = "qSlicerMainWindow"
    window.setWindowTitle("Slicer (test bed)")
    window.setCentralWidget(slicer.app.layoutManager().viewport())
    window.statusBar()
    window.resize(*SIZE)
    return window
