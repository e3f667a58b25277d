"""Modules: those of the application, of which only the logic is here, and scripted ones loaded from their file."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import slicer
from PySide6 import QtGui, QtWidgets

from harness.facade import behaviour, own_class


@behaviour
class qSlicerAbstractCoreModule:
    DEFAULTS = {"title": "", "categories": (), "dependencies": (), "contributors": (), "helpText": "", "index": -1}
    DEFAULTS |= {"acknowledgementText": "", "hidden": False, "associatedNodeTypes": (), "isInstalled": True}
    DEFAULTS |= {"isBuiltIn": False, "widgetRepresentationCreationEnabled": True, "slicerWikiUrl": ""}

    def setUp(self, *ignored):
        self.own.logic, self.own.widget, self.own.python, self.own.file = None, None, None, ""

    def _bind(self, name, path="", logic=None):
        self._values.update(name=name, path=str(path), title=name)
        self.own.logic = logic

    def logic(self):
        return self.own.logic

    def mrmlScene(self):
        return slicer.mrmlScene


@behaviour
class qSlicerAbstractModule:
    DEFAULTS = {"icon": QtGui.QIcon()}

    def widgetRepresentation(self):
        if self.own.widget is None and self.own.python is not None:
            self.own.widget = _make_widget(self)
        return self.own.widget


@behaviour
class qSlicerScriptedLoadableModule:
    DEFAULTS = {"icon": QtGui.QIcon(), "index": -1, "title": "", "hidden": False, "extensions": {}}


@behaviour
class qSlicerAbstractModuleWidget:
    DEFAULTS = {"isEntered": False}

    def setUp(self, *ignored):
        self.own.module, self.own.python = None, None

    def module(self):
        return self.own.module

    def enter(self):
        self._values["isEntered"] = True
        if self.own.python is not None:
            self.own.python.enter()

    def exit(self):
        self._values["isEntered"] = False
        if self.own.python is not None:
            self.own.python.exit()


@behaviour
class qSlicerScriptedLoadableModuleWidget:
    def self(self):
        return self.own.python

    def reload(self):
        """Make the Python widget anew from what is imported by now; the module stays entered, `enter` isn't called."""
        self.own.module.own.python = sys.modules[self.own.module.name]
        _make_python(self)


@behaviour
class qSlicerModuleManager:
    def setUp(self, *ignored):
        self.own.modules = {}

    def _add(self, module):
        self.own.modules[module.name] = module
        setattr(slicer.modules, module.name.lower(), module)
        setattr(slicer.moduleNames, module.name, module.name)
        self.moduleLoaded.emit(module.name)

    def _unload(self, module):
        """Throw the widget and the Python of a scripted module away."""
        self.moduleAboutToBeUnloaded.emit(module.name)
        self.own.modules.pop(module.name, None)
        for name in (module.name.lower(), f"{module.name}Widget", f"{module.name}Instance"):
            slicer.modules.__dict__.pop(name, None)
        if module.own.widget is not None:
            module.own.widget.deleteLater()

    def module(self, name):
        return self.own.modules.get(name)

    def modulesNames(self):
        return list(self.own.modules)


def add_logic_module(name: str, logic) -> None:
    """A module of the application of which only the logic is modelled."""
    module = own_class("qSlicerLoadableModule")()
    module._bind(name, logic=logic)
    slicer.app.moduleManager()._add(module)


def load(path: Path):
    """Load a scripted module from its file, as Slicer's factory does."""
    name = path.stem
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    python = importlib.util.module_from_spec(spec)
    sys.modules[name] = python
    spec.loader.exec_module(python)
    module = own_class("qSlicerScriptedLoadableModule")()
    module._bind(name, path)
    slicer.app.moduleManager()._add(module)
    setattr(slicer.modules, f"{name}Instance", getattr(python, name)(module))
    module.own.python = python
    return module


def _make_widget(module):
    """The C++ widget and, in it, the Python one, set up."""
    widget = own_class("qSlicerScriptedLoadableModuleWidget")()
    widget.own.module = module
    widget._values["moduleName"] = module.name
    widget.objectName = f"{module.name}ModuleWidget"
    widget.setLayout(QtWidgets.QVBoxLayout())
    widget.setMRMLScene(slicer.mrmlScene)
    _make_python(widget)
    return widget


def _make_python(widget) -> None:
    module = widget.own.module
    widget.own.python = getattr(module.own.python, f"{module.name}Widget")(widget)
    setattr(slicer.modules, f"{module.name}Widget", widget.own.python)
    widget.own.python.setup()
