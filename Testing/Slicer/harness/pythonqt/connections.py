"""`object.connect("signal(type)", slot)` and `object.disconnect(...)` on every QObject."""

from __future__ import annotations

from collections.abc import Callable

from PySide6 import QtCore

from harness import manifest
from harness.pythonqt.signals import BoundQtSignal, OwnBoundSignal

QObject = QtCore.QObject
_connect, _disconnect = QObject.connect, QObject.disconnect


def normalised(signature: str | bytes) -> str:
    """Qt's own spelling of a signature, without the macro's leading digit."""
    text = signature.decode() if isinstance(signature, bytes) else signature
    text = text.strip()
    text = text[1:] if text[:1].isdigit() else text
    result = QtCore.QMetaObject.normalizedSignature(text)
    return result.data().decode() if hasattr(result, "data") else str(result)


def connect(self: QObject, *arguments) -> bool:
    """Connect a signal, given by its C++ signature, to a callable; or to a slot of another object by its signature.

    In Slicer an unknown signature prints a warning and returns False; here it raises.
    """
    if isinstance(arguments[0], QObject):  # PySide6's own bound signals come back this way
        return _connect(*arguments)
    signal, receiver, *rest = arguments
    if rest and isinstance(rest[0], str | bytes):
        receiver = getattr(receiver, normalised(rest[0]).split("(")[0])
    bound, types = _signal(self, normalised(signal))
    if isinstance(bound, OwnBoundSignal):
        return bound.connect(receiver, arguments=types)
    return bound.connect(receiver)


def disconnect(self: QObject, *arguments) -> bool:
    """Undo `connect`; with no slot given, of every slot of the signal."""
    if isinstance(arguments[0], QObject):
        return _disconnect(*arguments)
    slot: Callable | None = arguments[1] if len(arguments) > 1 else None
    bound, types = _signal(self, normalised(arguments[0]))
    return bound.disconnect(slot, types) if isinstance(bound, OwnBoundSignal) else bound.disconnect(slot)


def class_name(self: QObject) -> str:
    """The C++ name: of Slicer for made-up classes, of Qt otherwise."""
    return getattr(type(self), "_slicer_class", None) or type(self).staticMetaObject.className()


def _signal(sender: QObject, signature: str):
    if not signature.endswith(")"):
        raise AttributeError(f"'{signature}' is not a signature: name(types)")
    name, types = signature[:-1].split("(", 1)
    types = manifest.split_arguments(types)
    slicer_class = getattr(type(sender), "_slicer_class", None)
    if slicer_class is not None:
        member = manifest.members(slicer_class).get(name)
        if member is not None and member.kind == "signal":
            if types not in [overload.arguments for overload in member.overloads]:
                raise AttributeError(f"signal '{signature}' does not exist on {slicer_class}")
            return getattr(sender, name), types
    meta = type(sender).staticMetaObject  # metaObject() of an instance dies with it, for all of the class
    if meta.indexOfSignal(signature) < 0:
        raise AttributeError(f"signal '{signature}' does not exist on {class_name(sender)}")
    return BoundQtSignal(sender, getattr(sender, name).bound, name, signature), types
