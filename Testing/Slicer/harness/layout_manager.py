"""`slicer.app.layoutManager()`: the views that Slicer's layout logic asks for, arranged as the layout XML says."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

from harness.facade import behaviour, own_class

VIEW_TAGS = ("view", "layout")
FIRST_VIEWS = ("Red", "Green", "Yellow")


@behaviour
class qSlicerLayoutManager:
    DEFAULTS = {"spacing": 0, "enabled": True}

    def setUp(self, *ignored):
        own = self.own
        own.logic, own.node, own.widgets, own.shown = None, None, {}, None
        own.viewport = QtWidgets.QWidget()
        QtWidgets.QVBoxLayout(own.viewport).setContentsMargins(0, 0, 0, 0)

    def _bind(self, application_logic, scene):
        own = self.own
        own.application_logic, own.scene = application_logic, scene
        own.logic = slicer.vtkMRMLLayoutLogic()
        own.logic.SetMRMLApplicationLogic(application_logic)
        own.logic.SetMRMLScene(scene)
        own.node = own.logic.GetLayoutNode()
        own.node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._arrange())

        @vtk.calldata_type(vtk.VTK_OBJECT)
        def added(_scene, _event, node):
            if isinstance(node, slicer.vtkMRMLAbstractViewNode) and not scene.IsBatchProcessing():
                self.viewWidget(node)

        scene.AddObserver(scene.NodeAddedEvent, added)

    # layout

    def layoutLogic(self):
        return self.own.logic

    def mrmlScene(self):
        return self.own.scene

    def viewport(self, name=""):
        return self.own.viewport

    def setLayout(self, number):
        self.own.node.SetViewArrangement(number)

    layout = property(lambda self: self.own.node.GetViewArrangement(), setLayout)

    def _arrange(self):
        """Build the splitters anew when the description has changed."""
        own = self.own
        description = own.node.GetCurrentLayoutDescription()
        if not description or description == own.shown:
            return
        own.shown = description
        place = QtWidgets.QWidget.layout(own.viewport)
        for widget in own.widgets.values():
            widget.setParent(None)
        while place.count():
            place.takeAt(0).widget().deleteLater()
        place.addWidget(self._built(ElementTree.fromstring(description)))
        self.layoutChanged.emit(own.node.GetViewArrangement(), arguments=("int",))
        self.layoutChanged.emit(arguments=())

    def _built(self, element):
        if element.tag == "view":
            node = self.own.scene.GetNodeByID(element.get("class") + element.get("singletontag", ""))
            widget = self.viewWidget(node) if node is not None else None
            if widget is not None:
                widget.setVisible(True)
            return widget if widget is not None else QtWidgets.QLabel(element.get("class"))
        items = element.findall("item")
        children = [self._built(next(child for child in item if child.tag in VIEW_TAGS)) for item in items]
        kind = element.get("type", "vertical")
        if kind == "grid":
            widget = QtWidgets.QWidget()
            grid = QtWidgets.QGridLayout(widget)
            grid.setContentsMargins(0, 0, 0, 0)
            for item, child in zip(items, children, strict=True):
                spans = (int(item.get("rowspan", 1)), int(item.get("colspan", 1)))
                grid.addWidget(child, int(item.get("row", 0)), int(item.get("column", 0)), *spans)
            return widget
        if kind == "tab":
            widget = QtWidgets.QTabWidget()
            for item, child in zip(items, children, strict=True):
                widget.addTab(child, item.get("name", ""))
            return widget
        direction = QtCore.Qt.Orientation
        widget = QtWidgets.QSplitter(direction.Horizontal if kind == "horizontal" else direction.Vertical)
        for child in children:
            widget.addWidget(child)
        widget.setSizes([int(item.get("splitSize", 500)) for item in items])
        return widget

    # views

    def _nodes(self, class_name):
        nodes = self.own.logic.GetViewNodes()
        found = (nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems()))
        return [node for node in found if node is not None and node.IsA(class_name)]

    def viewWidget(self, node):
        """The widget of a view node, made when it is first asked for."""
        made = self.own.widgets
        if node.GetID() not in made:
            makers = {
                "vtkMRMLSliceNode": self._slice_widget,
                "vtkMRMLViewNode": self._three_d_widget,
                "vtkMRMLTableViewNode": self._table_widget,
                "vtkMRMLPlotViewNode": self._plot_widget,
            }
            maker = makers.get(node.GetClassName())
            if maker is None:
                return None
            made[node.GetID()] = maker(node)
        return made[node.GetID()]

    def _forget_views(self):
        """Let go of slice views beyond the first three: each makes every node that is added more expensive."""
        own = self.own
        own.node.SetViewArrangement(own.node.SlicerLayoutFourUpView)
        own.shown = None
        for identifier, widget in list(own.widgets.items()):
            node = own.scene.GetNodeByID(identifier)
            if node is not None and node.IsA("vtkMRMLSliceNode") and node.GetLayoutName() not in FIRST_VIEWS:
                logic = widget.sliceLogic()
                own.application_logic.GetSliceLogics().RemoveItem(logic)
                logic.SetMRMLScene(None)
                widget.setParent(None)
                widget.deleteLater()
                del own.widgets[identifier]
        QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete.value)

    def _slice_widget(self, node):
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(self.own.application_logic)
        logic.SetMRMLScene(self.own.scene)
        logic.SetSliceNode(node)
        self.own.application_logic.GetSliceLogics().AddItem(logic)
        widget = own_class("qMRMLSliceWidget")()
        widget._bind(logic)
        return widget

    def _three_d_widget(self, node):
        widget = own_class("qMRMLThreeDWidget")()
        widget._bind(node)
        return widget

    def _table_widget(self, node):
        widget = own_class("qMRMLTableWidget")()
        widget._bind(node)
        return widget

    def _plot_widget(self, node):
        widget = own_class("qMRMLPlotWidget")()
        widget._bind(node)
        return widget

    def sliceViewNames(self):
        return [node.GetLayoutName() for node in self._nodes("vtkMRMLSliceNode")]

    def sliceWidget(self, name):
        node = next((n for n in self._nodes("vtkMRMLSliceNode") if n.GetLayoutName() == name), None)
        return self.viewWidget(node) if node is not None else None

    def _numbered(self, class_name, which):
        nodes = self._nodes(class_name)
        if isinstance(which, str):
            nodes, which = [node for node in nodes if node.GetLayoutName() == which], 0
        return self.viewWidget(nodes[which]) if 0 <= which < len(nodes) else None

    def threeDWidget(self, which):
        return self._numbered("vtkMRMLViewNode", which)

    def tableWidget(self, index):
        return self._numbered("vtkMRMLTableViewNode", index)

    def plotWidget(self, index):
        return self._numbered("vtkMRMLPlotViewNode", index)

    threeDViewCount = property(lambda self: len(self._nodes("vtkMRMLViewNode")))
    tableViewCount = property(lambda self: len(self._nodes("vtkMRMLTableViewNode")))
    plotViewCount = property(lambda self: len(self._nodes("vtkMRMLPlotViewNode")))

    def activeMRMLThreeDViewNode(self):
        nodes = self._nodes("vtkMRMLViewNode")
        return nodes[0] if nodes else None

    def mrmlSliceLogics(self):
        return self.own.application_logic.GetSliceLogics()

    def resetSliceViews(self):
        logics = self.mrmlSliceLogics()
        for index in range(logics.GetNumberOfItems()):
            logics.GetItemAsObject(index).FitSliceToBackground()

    def resetThreeDViews(self):
        for index in range(self.threeDViewCount):
            self.threeDWidget(index).threeDView().resetFocalPoint()

    def setRenderPaused(self, paused):
        return None

    def pauseRender(self):
        return None

    def resumeRender(self):
        return None
