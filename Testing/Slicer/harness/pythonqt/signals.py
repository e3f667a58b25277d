"""Signals as PythonQt shows them: of real Qt objects, and of the classes that the harness makes up."""

from __future__ import annotations

from collections.abc import Callable

import shiboken6
from PySide6 import QtCore

from harness import manifest
from harness.pythonqt import slots

QObject = QtCore.QObject
_connect, _disconnect = QObject.connect, QObject.disconnect
_links: dict[int, list[Link]] = {}


class Link:
    """One connected slot of a Qt signal. PythonQt holds the slot until the sender is destroyed."""

    def __init__(self, sender: QObject, signature: str, slot: Callable):
        self.sender, self.signature, self.slot = sender, signature, slot
        count = len(manifest.parse(signature).arguments)
        self.receive = lambda *arguments: slots.call(slot, arguments[:count])
        _connect(sender, f"2{signature}", self.receive)

    def cut(self) -> None:
        _disconnect(self.sender, f"2{self.signature}", self.receive)


class BoundQtSignal:
    """`button.clicked`: connect, disconnect, emit.

    Of several signatures the first declared one is meant: the one with all arguments, as `clicked(bool)`.
    """

    def __init__(self, sender: QObject, bound, name: str, signature: str = ""):
        self.sender, self.bound, self.name = sender, bound, name
        self.signature = signature

    def connect(self, slot: Callable, *_ignored) -> bool:
        if not callable(slot):
            raise AttributeError(f"'{self.name}' can not be connected to {slot!r}")
        if isinstance(slot, BoundQtSignal | OwnBoundSignal):
            slot = slot.emit
        links = _links_of(self.sender)
        links.append(Link(self.sender, self.signature or _first_signature(self.sender, self.name), slot))
        return True

    def disconnect(self, slot: Callable | None = None) -> bool:
        links, wanted = _links_of(self.sender), self.signature or _first_signature(self.sender, self.name)
        found = [link for link in links if link.signature == wanted and (slot is None or link.slot == slot)]
        for link in found:
            links.remove(link)
            link.cut()
        return bool(found)

    def emit(self, *arguments) -> None:
        self.bound.emit(*arguments)

    __call__ = emit


class OwnSignal:
    """Descriptor of a signal of a made-up class; the overloads come from the table of facts."""

    def __init__(self, member: manifest.Member):
        self.member = member

    def __get__(self, sender, owner=None):
        if sender is None:
            return self
        return sender.__dict__["_signals"].setdefault(self.member.name, OwnBoundSignal(sender, self.member))

    def __set__(self, sender, value):
        raise AttributeError(f"Signal '{self.member.name}' can not be overwritten on {type(sender).__name__} object")


class OwnBoundSignal:
    """All overloads of one signal of one object."""

    def __init__(self, sender: QObject, member: manifest.Member):
        self.sender, self.name = sender, member.name
        self.overloads = [signature.arguments for signature in member.overloads]
        self.connected: list[tuple[tuple[str, ...], Callable]] = []

    def connect(self, slot: Callable, *_ignored, arguments: tuple[str, ...] | None = None) -> bool:
        if not callable(slot):
            raise AttributeError(f"'{self.name}' can not be connected to {slot!r}")
        self.connected.append((self.overloads[0] if arguments is None else arguments, slot))
        return True

    def disconnect(self, slot: Callable | None = None, arguments: tuple[str, ...] | None = None) -> bool:
        keep = [
            (overload, other)
            for overload, other in self.connected
            if (slot is not None and other != slot) or (arguments is not None and overload != arguments)
        ]
        changed = len(keep) != len(self.connected)
        self.connected = keep
        return changed

    def emit(self, *values, arguments: tuple[str, ...] | None = None) -> None:
        """Call the slots of the overload `arguments`, or of every overload."""
        if self.sender.signalsBlocked():
            return
        for overload, slot in list(self.connected):
            if arguments is None or overload == arguments:
                slots.call(slot, values[: len(overload)])

    __call__ = emit


def _first_signature(sender: QObject, name: str) -> str:
    meta = type(sender).staticMetaObject  # metaObject() of an instance dies with it, for all of the class
    for index in range(meta.methodCount()):
        method = meta.method(index)
        if method.methodType() == QtCore.QMetaMethod.MethodType.Signal and method.name().data().decode() == name:
            return method.methodSignature().data().decode()
    raise AttributeError(f"{meta.className()} has no signal {name}")


def _links_of(sender: QObject) -> list[Link]:
    """The links of this C++ object, dropped when it is destroyed (a Python wrapper can die earlier)."""
    if not shiboken6.isValid(sender):
        raise RuntimeError(f"the C++ object of this {type(sender).__name__} is deleted")
    address = shiboken6.getCppPointer(sender)[0]
    if address not in _links:
        _links[address] = []
        sender.destroyed.bound.connect(lambda *_: _links.pop(address, None))
    return _links[address]
