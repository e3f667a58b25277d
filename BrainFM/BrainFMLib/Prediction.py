"""One run from the scene to the results in the scene: export, the engine in its own process, import.

Everything is driven by timers and signals on the GUI thread in short steps; nothing here blocks. A scan of several is
imported as soon as the engine is through with it, so what is finished stays when the rest is cancelled.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from BrainFMLib import Progress
from BrainFMLib.EngineProcess import EngineProcess, Outcome
from BrainFMLib.ImportQueue import ImportQueue
from BrainFMLib.PredictionOutcome import CANCELLED, DONE, PredictionOutcome, ScanOutcome, summarise
from BrainFMLib.PredictionRequest import PredictionRequest
from BrainFMLib.RunFolder import RunFolder
from BrainFMLib.StepRunner import StepRunner

_FINAL = ("done", "partly", "failed", "cancelled", "discarded")


class Prediction:
    """One run.

    Attributes:
        state: "idle", "exporting", "running", "importing", "cancelling", then "done", "partly", "failed" or
            "cancelled"; "discarded" after `discard`.
        scans: a ScanOutcome for each source.
        outcome: set at the end.
        onProgress: called with a stage for people, the fraction done (0..1) and the seconds left (None: unknown).
        onLog: called with each line of the log.
        onScan: called with each ScanOutcome when its state changes.
        onFinished: called once with the PredictionOutcome, never from within `start` or `cancel`.
        onDiscarded: called instead of `onFinished` by `discard`.
    """

    def __init__(self, request: PredictionRequest, engine: EngineProcess | None = None):
        self.request = request
        self.state = "idle"
        self.scans = [ScanOutcome(source.name) for source in request.sources]
        self.outcome: PredictionOutcome | None = None
        self.onProgress: Callable[[str, float, float | None], None] = lambda stage, fraction, seconds: None
        self.onLog: Callable[[str], None] = lambda line: None
        self.onScan: Callable[[ScanOutcome], None] = lambda scan: None
        self.onFinished: Callable[[PredictionOutcome], None] = lambda outcome: None
        self.onDiscarded: Callable[[], None] = lambda: None
        self._engine = engine or EngineProcess()
        self._engine.onEvent, self._engine.onFinished = self._onEvent, self._onEngineFinished
        self._engine.onLog = lambda line: self.onLog(line)
        self._imports = ImportQueue(request.mode, request.surfaces)
        self._imports.onStart, self._imports.onStep = self._onImportStart, self._onImportStep
        self._imports.onDone, self._imports.onFailed = self._onImportDone, self._onImportFailed
        self._export: StepRunner | None = None
        self._folder: RunFolder | None = None
        self._paths: dict[str, int] = {}
        self._reports: dict[int, Path] = {}
        self._engineOutcome: Outcome | None = None
        self._reason = ("", "")
        self._observer: int | None = None
        self._timeLeft = Progress.TimeLeft()
        self._shown = ("", 0.0)

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self.state != "idle" and self.state not in _FINAL

    def start(self) -> None:
        """Begin; returns at once."""
        if self.state != "idle":
            return
        self.state = "exporting"
        self._timeLeft = Progress.TimeLeft()
        self._observer = slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.StartCloseEvent, self._onSceneClose)
        try:
            self._folder = RunFolder(self.request.bytesNeeded())
        except OSError as error:
            reason = _("The temporary folder cannot be used: {reason}").format(reason=error.strerror or error)
            self._failAll(reason, _("Choose another one in Edit / Application Settings / Modules."))
            return
        self._export = StepRunner(self._exportSteps(), self._onExported, self._onExportDone, self._onExportFailed)

    def cancel(self, message: str = "", hint: str = "") -> None:
        """Stop; the engine's processes end within two seconds, and what is not finished leaves no trace."""
        if not self.running or self.state == "cancelling":
            return
        self.state, self._reason = "cancelling", (message, hint)
        self._stopSteps()
        for scan in self.scans:
            if not scan.settled:
                self._setState(scan, CANCELLED)
        if self._engine.running:
            self._show(_("Stopping"), self._shown[1])
            self._engine.cancel()
        else:
            qt.QTimer.singleShot(0, self._finish)

    def discard(self) -> None:
        """Stop at once: the module or Slicer is going away."""
        if not self.running:
            return
        self.state = "discarded"
        self._release()
        if self._folder is not None:
            self._folder.remove()
        self.onDiscarded()

    def elapse(self) -> None:
        """Tell the progress again with the time that is left by now; for a clock that ticks."""
        if self.running:
            self.onProgress(*self._shown, self._timeLeft.seconds())

    # Export

    def _exportSteps(self) -> Iterator[float]:
        count = len(self.scans)
        for index, source in enumerate(self.request.sources):
            try:
                steps = source.exportSteps(self._folder.placeFor(index))
                path = yield from _scaled(steps, index / count)
                self._paths[str(self._folder.plainName(path, index))] = index
            except Exception as error:  # one scan that cannot be used does not stop the others
                logging.warning("BrainFM: %s cannot be exported: %s", source.name, error)
                self._fail(index, str(error) or type(error).__name__)
            yield (index + 1) / count

    def _onExported(self, done: float) -> None:
        self._show(_("Preparing the scan"), Progress.exportFraction(done))

    def _onExportFailed(self, error: Exception) -> None:
        self._failAll(_("The scan cannot be written to the temporary folder: {reason}").format(reason=error))

    def _onExportDone(self, _value: Any) -> None:
        if not self._paths:
            self._finish()
            return
        self.state = "running"
        self._show(_("Starting the engine"), Progress.exportFraction(1.0))
        target = self.request.folder or self._folder.results
        self._engine.start(self.request.arguments([Path(path) for path in self._paths], target))

    # The engine

    def _onEvent(self, event: dict[str, Any]) -> None:
        index = self._paths.get(str(event.get("input")))
        if self.state != "running" or index is None:
            return
        kind, message = event.get("event"), str(event.get("message") or "")
        if kind == "progress":
            self._onEngineProgress(index, str(event.get("stage")), float(event.get("fraction") or 0.0))
        elif kind == "warning":
            self.scans[index].warnings.append(message)
        elif kind == "output" and event.get("kind") == "report":
            self._reports[index] = Path(str(event.get("path")))  # the last file of a scan: it is complete
            self._collect(index)
        elif kind == "error":
            self._fail(index, message, str(event.get("hint") or ""))

    def _onEngineProgress(self, index: int, stage: str, fraction: float) -> None:
        title, count = Progress.stageTitle(stage), len(self.scans)
        if count > 1:
            title = _("Scan {n} of {count}: {stage}").format(n=index + 1, count=count, stage=title)
        if self.scans[index].state == "waiting":
            self._setState(self.scans[index], "running")
        order = list(self._paths.values()).index(index)
        self._show(title, Progress.engineFraction(order, len(self._paths), fraction))

    def _onEngineFinished(self, outcome: Outcome) -> None:
        self._engineOutcome = outcome
        if self.state == "cancelling":
            self._finish()
            return
        self.state = "importing"
        self._reason = (outcome.message, outcome.hint)
        codes = {str(result.get("input")): result.get("code") for result in outcome.results}
        for path, index in self._paths.items():
            if codes.get(path) == 0:
                self._collect(index)
            elif not self.scans[index].settled and not self._imports.holds(index):
                self._fail(index, outcome.message or _("The engine gave no result for this scan"), outcome.hint)
        self._finishIfThrough()

    # Results

    def _collect(self, index: int) -> None:
        """Take the results of a scan that the engine is through with; a second call does nothing."""
        scan, report = self.scans[index], self._reports.get(index)
        if scan.settled or self._imports.holds(index):
            return
        if report is None or not report.is_file():
            self._fail(index, _("The engine said it was done, but wrote no results"), _("Look into the log."))
        elif self.request.folder is not None:
            scan.file, scan.folder = self._fileOf(index), report.parent
            self._setState(scan, DONE)
        else:
            self._imports.add(index, self.request.sources[index], report.parent)

    def _fileOf(self, index: int) -> Path:
        return Path(next(path for path, known in self._paths.items() if known == index))

    def _onImportStart(self, index: int) -> None:
        self._setState(self.scans[index], "importing")

    def _onImportStep(self, _label: str, fraction: float) -> None:
        if self.state == "importing":
            self._show(_("Bringing the results into Slicer"), Progress.importFraction(fraction))

    def _onImportDone(self, index: int, resultSet: Any) -> None:
        self.scans[index].resultSet = resultSet
        self._setState(self.scans[index], DONE)
        self._finishIfThrough(index)

    def _onImportFailed(self, index: int, error: Exception) -> None:
        logging.error("BrainFM: results cannot be imported", exc_info=error)
        reason = getattr(error, "message", "") or str(error) or type(error).__name__
        message = _("The results cannot be loaded: {reason}").format(reason=reason)
        self._fail(index, message, getattr(error, "hint", ""))
        self._finishIfThrough(index)

    # The end

    def _finishIfThrough(self, _index: int | None = None) -> None:
        if self._engineOutcome is not None and not self._imports.busy:
            self._finish()

    def _finish(self) -> None:
        if not self.running:
            return
        crashed = self._engineOutcome is not None and self._engineOutcome.state == "crashed"
        state, message, hint = summarise(self.scans, self._reason)
        log = self._engineOutcome.log if self._engineOutcome is not None else ""
        kept = self._folder.path if crashed and self._folder is not None else None
        self.outcome = PredictionOutcome(state, message, hint, tuple(self.scans), log, kept)
        self.state = state
        self._release()
        if self._folder is not None and not crashed:
            self._folder.removeInSteps()
        self.onFinished(self.outcome)

    def _failAll(self, message: str, hint: str = "") -> None:
        for index in range(len(self.scans)):
            self._fail(index, message, hint)
        qt.QTimer.singleShot(0, self._finish)

    def _onSceneClose(self, _caller: Any, _event: Any) -> None:
        """Leave nothing for the next scene; what was imported goes with this one."""
        if not self.running:
            return
        self.state, self._reason = "cancelling", (_("Cancelled, because the scene was closed."), "")
        self._stopSteps()
        self._engine.discard()
        for scan in self.scans:
            scan.resultSet = None
            self._setState(scan, CANCELLED)
        qt.QTimer.singleShot(0, self._finish)

    def _stopSteps(self) -> None:
        if self._export is not None:
            self._export.stop()
        self._imports.stop()

    def _release(self) -> None:
        self._stopSteps()
        self._engine.discard()
        if self._observer is not None:
            slicer.mrmlScene.RemoveObserver(self._observer)
            self._observer = None

    def _fail(self, index: int, message: str, hint: str = "") -> None:
        self.scans[index].fail(message, hint)
        self.onScan(self.scans[index])

    def _setState(self, scan: ScanOutcome, state: str) -> None:
        scan.state = state
        self.onScan(scan)

    def _show(self, stage: str, fraction: float) -> None:
        self._shown = (stage, max(fraction, self._shown[1]))
        self._timeLeft.update(self._shown[1])
        self.onProgress(*self._shown, self._timeLeft.seconds())


def _scaled(steps: Iterator[Any], done: float) -> Iterator[float]:
    """Advance an export and return its result; the fraction stands still meanwhile, as an export is short."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value
        yield done
