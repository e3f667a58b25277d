"""`slicer.app`: qSlicerApplication with the managers that modules ask it for."""

from __future__ import annotations

import os
import sys

import slicer
from PySide6 import QtCore

from harness import manifest
from harness.facade import behaviour, own_class

VERSIONS = {"5.10.0": (5, 10), "5.12.3": (5, 12), "main": (5, 13)}


@behaviour
class qSlicerCoreApplication:
    DEFAULTS = {"platform": "linux-amd64", "arch": "amd64", "os": sys.platform, "revision": "0", "isInstalled": True}
    DEFAULTS |= {"repositoryRevision": "0", "releaseType": "Stable", "mainApplicationName": "Slicer"}
    DEFAULTS |= {"applicationLocaleName": "en_US", "intDir": ".", "isCustomMainApplication": False}

    def setUp(self, *ignored):
        self.own.testing, self.own.status = True, []

    def _bind(self, mrml):
        own = self.own
        own.mrml = mrml
        self._values.update(temporaryPath=str(mrml.folder), slicerHome=str(mrml.folder))
        self._values.update(extensionsInstallPath=str(mrml.folder / "Extensions"), cachePath=str(mrml.folder / "cache"))
        self._values.update(slicerSharePath="share/Slicer-5.13", startupWorkingPath=os.getcwd())
        major, minor = VERSIONS[manifest.VERSION]
        self._values.update(majorVersion=major, minorVersion=minor)
        own.modules = own_class("qSlicerModuleManager")()
        own.io = own_class("qSlicerIOManager")()
        own.io._bind(mrml.application_logic, mrml.logics)
        own.settings = QtCore.QSettings(self)

    def mrmlScene(self):
        return slicer.mrmlScene

    def applicationLogic(self):
        return self.own.mrml.application_logic

    def moduleLogic(self, name):
        return self.own.mrml.logics.get(name)

    def moduleManager(self):
        return self.own.modules

    def coreIOManager(self):
        return self.own.io

    def settings(self):
        return self.own.settings

    def userSettings(self):
        return self.own.settings

    def revisionUserSettings(self):
        return self.own.settings

    def testingEnabled(self):
        return self.own.testing

    def startupEnvironment(self):
        return QtCore.QProcessEnvironment.systemEnvironment()

    def environment(self):
        return QtCore.QProcessEnvironment.systemEnvironment()

    def toSlicerHomeAbsolutePath(self, path):
        return os.path.join(self.slicerHome, path)

    def pauseRender(self):
        return None

    def resumeRender(self):
        return None

    def setRenderPaused(self, paused):
        return None

    def logUsageEvent(self, component, event):
        return None


@behaviour
class qSlicerApplication:
    def _bind_layout(self, manager):
        self.own.layout = manager

    def layoutManager(self):
        return self.own.layout

    def ioManager(self):
        return self.own.io

    def pauseRender(self):
        return None

    def resumeRender(self):
        return None

    def setRenderPaused(self, paused):
        return None


def start_settings(folder) -> None:
    """QSettings in an .ini file of this run."""
    QtCore.QSettings.setDefaultFormat(QtCore.QSettings.Format.IniFormat)
    QtCore.QSettings.setPath(QtCore.QSettings.Format.IniFormat, QtCore.QSettings.Scope.UserScope, str(folder))
    QtCore.QCoreApplication.setOrganizationName("brainfm-tests")
    QtCore.QCoreApplication.setApplicationName("Slicer")
