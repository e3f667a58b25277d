"""qMRMLWidget and its like: widgets that only know their scene."""

from __future__ import annotations

from harness.facade import behaviour


@behaviour
class qMRMLWidget:
    def setUp(self, *ignored):
        self.own.scene = None

    def mrmlScene(self):
        return self.own.scene

    def setMRMLScene(self, scene):
        if scene is not self.own.scene:
            self.own.scene = scene
            self.mrmlSceneChanged.emit(scene)


@behaviour
class qSlicerWidget:
    def setUp(self, *ignored):
        self.own.scene = None

    def setMRMLScene(self, scene):
        if scene is not self.own.scene:
            self.own.scene = scene
            self.mrmlSceneChanged.emit(scene)
