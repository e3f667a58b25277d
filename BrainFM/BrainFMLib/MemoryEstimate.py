"""How much memory a run will take beside what is free: asked of the engine, which needs only the scan's header."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from BrainFMLib.EngineProcess import EngineProcess, Outcome
from BrainFMLib.InputExport import exportSteps
from BrainFMLib.PredictionRequest import PredictionRequest

EVENT = "estimate"
_WAIT_MS = 700
_FRESH_S = 60.0
_GB = 1e9


@dataclass(frozen=True)
class Estimate:
    """What a run will take.

    Attributes:
        needed, free: bytes of the memory that is scarcest for it.
        device: where it will run.
        inParts: whether the scan is worked on in overlapping windows, which takes longer.
        fits: whether it is expected to work.
    """

    needed: int
    free: int
    device: str
    inParts: bool
    fits: bool

    def sentence(self, deviceTitle: str = "") -> str:
        """Return it in words; `deviceTitle` is what users call the device."""
        title = _("the processor") if self.device == "cpu" else deviceTitle or self.device
        text = _("Runs on {device}, needs about {needed:.1f} GB of memory; {free:.1f} GB are free.")
        text = text.format(needed=self.needed / _GB, free=self.free / _GB, device=title)
        if not self.fits:
            text += " " + _("That may be too little: close other programs, or tick fewer things.")
        elif self.inParts:
            text += " " + _("The scan is worked on in parts, which takes longer.")
        return text


class MemoryEstimate:
    """Asks for one estimate at a time, a moment after the last change; what is known is remembered for a minute.

    Attributes:
        onEstimate: called with an Estimate, or None where there is none.
    """

    def __init__(self) -> None:
        self.onEstimate: Callable[[Estimate | None], None] = lambda estimate: None
        self.makeEngine: Callable[[], EngineProcess] = lambda: EngineProcess(finalEvent=EVENT)
        self._known: dict[tuple, tuple[float, Estimate]] = {}
        self._wanted: tuple[tuple, Any, PredictionRequest] | None = None
        self._asked: tuple | None = None
        self._found: Estimate | None = None
        self._engine: EngineProcess | None = None
        self._folder: Path | None = None
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.interval = _WAIT_MS
        self._timer.timeout.connect(self._ask)

    def want(self, volumeNode: Any | None, request: PredictionRequest) -> None:
        """Ask for what running `request` on this scan takes."""
        image = volumeNode.GetImageData() if volumeNode is not None else None
        if image is None or not request.tasks():
            self.stop()
            self.onEstimate(None)
            return
        key = (
            *(image.GetDimensions(), volumeNode.GetSpacing(), tuple(request.tasks())),
            *(request.model, request.device, request.grid, request.flip),
        )
        told, estimate = self._known.get(key, (-_FRESH_S, None))
        if estimate is not None:
            self.onEstimate(estimate)
        if time.monotonic() - told < _FRESH_S:
            self.stop()
        elif key != self._asked:
            self.stop()
            self._wanted = (key, volumeNode.GetID(), request)
            self._timer.start()

    def stop(self) -> None:
        """Forget what was asked."""
        self._timer.stop()
        self._wanted = self._asked = None
        if self._engine is not None:
            self._engine.discard()
        self._tidy()

    def _ask(self) -> None:
        if self._wanted is None:
            return
        key, nodeID, request = self._wanted
        volumeNode = slicer.mrmlScene.GetNodeByID(nodeID)
        if volumeNode is None:
            return
        self._asked, self._wanted, self._found = key, None, None
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="BrainFM-", dir=slicer.app.temporaryPath))
            steps = exportSteps(volumeNode, self._folder)
            next(steps)  # the header and a little more
            steps.close()
        except Exception:  # the run itself will explain what is wrong with this scan
            self._finish(None)
            return
        self._engine = self.makeEngine()
        self._engine.onEvent, self._engine.onFinished = self._onEvent, self._onFinished
        path = next(self._folder.iterdir())
        arguments = replace(request, folder=self._folder).arguments([path], self._folder / "out")
        self._engine.start([*arguments, "--estimate"])

    def _onEvent(self, event: dict[str, Any]) -> None:
        if event.get("event") != EVENT:
            return
        needed, free = int(event.get("memory_bytes") or 0), int(event.get("free_bytes") or 0)
        fits = bool(event.get("fits", needed <= free))
        self._found = Estimate(needed, free, str(event.get("device")), event.get("plan") == "windows", fits)

    def _onFinished(self, _outcome: Outcome) -> None:
        self._finish(self._found)

    def _finish(self, estimate: Estimate | None) -> None:
        if self._asked is not None and estimate is not None:
            self._known[self._asked] = (time.monotonic(), estimate)
        self._asked = None
        self._tidy()
        self.onEstimate(estimate)

    def _tidy(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
