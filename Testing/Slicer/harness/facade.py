"""Classes of CTK and Slicer, made from the table of facts and the behaviour written for them in `widgets/`.

A behaviour is a class with the name of the Slicer class. It may only define public names that the Slicer class has. A
name that exists in Slicer and has no behaviour raises NotModelled when used, one that does not exist AttributeError.

In a behaviour:
    DEFAULTS            values of properties that need nothing but to be kept
    setUp(self, *args)  called once the Qt object is made; `self.own` is a namespace for the state of the harness
    a Python property   stands for the Qt property of that name; its setter receives a value of the declared type
"""

from __future__ import annotations

import enum
import types

from PySide6 import QtCore, QtGui, QtWidgets

from harness import manifest, slot_errors
from harness.pythonqt import attributes
from harness.pythonqt.signals import OwnSignal

CASTS = {"bool": bool, "int": int, "double": float, "QString": str, "QStringList": tuple}
PRIVATE = ("setUp", "own")
OF_VTK = {"QVTKWidget": "QWidget"}
"""Widgets of VTK, which draw in a way of their own."""
KEEP_BITS = {"boundary": enum.KEEP} if hasattr(enum, "KEEP") else {}  # Python 3.10 always keeps them
VIRTUALS = ("event", "paintEvent", "mousePressEvent", "resizeEvent", "sizeHint", "minimumSizeHint")
_behaviours: dict[str, type] = {}
_classes: dict[str, type] = {}


class NotModelled(NotImplementedError):
    """The member exists in Slicer; the harness has no behaviour for it."""


def behaviour(cls: type) -> type:
    """Register a behaviour class."""
    _behaviours[cls.__name__] = cls
    return cls


def own_class(name: str) -> type:
    """The class of this name, made when it is first asked for."""
    if name not in _classes:
        if not manifest.known(name):
            raise AttributeError(
                f"class {name} does not exist in Slicer {manifest.VERSION}, or not in facts/classes.json"
            )
        _classes[name] = _make(name)
    return _classes[name]


class OwnProperty:
    """A property of a made-up class: kept as it is, or run through the behaviour's Python property."""

    def __init__(self, owner: str, member: manifest.Member, behaved: property | None):
        self.owner, self.member, self.behaved = owner, member, behaved

    def __get__(self, target, owner=None):
        if target is None:
            return self
        if self.behaved is not None and self.behaved.fget is not None:
            return self.behaved.fget(target)
        values = target.__dict__["_values"]
        if self.member.name not in values:
            raise NotModelled(f"{self.owner}.{self.member.name} exists in Slicer, the harness has no value for it")
        return values[self.member.name]

    def __set__(self, target, value):
        if not self.member.writable:
            raise AttributeError(f"Property '{self.member.name}' of {self.owner} object is not writable")
        value = self._cast(value)
        if self.behaved is None:
            target.__dict__["_values"][self.member.name] = value
        elif self.behaved.fset is None:
            raise NotModelled(f"setting {self.owner}.{self.member.name} is not modelled by the harness")
        else:
            self.behaved.fset(target, value)

    def _cast(self, value):
        cast = CASTS.get(self.member.type)
        if cast is None:
            return attributes.plain(value)
        if cast is tuple and isinstance(value, str):
            value = (value,)
        if cast is str and not isinstance(value, str):
            return self._refuse(value)
        try:
            return cast(attributes.plain(value))
        except (TypeError, ValueError):
            return self._refuse(value)

    def _refuse(self, value):
        kind = type(value).__name__
        raise AttributeError(
            f"Property '{self.member.name}' of type '{self.member.type}' does not accept a {kind} ({value!r})"
        )


def _make(name: str) -> type:
    own, qt_base = manifest.lineage(name)
    parent = own_class(own[1]) if len(own) > 1 else _qt_class(qt_base)
    behaved = _behaviours.get(name)
    inherited = manifest.members(own[1]) if len(own) > 1 else {}
    namespace: dict = {"_slicer_class": name, "__module__": "harness.made", "own": _OwnState()}
    for key, member in manifest.members(name).items():
        if inherited.get(key) != member:
            _declare(name, namespace, parent, member, behaved)
    defaults = {}
    for key, value in vars(behaved).items() if behaved else ():
        if key == "DEFAULTS":
            defaults = value
        elif key.startswith("_") or key in PRIVATE:
            if not key.startswith("__"):
                namespace[key] = value
        else:
            _add_behaviour(namespace, parent, name, key, value)
    if unknown := set(defaults) - {k for k, m in manifest.members(name).items() if m.kind == "property"}:
        raise TypeError(f"harness: default for unknown properties of {name}: {sorted(unknown)}")
    namespace["_defaults"] = {**getattr(parent, "_defaults", {}), **defaults}
    namespace["__init__"] = _constructor(parent, vars(behaved).get("setUp") if behaved else None)
    made = type(parent)(name, (parent,), namespace)
    made.__setattr__ = attributes.set_attribute
    return made


def _declare(name: str, namespace: dict, parent: type, member: manifest.Member, behaved: type | None) -> None:
    """Put one fact of the table into the class."""
    inherited = getattr(parent, member.name, None)
    has_behaviour = inherited is not None and not hasattr(inherited, "stands_for")
    if member.kind == "property":
        value = vars(behaved).get(member.name) if behaved else None
        behaved_property = value if isinstance(value, property) else None
        namespace[member.name] = OwnProperty(member.owner, member, behaved_property)
    elif member.kind == "signal":
        namespace[member.name] = OwnSignal(member)
    elif member.kind == "value":
        namespace[member.name] = member.number
    elif member.kind == "enum":
        if member.values and "::" not in member.name:
            numbers = manifest.ENUM_VALUES.get(member.owner, {})
            values = {value: numbers.get(value, index) for index, value in enumerate(member.values)}
            namespace[member.name] = enum.IntFlag(member.name, values, **KEEP_BITS)
    elif not has_behaviour:
        namespace[member.name] = _property_setter(name, member) or _not_modelled(member)


def _add_behaviour(namespace: dict, parent: type, name: str, key: str, value) -> None:
    member = manifest.members(name).get(key)
    if member is None and not hasattr(parent, key):
        raise TypeError(f"harness: {name}.{key} does not exist in Slicer")
    if isinstance(value, property):
        if member is None or member.kind != "property":
            raise TypeError(f"harness: {name}.{key} is not a property in Slicer")
        namespace[key] = OwnProperty(member.owner, member, value)
    else:
        namespace[key] = _guarded(key, value, parent) if key in VIRTUALS else value


def _guarded(key: str, override, parent: type):
    """PySide6 dies of an exception in an override that C++ calls: record it and do what Qt would."""
    original = getattr(parent, key)

    def method(self, *arguments):
        try:
            return override(self, *arguments)
        except Exception as error:
            slot_errors.record(error)
            return original(self, *arguments)

    return method


def _constructor(parent: type, set_up):
    def __init__(self, *arguments):
        qt_parent = next((value for value in arguments if isinstance(value, QtCore.QObject)), None)
        if hasattr(parent, "_slicer_class"):
            parent.__init__(self, *([qt_parent] if qt_parent is not None else []))
        else:
            state = {"_values": {}, "_signals": {}, "_state": types.SimpleNamespace()}
            self.__dict__.update(state)
            if issubclass(parent, QtCore.QCoreApplication):
                parent.__init__(self, *arguments)
            else:
                parent.__init__(self, *([qt_parent] if qt_parent is not None else []))
        self.__dict__["_values"].update(type(self)._defaults)
        if set_up is not None:
            set_up(self, *(value for value in arguments if value is not qt_parent))

    return __init__


class _OwnState:
    """`self.own`: what the harness keeps on an object."""

    def __get__(self, target, owner=None):
        return self if target is None else target.__dict__["_state"]


def _property_setter(name: str, member: manifest.Member):
    """`setSuffix(text)` of a class with a property `suffix` sets it."""
    key = member.name[3:4].lower() + member.name[4:]
    declared = manifest.members(name).get(key)
    if not member.name.startswith("set") or declared is None or declared.kind != "property":
        return None
    return lambda self, value: setattr(self, key, value)


def _not_modelled(member: manifest.Member):
    def method(self, *arguments, **named):
        signature = member.overloads[0].text
        raise NotModelled(f"{member.owner}.{signature} exists in Slicer but is not modelled by the harness")

    method.__name__ = member.name
    method.stands_for = member
    return method


def _qt_class(name: str) -> type:
    name = OF_VTK.get(name, name)
    for module in (QtWidgets, QtCore, QtGui):
        if hasattr(module, name):
            return getattr(module, name)
    raise AttributeError(f"no Qt class {name}")
