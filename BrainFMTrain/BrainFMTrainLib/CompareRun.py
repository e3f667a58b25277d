"""One comparison in a child process, with a temporary folder for what it leaves."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from BrainFMEngine.errors import BrainFMError
from BrainFMLib.EngineProcess import EngineProcess, Outcome
from BrainFMLib.Progress import stageTitle
from slicer.i18n import tr as _

from BrainFMTrainLib.CompareRequest import CompareRequest
from BrainFMTrainLib.CompareResult import CompareResult, readResult


class CompareRun:
    """Runs one comparison at a time.

    Attributes:
        makeEngine: makes the child process.
        onProgress: called with a stage for people and the fraction done.
        onDone: called with the CompareResult; its files are there until the next `start` or `discard`.
        onEnded: called instead with message, hint and details; the message is "" if the user cancelled.
    """

    def __init__(self) -> None:
        self.makeEngine: Callable[[], EngineProcess] = EngineProcess
        self.onProgress: Callable[[str, float], None] = lambda text, fraction: None
        self.onDone: Callable[[CompareResult], None] = lambda result: None
        self.onEnded: Callable[[str, str, str], None] = lambda message, hint, details: None
        self._engine: EngineProcess | None = None
        self._request: CompareRequest | None = None
        self._folder: Path | None = None

    @property
    def running(self) -> bool:
        """Whether one is being made."""
        return self._engine is not None

    def start(self, request: CompareRequest) -> None:
        """Begin; what an earlier one left is removed."""
        self.discard()
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="BrainFMTrain-", dir=slicer.app.temporaryPath))
        except OSError as error:
            reason = _("The temporary folder cannot be used: {reason}").format(reason=error.strerror or error)
            self.onEnded(reason, _("Choose another one in Edit / Application Settings / Modules."), "")
            return
        self._request, self._engine = request, self.makeEngine()
        self._engine.onEvent, self._engine.onFinished = self._onEvent, self._onFinished
        self._engine.start(request.arguments(self._folder / "out"))

    def cancel(self) -> None:
        """End it; nothing is left of it."""
        if self._engine is not None:
            self._engine.cancel()

    def discard(self) -> None:
        """End it at once and silently, and remove the files."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.discard()
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _onEvent(self, event: dict[str, Any]) -> None:
        if event["event"] == "progress":
            stage, fraction = str(event.get("stage") or ""), float(event.get("fraction") or 0.0)
            self.onProgress(_stageOf(stage, fraction), fraction)

    def _onFinished(self, outcome: Outcome) -> None:
        self._engine, request, folder = None, self._request, self._folder
        assert request is not None and folder is not None
        if outcome.state != "done":
            self.discard()
            self.onEnded("" if outcome.state == "cancelled" else outcome.message, outcome.hint, outcome.details)
            return
        try:
            result = readResult(folder / "out", request.titles)
        except BrainFMError as error:
            self.discard()
            self.onEnded(error.message, error.hint, outcome.details)
            return
        self.onDone(result)


_HALF = 0.5


def _stageOf(stage: str, fraction: float) -> str:
    own = {"reading the subject": _("Reading the subject and the models"), "writing": _("Writing the results")}
    if stage in own or stage == "done":
        return own.get(stage) or _("Done")
    which = _("first model") if fraction < _HALF else _("second model")
    return _("{which}: {stage}").format(which=which.capitalize(), stage=stageTitle(stage))
