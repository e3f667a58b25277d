"""When another scene is there: what was saved with it is taken over, once it has come to rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.util import VTKObservationMixin

SETTLE_MS = 200


class SceneMemory(VTKObservationMixin):
    """Watches the scene for being closed and read.

    Args:
        onScene: called when another scene is there, and nothing is being read any more.

    Attributes:
        changing: whether the scene is being closed or read, or was just now: widgets answer to half of it then.
    """

    def __init__(self, onScene: Callable[[], None]):
        VTKObservationMixin.__init__(self)
        self._onScene = onScene
        self._settle = qt.QTimer()
        self._settle.setSingleShot(True)
        self._settle.interval = SETTLE_MS
        self._settle.timeout.connect(self._onSettled)
        self.changing = False
        events = slicer.vtkMRMLScene
        for event in (events.StartCloseEvent, events.StartImportEvent, events.EndCloseEvent, events.EndImportEvent):
            self.addObserver(slicer.mrmlScene, event, self._onEvent)

    def stop(self) -> None:
        """Watch no longer."""
        self._settle.stop()
        self.removeObservers()

    def _onEvent(self, _caller: Any, _event: Any) -> None:
        self.changing = True
        self._settle.start()

    def _onSettled(self) -> None:
        if slicer.mrmlScene.IsBatchProcessing():
            self._settle.start()
            return
        self.changing = False
        self._onScene()
