"""What Apply sets off: look at the setup, run, tell how it ended. Errors are told in the panel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from BrainFMLib.Logic import PredictionError
from BrainFMLib.PredictionOutcome import CANCELLED, DONE, PARTLY, PredictionOutcome
from BrainFMLib.PredictionRequest import PredictionRequest

_TICK_MS = 1000
_STATUS_MS = 5000


class RunController:
    """One run at a time, from Apply to its end.

    Args:
        logic: runs predictions.
        setup: SetupPanel; knows whether everything is installed, and asks to install it.
        run, batch, log: the panels that show the run.

    Attributes:
        onBusy: called with True when something begins and with False when it has ended.
        onFinished: called with the PredictionOutcome of each run.
    """

    def __init__(self, logic: Any, setup: Any, run: Any, batch: Any, log: Any):
        self._logic, self._setup, self._run, self._batch, self._log = logic, setup, run, batch, log
        self.onBusy: Callable[[bool], None] = lambda busy: None
        self.onFinished: Callable[[PredictionOutcome], None] = lambda outcome: None
        self.busy = False
        self._request: PredictionRequest | None = None
        self._clock = qt.QTimer()
        self._clock.interval = _TICK_MS
        self._clock.timeout.connect(self._onClock)
        run.onCancel = self.cancel

    def apply(self, request: PredictionRequest) -> None:
        """Run this, as soon as the setup is known to be complete; does nothing while something goes on."""
        if self.busy:
            return
        self._request = request
        self._setBusy(True)
        self._run.showProgress(_("Checking the setup"), 0.0, None)
        self._setup.ensure(self._onReady, self._onNotReady)

    def cancel(self) -> None:
        """Stop what goes on."""
        if not self.busy:
            return
        if self._logic.running:
            self._run.showStopping()
            self._logic.cancel()
        else:
            self._request = None
            self._setup.forget()
            self._end()

    def stop(self) -> None:
        """End everything silently: the module is going away."""
        self._clock.stop()
        self._logic.discard()

    def _onReady(self) -> None:
        request, self._request = self._request, None
        if request is None:
            return
        try:
            prediction = self._logic.newPrediction(request)
        except PredictionError as error:
            self._end()
            self._run.notice(error.message, error.hint)
            return
        prediction.onProgress = self._run.showProgress
        prediction.onLog = self._log.append
        prediction.onScan = self._batch.showScan
        prediction.onFinished = self._onPredicted
        self._batch.showScans(prediction.scans)
        self._clock.start()
        prediction.start()

    def _onNotReady(self, message: str, hint: str, details: str) -> None:
        if self._request is None:
            return
        self._request = None
        self._end()
        if message:
            self._run.notice(message, hint, details, action=(_("Install…"), self._setup.install))

    def _onPredicted(self, outcome: PredictionOutcome) -> None:
        self._end()
        warnings = [warning for scan in outcome.scans for warning in scan.warnings]
        details = "\n".join([outcome.details(), *warnings])
        if outcome.state == CANCELLED:
            self._run.notice(outcome.message, outcome.hint, severity="information")
        elif outcome.state == PARTLY:
            self._run.notice(outcome.message, outcome.hint, details, "warning")
        elif outcome.state == DONE:
            slicer.util.showStatusMessage(_("BrainFM: the results are ready"), _STATUS_MS)
        else:
            hint = outcome.hint
            if outcome.keptFolder is not None:
                hint += " " + _("The files of this run were kept in {folder}.").format(folder=outcome.keptFolder)
            self._run.notice(outcome.message, hint.strip(), details)
        self.onFinished(outcome)

    def _onClock(self) -> None:
        if self._logic.running:
            self._logic.prediction.elapse()

    def _setBusy(self, busy: bool) -> None:
        self.busy = busy
        if busy:
            self._run.showRunning()
        self.onBusy(busy)

    def _end(self) -> None:
        self._clock.stop()
        self._setBusy(False)
