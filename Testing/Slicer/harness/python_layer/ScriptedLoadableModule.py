"""Stand-in of slicer.ScriptedLoadableModule: the four classes that every scripted module derives from."""

from __future__ import annotations

import logging
import unittest
from pathlib import Path

import qt
import slicer

__all__ = [
    "ScriptedLoadableModule",
    "ScriptedLoadableModuleWidget",
    "ScriptedLoadableModuleLogic",
    "ScriptedLoadableModuleTest",
]


class ScriptedLoadableModule:
    """Describes the module; `parent` is the C++ module object."""

    def __init__(self, parent):
        self.parent = parent
        self.moduleName = type(self).__name__
        parent.title = ""
        parent.categories = []
        parent.dependencies = []
        parent.contributors = []
        parent.helpText = ""
        parent.acknowledgementText = ""
        icon = Path(self.resourcePath(f"Icons/{self.moduleName}.png"))
        if icon.is_file():
            parent.icon = qt.QIcon(str(icon))

    def resourcePath(self, filename):
        return _resource(self.moduleName, filename)

    def getDefaultModuleDocumentationLink(self, docPage=None):
        return f'<p>For more information see the <a href="{self.parent.helpText}">online documentation</a>.</p>'

    def runTest(self, msec=100, **kwargs):
        module = __import__(self.moduleName)
        test = getattr(module, f"{self.moduleName}Test")()
        test.messageDelay = msec
        test.runTest(**kwargs)


class ScriptedLoadableModuleWidget:
    """The panel of the module; `parent` is the C++ widget that holds it."""

    def __init__(self, parent=None):
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.developerMode = slicer.util.settingsValue("Developer/DeveloperMode", False, converter=slicer.util.toBool)
        if parent is None:
            self.parent = qt.QWidget()
            self.parent.setLayout(qt.QVBoxLayout())
        else:
            self.parent = parent
        self.layout = self.parent.layout()
        slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename):
        return _resource(self.moduleName, filename)

    def setup(self):
        """Make the panel; derived classes call this first."""

    def enter(self):
        """Called when the user opens the module."""

    def exit(self):
        """Called when the user goes to another module."""

    def cleanup(self):
        """Called before the module is unloaded or reloaded."""

    def _onModuleAboutToBeUnloaded(self, moduleName):
        if moduleName == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

    def onReload(self):
        logging.debug("Reloading scripted module %s", self.moduleName)
        slicer.util.reloadScriptedModule(self.moduleName)

    def onReloadAndTest(self, **kwargs):
        self.onReload()
        slicer.selfTests[self.moduleName]()


class ScriptedLoadableModuleLogic:
    """Computation without a widget; its state is in the parameter node."""

    def __init__(self, parent=None):
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Logic")
        self.isSingletonParameterNode = True

    def getParameterNode(self):
        """The first parameter node of this module, made when there is none."""
        if self.isSingletonParameterNode:
            node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
            if node is not None:
                node.SetAttribute("ModuleName", self.moduleName)  # closing the scene may have removed it
                return node
        elif nodes := self.getAllParameterNodes():
            return nodes[0]
        return slicer.mrmlScene.AddNode(self.createParameterNode())

    def getAllParameterNodes(self):
        nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode")
        return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

    def createParameterNode(self):
        node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
        node.UnRegister(None)
        if self.isSingletonParameterNode:
            node.SetSingletonTag(self.moduleName)
        node.SetAttribute("ModuleName", self.moduleName)
        node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """Self-test of a module; Slicer makes it with no method name and calls runTest."""

    messageDelay = 0

    def delayDisplay(self, message, requestedDelay=None, msec=None):
        logging.info(message)

    def takeScreenshot(self, name, description, type=-1):
        logging.info("%s: %s", name, description)

    def setUp(self):
        slicer.mrmlScene.Clear(0)

    def runTest(self):
        """Derived classes call their tests here."""


def _resource(module_name, filename):
    folder = Path(slicer.util.modulePath(module_name)).parent
    return str(folder / "Resources" / filename)
