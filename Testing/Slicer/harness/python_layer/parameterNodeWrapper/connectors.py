"""Which widget can show which type, and how. As in Slicer the class of the widget has to be exactly the named one."""

from __future__ import annotations

import enum
import pathlib
from collections.abc import Callable
from dataclasses import dataclass

import ctk
import qt
import slicer

from .annotations import Choice, Decimals, FloatRange, Maximum, Minimum, RangeBounds, SingleStep, WithinRange


@dataclass
class Connector:
    """Reads and writes one widget; `signals` tell of a change."""

    widget: object
    signals: tuple[str, ...]
    read: Callable
    write: Callable
    callback: Callable | None = None

    def onChanged(self, callback) -> None:
        """Call `callback` at each change; None ends it."""
        for signal in self.signals:
            if self.callback is not None:
                self.widget.disconnect(signal, self.callback)
            if callback is not None:
                self.widget.connect(signal, callback)
        self.callback = callback


def create(widget, parameter) -> Connector:
    """The connector of this widget for this parameter; RuntimeError when there is none."""
    kind = type(widget)
    for makes, widgets, types in TABLE:
        if kind in widgets() and (parameter.is_node if types is None else parameter.kind in types):
            return makes(widget, parameter)
    is_enum = isinstance(parameter.kind, type) and issubclass(parameter.kind, enum.Enum)
    if is_enum and kind in (qt.QComboBox, ctk.ctkComboBox):
        return _enum_box(widget, parameter)
    raise RuntimeError(f"no connector of type {parameter.kind} to a {kind.__name__} ({parameter.name})")


def _attribute(name: str, *signals: str):
    def make(widget, parameter):
        return Connector(
            widget, signals, lambda: parameter.kind(getattr(widget, name)), lambda value: setattr(widget, name, value)
        )

    return make


def _number(widget, parameter):
    limits = {"minimum": None, "maximum": None}
    for extra in parameter.extras:
        if isinstance(extra, WithinRange | Minimum):
            limits["minimum"] = extra.minimum
        if isinstance(extra, WithinRange | Maximum):
            limits["maximum"] = extra.maximum
        if isinstance(extra, Decimals):
            widget.decimals = extra.value
        if isinstance(extra, SingleStep):
            widget.singleStep = extra.value
    if None in limits.values() and type(widget) in (qt.QSlider, ctk.ctkSliderWidget, slicer.qMRMLSliderWidget):
        raise RuntimeError(f"{parameter.name}: a slider needs a type with both bounds")
    if parameter.kind is int and hasattr(widget, "decimals"):
        widget.decimals = 0
    for name, limit in limits.items():
        if limit is not None:
            setattr(widget, name, limit)
    signal = "valueChanged(int)" if type(widget) in (qt.QSlider, qt.QSpinBox) else "valueChanged(double)"
    return _attribute("value", signal)(widget, parameter)


def _text_box(widget, parameter):
    """A combo box: of the texts it holds, or of the choices of the type."""
    for extra in parameter.extras:
        if isinstance(extra, Choice) and widget.count == 0:
            widget.addItems([str(choice) for choice in extra.choices])

    def write(value):
        widget.currentIndex = widget.findText(str(value))

    return Connector(widget, ("currentTextChanged(QString)",), lambda: parameter.kind(widget.currentText), write)


def _enum_box(widget, parameter):
    if widget.count == 0:
        widget.addItems([member.name for member in parameter.kind])

    def write(value):
        widget.currentIndex = widget.findText(value.name)

    return Connector(widget, ("currentTextChanged(QString)",), lambda: parameter.kind[widget.currentText], write)


def _plain_text(widget, parameter):
    return Connector(widget, ("textChanged()",), lambda: widget.plainText, lambda value: widget.setPlainText(value))


def _path(attribute: str, signal: str):
    def make(widget, parameter):
        return Connector(
            widget,
            (signal,),
            lambda: parameter.kind(getattr(widget, attribute)),
            lambda value: setattr(widget, attribute, str(value)),
        )

    return make


def _range(widget, parameter):
    for extra in parameter.extras:
        if isinstance(extra, RangeBounds):
            widget.setRange(extra.minimum, extra.maximum)
    return Connector(
        widget,
        ("valuesChanged(double,double)",),
        lambda: FloatRange(widget.minimumValue, widget.maximumValue),
        lambda value: widget.setValues(value.minimum, value.maximum),
    )


def _node(widget, parameter):
    signal = "currentNodeChanged(vtkMRMLNode*)"
    return Connector(widget, (signal,), widget.currentNode, widget.setCurrentNode)


TABLE = [
    (_attribute("checked", "toggled(bool)"), lambda: (qt.QCheckBox, ctk.ctkCheckBox), (bool,)),
    (_attribute("checked", "toggled(bool)"), lambda: (qt.QPushButton, ctk.ctkCheckablePushButton), (bool,)),
    (_number, lambda: (qt.QSlider, qt.QSpinBox), (int,)),
    (
        _number,
        lambda: (qt.QDoubleSpinBox, ctk.ctkSliderWidget, ctk.ctkDoubleSpinBox, slicer.qMRMLSliderWidget),
        (float, int),
    ),
    (_text_box, lambda: (qt.QComboBox, ctk.ctkComboBox), (str, int, float, bool)),
    (_attribute("text", "textChanged(QString)"), lambda: (qt.QLineEdit,), (str,)),
    (_attribute("text"), lambda: (qt.QLabel,), (str,)),
    (_plain_text, lambda: (qt.QTextEdit,), (str,)),
    (_range, lambda: (ctk.ctkRangeWidget, slicer.qMRMLRangeWidget), (FloatRange,)),
    (_path("currentPath", "currentPathChanged(QString)"), lambda: (ctk.ctkPathLineEdit,), (str, pathlib.Path)),
    (_path("directory", "directoryChanged(QString)"), lambda: (ctk.ctkDirectoryButton,), (str, pathlib.Path)),
    (_node, lambda: (slicer.qMRMLNodeComboBox,), None),
]
