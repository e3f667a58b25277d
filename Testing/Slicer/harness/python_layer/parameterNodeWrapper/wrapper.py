"""The class decorator: each annotated name becomes a typed property of the node."""

from __future__ import annotations

import typing

import qt
import slicer
import vtk

from . import connectors
from .parameters import Parameter

SlicerParameterNamePropertyName = "SlicerParameterName"


def parameterNodeWrapper(classtype=None):
    """Decorate a class whose annotations are the parameters of a module."""
    return _wrapped if classtype is None else _wrapped(classtype)


def isParameterNodeWrapper(candidate) -> bool:
    """Whether a class or an object was made by the decorator."""
    return getattr(candidate, "_is_parameter_node_wrapper", False)


def findChildWidgetForParameter(widget, parameter: str):
    """The widget whose property SlicerParameterName is this name."""
    children = widget.findChildren(qt.QWidget)
    return next((child for child in children if child.property(SlicerParameterNamePropertyName) == parameter), None)


def _wrapped(cls):
    hints = typing.get_type_hints(cls, include_extras=True)
    parameters = {name: Parameter(name, hint, getattr(cls, name, None)) for name, hint in hints.items()}
    reserved = [name for name in parameters if hasattr(_Wrapper, name)]
    if reserved:
        raise ValueError(f"Cannot use reserved names {reserved} in a parameterNodeWrapper")
    for name in parameters:
        setattr(cls, name, property(_getter(name), _setter(name)))
    for name, value in vars(_Wrapper).items():
        if not name.startswith("__") or name == "__init__":
            setattr(cls, name, value)
    cls.allParameters = parameters
    return cls


def _getter(name):
    return lambda self: self.getValue(name)


def _setter(name):
    return lambda self, value: self.setValue(name, value)


class _Wrapper:
    """Members that every wrapped class gets."""

    _is_parameter_node_wrapper = True

    def __init__(self, parameterNode, prefix=None):
        self.parameterNode = parameterNode
        self._gui, self._next, self._writing = {}, 0, False
        for parameter in self.allParameters.values():
            if not parameter.is_set(parameterNode) and parameter.default is not None:
                parameter.write(parameterNode, parameter.default)

    def default(self, name):
        return self.allParameters[name].default

    def dataType(self, name):
        return self.allParameters[name].declared

    def isCached(self, name):
        return False

    def getValue(self, name):
        parameter = self.allParameters[name]
        if not parameter.is_set(self.parameterNode):
            return parameter.default
        return parameter.read(self.parameterNode)

    def setValue(self, name, value):
        self.allParameters[name].write(self.parameterNode, value)

    def connectGui(self, gui):
        """Bind every widget that names a parameter; `gui` is a widget or an object with widgets as attributes."""
        isWidget = getattr(gui, "isWidgetType", lambda: False)()
        widgets = gui.findChildren(qt.QWidget) if isWidget else list(vars(gui).values())
        names = ((widget.property(SlicerParameterNamePropertyName), widget) for widget in widgets)
        return self.connectParametersToGui({name: widget for name, widget in names if name})

    def connectParametersToGui(self, mapping):
        unknown = [name for name in mapping if name not in self.allParameters]
        if unknown:
            raise ValueError(f"Cannot find a param with the given name: {unknown}")
        made = {name: connectors.create(widget, self.allParameters[name]) for name, widget in mapping.items()}
        for name, connector in made.items():
            connector.write(self.getValue(name))
            connector.onChanged(self._reader(name, connector))
        self._next += 1
        observer = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._show())
        self._gui[self._next] = made, observer
        return self._next

    def disconnectGui(self, tag):
        made, observer = self._gui.pop(tag, ({}, None))
        for connector in made.values():
            connector.onChanged(None)
        if observer is not None:
            self.RemoveObserver(observer)

    def _reader(self, name, connector):
        def changed():
            with slicer.util.NodeModify(self):
                if not self._writing:
                    self.setValue(name, connector.read())

        return changed

    def _show(self):
        if self._writing:
            return
        self._writing = True
        try:
            with slicer.util.NodeModify(self):
                for made, _observer in self._gui.values():
                    for name, connector in made.items():
                        connector.write(self.getValue(name))
        finally:
            self._writing = False

    def StartModify(self):
        return self.parameterNode.StartModify()

    def EndModify(self, wasModified):
        return self.parameterNode.EndModify(wasModified)

    def AddObserver(self, event, callback, priority=0.0):
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag):
        return self.parameterNode.RemoveObserver(tag)

    def Modified(self):
        return self.parameterNode.Modified()
