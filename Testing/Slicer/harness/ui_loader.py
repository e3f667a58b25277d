"""`qt.QUiLoader`: Qt's own loader for Qt classes, made-up classes for those of CTK and Slicer.

What Qt does not know (custom properties, connections of custom slots) is taken out of the XML, checked against the
table of facts and applied in Python. Anything that real Slicer would not find raises UiError.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from PySide6 import QtCore, QtUiTools, QtWidgets

from harness import facade, manifest
from harness.pythonqt.attributes import read_property


class UiError(RuntimeError):
    """The .ui file does not fit Slicer."""


@dataclass(frozen=True)
class LateProperty:
    """A property of a made-up widget, set once the widget is there."""

    widget: str
    member: manifest.Member
    value: object


@dataclass(frozen=True)
class Connection:
    """One signal-slot line of the .ui file."""

    sender: str
    signal: str
    receiver: str
    slot: str


class QUiLoader(QtUiTools.QUiLoader):
    """As in PythonQt, `load(QFile, parent)`."""

    def createWidget(self, class_name, parent=None, name=""):
        if not manifest.is_own(class_name):
            return QtUiTools.QUiLoader.createWidget(self, class_name, parent, name)
        widget = facade.own_class(class_name)(*([parent] if parent is not None else []))
        widget.setObjectName(name)
        self.__dict__.setdefault("_made", []).append(widget)
        return widget

    def load(self, device, parent=None):
        root = ElementTree.fromstring(device.readAll().data())
        late = take_own_properties(root)
        connections = take_connections(root)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(root, encoding="utf-8"))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        top = QtUiTools.QUiLoader.load(self, buffer, parent)
        if top is None:
            raise UiError(self.errorString())
        for entry in late:
            setattr(find(top, entry.widget), entry.member.name, entry.value)
        for entry in connections:
            connect(top, entry)
        self._keep(top)
        return top

    def _keep(self, top):
        """The Python objects have to live as long as the window that they are part of."""
        made = self.__dict__.pop("_made", [])
        if isinstance(top, QtWidgets.QWidget):
            top.destroyed.connect(lambda *_: made.clear())


def take_own_properties(root: ElementTree.Element) -> list[LateProperty]:
    """Remove the properties that only the made-up classes have, and check every class and property."""
    late = []
    declared = {entry.findtext("class") for entry in root.iter("customwidget")}
    for widget in root.iter("widget"):
        class_name = widget.get("class")
        if not manifest.is_own(class_name):
            continue
        if not manifest.known(class_name):
            raise UiError(f"class {class_name} does not exist in Slicer, or not in facts/classes.json")
        if class_name not in declared:
            raise UiError(f"{class_name} is used but not listed in <customwidgets>")
        members = manifest.members(class_name)
        for entry in widget.findall("property"):
            name = entry.get("name")
            member = members.get(name)
            if member is not None and member.kind == "property":
                late.append(LateProperty(widget.get("name"), member, property_value(entry[0], members, member)))
                widget.remove(entry)
            elif entry.get("stdset") != "0" and not qt_has_property(class_name, name):
                raise UiError(f"{class_name} has no property {name}")
    return late


def take_connections(root: ElementTree.Element) -> list[Connection]:
    """Remove the connections: Qt's loader does not see the signals and slots of made-up classes."""
    section = root.find("connections")
    if section is None:
        return []
    root.remove(section)
    keys = ("sender", "signal", "receiver", "slot")
    return [Connection(*(entry.findtext(key) for key in keys)) for entry in section.findall("connection")]


def property_value(entry: ElementTree.Element, members: dict, member: manifest.Member):
    """The Python value of one <property>."""
    text = entry.text or ""
    if entry.tag == "bool":
        return text.strip() == "true"
    if entry.tag == "number":
        return int(text)
    if entry.tag in ("double", "float"):
        return float(text)
    if entry.tag in ("string", "cstring"):
        return text
    if entry.tag == "stringlist":
        return [item.text or "" for item in entry]
    if entry.tag in ("enum", "set"):
        return _number(text, members, member)
    raise UiError(f"property {member.name}: <{entry.tag}> is not modelled")


def connect(top: QtWidgets.QWidget, entry: Connection) -> None:
    """Make one connection of the file."""
    sender, receiver = find(top, entry.sender), find(top, entry.receiver)
    slot = manifest.parse(entry.slot.replace(" ", ""))
    class_name = getattr(type(receiver), "_slicer_class", None)
    own = manifest.members(class_name).get(slot.name) if class_name else None
    if own is not None and own.kind == "method":
        if slot.arguments not in [overload.arguments for overload in own.overloads]:
            raise UiError(f"{class_name} has no slot {entry.slot}")
        target = getattr(receiver, slot.name)
    elif (
        type(receiver).staticMetaObject.indexOfSlot(QtCore.QMetaObject.normalizedSignature(entry.slot).data().decode())
        < 0
    ):
        raise UiError(f"{receiver.className()} has no slot {entry.slot}")
    else:
        target = getattr(type(receiver), slot.name).__get__(receiver)
    sender.connect(entry.signal, lambda *arguments: target(*arguments[: len(slot.arguments)]))


def find(top: QtWidgets.QWidget, name: str):
    """The top widget or one of its descendants, by object name."""
    found = top if read_property(top, "objectName") == name else top.findChild(QtCore.QObject, name)
    if found is None:
        raise UiError(f"no object named {name}")
    return found


def qt_has_property(class_name: str, name: str) -> bool:
    """Whether the Qt class below has it."""
    qt_class = getattr(QtWidgets, manifest.lineage(class_name)[1], QtWidgets.QWidget)
    return qt_class.staticMetaObject.indexOfProperty(name) >= 0


def _number(text: str, members: dict, member: manifest.Member) -> int:
    """An enumeration or a set of flags, of the class itself or of Qt."""
    number = 0
    for part in text.split("|"):
        path = part.strip().split("::")
        own = members.get(path[-1])
        if own is not None and own.kind == "value":
            number |= own.number
            continue
        scope = getattr(QtCore if path[0] == "Qt" else QtWidgets, path[0], None)
        for step in path[1:]:
            scope = getattr(scope, step, None)
        if scope is None:
            raise UiError(f"property {member.name}: no value {part}")
        number |= scope.value
    return number
