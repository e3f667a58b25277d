"""A module's panel as Slicer sees it: loads the form, brings it to life, and passes on what Slicer tells it."""

from __future__ import annotations

import sys
from typing import Any

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleWidget


class FormWidget(ScriptedLoadableModuleWidget):
    """Base of a module's widget class, which Slicer finds by its name: that of the module with "Widget".

    Attributes:
        PACKAGE: what is read anew with the module.
        KEPT: modules of it that stay, since something goes on in them.
        ui: the form's widgets by name.
        module: what does the work, None before `setup` and after `cleanup`.
    """

    PACKAGE = ""
    KEPT: tuple[str, ...] = ()

    def __init__(self, parent: Any = None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        self.module: Any = None

    def makeModule(self, ui: Any) -> Any:
        """Return what does the work; it has `enter`, `exit` and `cleanup`."""
        raise NotImplementedError

    def setup(self) -> None:
        """Load the form and bring it to life."""
        ScriptedLoadableModuleWidget.setup(self)
        form = slicer.util.loadUI(self.resourcePath(f"UI/{self.moduleName}.ui"))
        self.layout.addWidget(form)
        form.setMRMLScene(slicer.mrmlScene)
        self.ui = slicer.util.childWidgetVariables(form)
        self.module = self.makeModule(self.ui)
        if self.parent.isEntered:  # after a reload
            self.enter()

    def enter(self) -> None:
        """Go on where the user left."""
        if self.module is not None:
            self.module.enter()

    def exit(self) -> None:
        """Give the user's layout back; what was started goes on."""
        if self.module is not None:
            self.module.exit()

    def cleanup(self) -> None:
        """End what must not outlive the panel."""
        if self.module is not None:
            self.module.cleanup()
            self.module = None

    def onReload(self) -> None:
        """End what goes on, and read the package anew, too, for developers."""
        self.cleanup()
        for name in [name for name in sys.modules if name.split(".")[0] == self.PACKAGE]:
            if name not in self.KEPT:
                del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)
