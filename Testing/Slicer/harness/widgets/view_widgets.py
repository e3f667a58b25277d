"""qMRMLSliceWidget, qMRMLThreeDWidget, their views and controllers: a coloured bar above an off-screen picture."""

from __future__ import annotations

import slicer
from PySide6 import QtGui, QtWidgets

from harness.facade import behaviour, own_class
from harness.observers import Observers
from harness.off_screen import SliceView, ThreeDView
from harness.widgets.boxes import column_layout

BAR_HEIGHT = 18
Widget = QtWidgets.QWidget


@behaviour
class ctkVTKAbstractView:
    DEFAULTS = {"renderEnabled": True, "fpsVisible": False, "cornerAnnotationText": "", "useDepthPeeling": True}

    def setUp(self, *ignored):
        self.own.view = None
        Widget.setMinimumSize(self, 60, 60)
        Widget.setSizePolicy(self, QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Expanding)

    def renderWindow(self):
        return self.own.view.window

    def interactor(self):
        return self.own.view.interactor

    def scheduleRender(self):
        Widget.update(self)

    def forceRender(self):
        self.own.view.window.Render()
        Widget.update(self)

    def pauseRender(self):
        return 1

    def resumeRender(self):
        return 0

    def setBackgroundColor(self, color):
        self._values["backgroundColor"] = color
        self.own.view.renderer.SetBackground(color.redF(), color.greenF(), color.blueF())

    def _image(self):
        size = Widget.size(self)
        self.own.view.resize(max(size.width(), 8), max(size.height(), 8))
        return self.own.view.image()

    def paintEvent(self, event):
        painter = QtGui.QPainter(self)
        if self.own.view is not None:
            pixels = self._image()
            height, width, _channels = pixels.shape
            picture = QtGui.QImage(pixels.data, width, height, 3 * width, QtGui.QImage.Format.Format_RGB888)
            painter.drawImage(0, 0, picture)
        painter.end()


@behaviour
class qMRMLSliceView:
    def mrmlSliceNode(self):
        return self.own.view.logic.GetSliceNode() if self.own.view is not None else None

    def displayableManagerByClassName(self, name):
        return self.own.view.managers.GetDisplayableManagerByClassName(name)


@behaviour
class qMRMLThreeDView:
    DEFAULTS = {"shadowsVisibility": False}

    def mrmlViewNode(self):
        return self.own.node

    def cameraNode(self):
        return self.own.view.camera_node()

    def displayableManagerByClassName(self, name):
        return self.own.view.managers.GetDisplayableManagerByClassName(name)

    def resetCamera(self, *ignored):
        self.own.view.renderer.ResetCamera()
        self.scheduleRender()

    def resetFocalPoint(self):
        self.own.view.renderer.ResetCamera()
        self.scheduleRender()

    def rotateToViewAxis(self, axis):
        self.cameraNode().RotateTo(axis)
        self.scheduleRender()

    def lookFromViewAxis(self, axis):
        camera = slicer.vtkMRMLCameraNode
        sides = [None, camera.Right, camera.Left, camera.Superior, camera.Inferior, camera.Anterior, camera.Posterior]
        self.rotateToViewAxis(sides[axis])


@behaviour
class qMRMLSliceControllerWidget:
    def setUp(self, *ignored):
        self.own.logic = None

    def sliceOffsetSlider(self):
        return self.own.slider

    def mrmlSliceNode(self):
        return self.own.logic.GetSliceNode()

    def sliceLogic(self):
        return self.own.logic

    def fitSliceToBackground(self):
        self.own.logic.FitSliceToBackground()

    def setSliceOffsetValue(self, offset):
        self.own.logic.SetSliceOffset(offset)


@behaviour
class qMRMLThreeDViewControllerWidget:
    def setUp(self, *ignored):
        self.own.view = None

    def resetFocalPoint(self):
        self.own.view.resetFocalPoint()


@behaviour
class qMRMLSliceWidget:
    def setUp(self, *ignored):
        layout = column_layout(self)
        self.own.bar, self.own.view = bar(self), own_class("qMRMLSliceView")(self)
        self.own.controller = own_class("qMRMLSliceControllerWidget")(self)
        self.own.controller.setVisible(False)
        layout.addWidget(self.own.bar)
        layout.addWidget(self.own.view, 1)

    def _bind(self, logic):
        self.own.logic = logic
        self.own.view.own.view = SliceView(logic)
        self.own.controller.own.logic = logic
        Observers(self).add(logic.GetSliceNode(), "ModifiedEvent", lambda *_: self._label())
        self._label()

    def _label(self):
        node = self.own.logic.GetSliceNode()
        text = f"{node.GetLayoutLabel() or node.GetLayoutName()}   {self.own.logic.GetSliceOffset():.1f} mm"
        show_bar(self.own.bar, text, node.GetLayoutColor())

    def sliceLogic(self):
        return self.own.logic

    def sliceView(self):
        return self.own.view

    def sliceController(self):
        return self.own.controller

    def mrmlSliceNode(self):
        return self.own.logic.GetSliceNode()

    def mrmlSliceCompositeNode(self):
        return self.own.logic.GetSliceCompositeNode()

    def fitSliceToBackground(self):
        self.own.logic.FitSliceToBackground()


@behaviour
class qMRMLThreeDWidget:
    def setUp(self, *ignored):
        layout = column_layout(self)
        self.own.bar, self.own.view = bar(self), own_class("qMRMLThreeDView")(self)
        self.own.controller = own_class("qMRMLThreeDViewControllerWidget")(self)
        self.own.controller.own.view = self.own.view
        self.own.controller.setVisible(False)
        layout.addWidget(self.own.bar)
        layout.addWidget(self.own.view, 1)

    def _bind(self, node):
        self.own.view.own.node = node
        self.own.view.own.view = ThreeDView(node)
        show_bar(self.own.bar, node.GetLayoutLabel() or node.GetLayoutName(), node.GetLayoutColor())

    def threeDView(self):
        return self.own.view

    def threeDController(self):
        return self.own.controller

    def mrmlViewNode(self):
        return self.own.view.own.node


def bar(parent: Widget) -> QtWidgets.QLabel:
    """The strip above a view."""
    label = QtWidgets.QLabel(parent)
    label.setFixedHeight(BAR_HEIGHT)
    return label


def show_bar(label: QtWidgets.QLabel, text: str, color) -> None:
    """Text and colour (0..1) of the strip."""
    label.setText(f" {text}")
    style = f"background: {QtGui.QColor.fromRgbF(*color).name()}; color: black"
    if style != label.styleSheet:
        label.setStyleSheet(style)
