"""The `qt` module: every class of the PySide6 modules that PythonQt wraps, changed in place."""

from __future__ import annotations

import importlib
import inspect
import types
from functools import cache

from PySide6 import QtCore

from harness.pythonqt import attributes, connections, slots
from harness.pythonqt.signals import BoundQtSignal

QObject = QtCore.QObject
MODULES = ("QtCore", "QtGui", "QtWidgets", "QtNetwork", "QtPrintSupport", "QtSvg", "QtXml", "QtSql", "QtUiTools")
# PySide6 calls these getters when C++ asks for them: they have to stay methods (in PythonQt they are attributes).
VIRTUAL_GETTERS = {"sizeHint", "minimumSizeHint"}
# The static `QTimer.singleShot` hides the property.
STATIC_METHODS = {("QTimer", "singleShot")}


@cache
def build() -> types.ModuleType:
    """The module, made once; PySide6 is changed from then on."""
    qt = types.ModuleType("qt", "Qt as Python code inside Slicer sees it")
    changed: set[type] = set()
    for name in MODULES:
        try:
            module = importlib.import_module(f"PySide6.{name}")
        except ImportError:
            continue
        for key in sorted(set(dir(module)) | set(getattr(module, "__all__", ()))):  # types are made on first access
            value = getattr(module, key, None)
            if key.startswith("_") or value is None:
                continue
            qt.__dict__.setdefault(key, value)
            if inspect.isclass(value) and issubclass(value, QObject) and value not in changed:
                changed.add(value)
                _change(value)
    _change_base()
    _change_single_shot()
    return qt


def _change(cls: type) -> None:
    meta = cls.staticMetaObject
    for index in range(meta.propertyOffset(), meta.propertyCount()):
        declared = meta.property(index)
        name = declared.name()
        if name not in VIRTUAL_GETTERS and (cls.__name__, name) not in STATIC_METHODS:
            setattr(cls, name, attributes.QtProperty(cls, name, declared.isWritable()))
    if "exec_" in vars(cls):  # PySide6 warns that it is old; in PythonQt it is the name that always works
        cls.exec_ = cls.exec
    cls.__setattr__ = attributes.set_attribute
    if "__getattribute__" in vars(cls):
        _change_look_up(cls)


def _change_look_up(cls: type) -> None:
    original = cls.__getattribute__

    def look_up(self, name):
        if name in ("connect", "disconnect"):  # PySide6 hands out its own from C before any class is looked at
            function = next(base.__dict__[name] for base in type(self).__mro__ if name in base.__dict__)
            return types.MethodType(function, self)
        value = original(self, name)
        # isinstance() with PySide6's signal types loses a reference in some releases
        return BoundQtSignal(self, value, name) if type(value) is QtCore.SignalInstance else value

    cls.__getattribute__ = look_up


def _change_single_shot() -> None:
    """An error in the slot is kept as that of any slot; PySide6 would raise it out of the event loop."""
    original = QtCore.QTimer.singleShot

    def single_shot(milliseconds, slot):
        original(milliseconds, lambda: slots.call(slot, ()))

    QtCore.QTimer.singleShot = staticmethod(single_shot)


def _change_base() -> None:
    QObject.__getattr__ = attributes.missing_attribute
    QObject.connect, QObject.disconnect = connections.connect, connections.disconnect
    QObject.className = connections.class_name
    QObject.name = property(
        lambda self: attributes.read_property(self, "objectName"),
        lambda self, value: attributes.write_property(self, "objectName", value),
    )
