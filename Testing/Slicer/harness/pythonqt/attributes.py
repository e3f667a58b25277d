"""Attributes of Qt objects under PythonQt's rules."""

from __future__ import annotations

import enum
import types

from PySide6 import QtCore

from harness.pythonqt.connections import class_name

QObject = QtCore.QObject
read_property = QObject.property
write_property = QObject.setProperty
_MISSING = object()


class QtProperty:
    """A Q_PROPERTY as a data descriptor. Read through the class it is the C++ getter, for the harness's own use."""

    def __init__(self, owner: type, name: str, writable: bool):
        self.owner, self.name, self.writable = owner.__name__, name, writable
        self.getter = getattr(owner, name, None)

    def __get__(self, target, owner=None):
        return self.getter if target is None else read_property(target, self.name)

    def __set__(self, target, value):
        if not self.writable:
            raise AttributeError(f"Property '{self.name}' of {self.owner} object is not writable")
        if value is None or not write_property(target, self.name, value):
            kind = type(value).__name__
            raise AttributeError(f"Property '{self.name}' of {self.owner} does not accept a {kind} ({value!r})")


def set_attribute(self: QObject, name: str, value) -> None:
    """C++ objects take no new attributes; objects of Python classes that derive from them do."""
    kind = type(self)
    found = next((base.__dict__[name] for base in kind.__mro__ if name in base.__dict__), _MISSING)
    if hasattr(type(found), "__set__") and not isinstance(found, types.MemberDescriptorType):
        type(found).__set__(found, self, value)
        return
    if name.startswith("__") or type(value) is QtCore.SignalInstance or not _is_native(kind):
        self.__dict__[name] = value
    elif found is not _MISSING:
        raise AttributeError(f"'{name}' can not be overwritten on {class_name(self)} object")
    elif name.encode() in [dynamic.data() for dynamic in QObject.dynamicPropertyNames(self)]:
        write_property(self, name, value)
    else:
        raise AttributeError(
            f"'{name}' does not exist on {class_name(self)} and creating new attributes on C++ objects is not allowed"
        )


def missing_attribute(self: QObject, name: str):
    """What ordinary look-up does not find: dynamic properties, children by object name, `exec_` and the like."""
    if not name.startswith("_"):
        value = read_property(self, name)
        if value is not None:
            return value
        for child in QObject.children(self):
            if read_property(child, "objectName") == name:
                return child
        if name.endswith("_") and hasattr(type(self), name[:-1]):
            return getattr(self, name[:-1])
    raise AttributeError(f"{class_name(self)} has no attribute named '{name}'")


def plain(value):
    """The number of an enumeration member, anything else unchanged."""
    return value.value if isinstance(value, enum.Enum) else value


def _is_native(kind: type) -> bool:
    return kind.__module__.startswith("PySide6") or "_slicer_class" in kind.__dict__
