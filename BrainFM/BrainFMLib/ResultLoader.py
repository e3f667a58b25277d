"""Results on disk back into the scene, with the scan that they belong to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from BrainFMLib.Results import importSteps
from BrainFMLib.StepRunner import StepRunner


class ResultLoader:
    """Loads one result folder at a time.

    Attributes:
        onLoaded: called with the ResultSet.
        onProblem: called with a message and a hint.
    """

    def __init__(self) -> None:
        self.onLoaded: Callable[[Any], None] = lambda resultSet: None
        self.onProblem: Callable[[str, str], None] = lambda message, hint: None
        self._runner: StepRunner | None = None

    def load(self, scanPath: Path, folder: Path, surfaces: bool = True) -> None:
        """Load a scan and the results that lie in `folder`; does nothing while another one is being loaded."""
        if self._runner is not None and self._runner.running:
            return
        volume = slicer.util.loadVolume(str(scanPath))
        steps = importSteps(folder, folder.name, volume, volume.GetName(), slicer.mrmlScene, "update", surfaces)
        self._runner = StepRunner(steps, lambda step: None, lambda resultSet: self.onLoaded(resultSet), self._failed)

    def stop(self) -> None:
        """End what goes on."""
        if self._runner is not None:
            self._runner.stop()

    def _failed(self, error: Exception) -> None:
        reason = getattr(error, "message", "") or str(error)
        self.onProblem(_("The results cannot be loaded: {reason}").format(reason=reason), getattr(error, "hint", ""))
