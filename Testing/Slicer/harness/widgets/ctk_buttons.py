"""ctkCollapsibleButton, ctkCollapsibleGroupBox, ctkPushButton, ctkMenuButton, ctkExpandButton, ctkCheckBox."""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets

from harness.facade import behaviour
from harness.pythonqt.attributes import write_property

TITLE_HEIGHT = 22
UNLIMITED = 16777215
Widget = QtWidgets.QWidget


@behaviour
class ctkCollapsibleButton:
    DEFAULTS = {"contentsFrameShape": 0, "contentsFrameShadow": 16, "contentsLineWidth": 1, "flat": False}
    DEFAULTS |= {"collapsedHeight": 10, "indicatorAlignment": 1, "buttonTextAlignment": 132}

    def setUp(self, *text):
        self.own.collapsed = False
        if text:
            write_property(self, "text", text[0])
        self.setCheckable(True)
        self.setChecked(True)
        Widget.setSizePolicy(self, QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Preferred)
        self.toggled.connect(lambda on: self._collapse(not on))

    @property
    def collapsed(self):
        return self.own.collapsed

    @collapsed.setter
    def collapsed(self, value):
        self.setChecked(not value)

    def _collapse(self, collapsed):
        if collapsed == self.own.collapsed:
            return
        self.own.collapsed = collapsed
        for child in QtCore.QObject.children(self):
            if isinstance(child, Widget):
                child.setVisible(not collapsed)
        self.setMaximumHeight(TITLE_HEIGHT + self._values["collapsedHeight"] if collapsed else UNLIMITED)
        self.contentsCollapsed.emit(collapsed)

    def event(self, event):
        if event.type() in (QtCore.QEvent.Type.LayoutRequest, QtCore.QEvent.Type.Polish):
            layout = Widget.layout(self)
            if layout is not None and QtWidgets.QLayout.contentsMargins(layout).top() < TITLE_HEIGHT:
                layout.setContentsMargins(6, TITLE_HEIGHT + 4, 6, 6)
        return QtWidgets.QAbstractButton.event(self, event)

    def mousePressEvent(self, event):
        inside = event.position().y() <= TITLE_HEIGHT
        (QtWidgets.QAbstractButton.mousePressEvent(self, event) if inside else event.ignore())

    def sizeHint(self):
        layout, hint = Widget.layout(self), QtCore.QSize(120, TITLE_HEIGHT)
        return hint.expandedTo(layout.sizeHint()) if layout is not None and not self.own.collapsed else hint

    def minimumSizeHint(self):
        layout, hint = Widget.layout(self), QtCore.QSize(60, TITLE_HEIGHT)
        return hint.expandedTo(layout.minimumSize()) if layout is not None and not self.own.collapsed else hint

    def paintEvent(self, event):
        painter = QtGui.QPainter(self)
        bar = QtCore.QRect(0, 0, Widget.width(self), TITLE_HEIGHT)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.fillRect(bar, QtGui.QColor(0xD6, 0xDE, 0xEA))
        painter.setPen(QtGui.QColor(0x20, 0x20, 0x20))
        painter.setBrush(QtGui.QColor(0x40, 0x40, 0x40))
        corners = ((6, 7), (16, 7), (11, 15)) if not self.own.collapsed else ((8, 5), (8, 17), (15, 11))
        painter.drawPolygon(QtGui.QPolygon([QtCore.QPoint(*corner) for corner in corners]))
        painter.drawText(bar.adjusted(24, 0, 0, 0), QtCore.Qt.AlignmentFlag.AlignVCenter, self.text)
        painter.end()


@behaviour
class ctkCollapsibleGroupBox:
    DEFAULTS = {"collapsedHeight": 14}

    def setUp(self, *title):
        if title:
            write_property(self, "title", title[0])
        self.setCheckable(True)
        self.setChecked(True)
        self.toggled.connect(self._show)

    @property
    def collapsed(self):
        return not self.checked

    @collapsed.setter
    def collapsed(self, value):
        self.setChecked(not value)

    def _show(self, on):
        for child in QtCore.QObject.children(self):
            if isinstance(child, Widget):
                child.setVisible(on)
        option = QtWidgets.QStyleOptionGroupBox()
        QtWidgets.QGroupBox.initStyleOption(self, option)
        style, kind = Widget.style(self), QtWidgets.QStyle
        title = style.subControlRect(kind.CC_GroupBox, option, kind.SC_GroupBoxLabel, self)
        self.setMaximumHeight(UNLIMITED if on else title.height() + self._values["collapsedHeight"])


@behaviour
class ctkPushButton:
    DEFAULTS = {"buttonTextAlignment": 132, "iconAlignment": 129, "elideMode": 3}


@behaviour
class ctkMenuButton:
    DEFAULTS = {}


@behaviour
class ctkExpandButton:
    DEFAULTS = {"mirrorOnExpand": False, "orientation": 1}


@behaviour
class ctkCheckBox:
    DEFAULTS = {}


@behaviour
class ctkFittedTextBrowser:
    DEFAULTS = {"collapsed": False}


@behaviour
class ctkSearchBox:
    DEFAULTS = {"showSearchIcon": False}
