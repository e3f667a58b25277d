"""What Start, Stop and Resume set off: look at the setup, estimate, train, tell how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from BrainFMEngine.errors import BrainFMError
from BrainFMEngine.training.run_folder import request_stop
from BrainFMLib.RunOutcome import Outcome
from slicer.i18n import tr as _

from BrainFMTrainLib.TrainerProcess import TrainerProcess
from BrainFMTrainLib.TrainingEstimate import Estimate, TrainingEstimate
from BrainFMTrainLib.TrainingRequest import TrainingRequest

HASTE_SECONDS = 2.0
"""Stop that is pressed again so soon was pressed twice by mistake."""


class TrainingController:
    """Begins one training at a time; any number of them may go on.

    Args:
        setup: SetupPanel; knows whether everything is installed, and asks to install it.
        notice: NoticePanel.

    Attributes:
        onBusy: called with what is being done before a training begins, and with "" at its end.
        onEstimate: called with an Estimate.
        onStarted: called with the folder of a run that begins.
        onEnded: called with the folder of a run whose process has ended.
        onLog: called with text.
        command: what is started; the engine's command line if None.
        estimate: makes estimates.
    """

    def __init__(self, setup: Any, notice: Any):
        self._setup, self._notice = setup, notice
        self.onBusy: Callable[[str], None] = lambda text: None
        self.onEstimate: Callable[[Estimate], None] = lambda estimate: None
        self.onStarted: Callable[[Path], None] = lambda folder: None
        self.onEnded: Callable[[Path], None] = lambda folder: None
        self.onLog: Callable[[str], None] = lambda text: None
        self.command: Sequence[str] | None = None
        self.estimate = TrainingEstimate()
        self.busy = False
        self._stopping: dict[Path, float] = {}
        for process in TrainerProcess.running():
            self._attach(process)

    def start(self, request: TrainingRequest) -> None:
        """Estimate, then train; if something may be too little the user decides."""
        self._begin(lambda: self._estimate(request, train=True))

    def tellEstimate(self, request: TrainingRequest) -> None:
        """Estimate only."""
        self._begin(lambda: self._estimate(request, train=False))

    def resume(self, request: TrainingRequest, folder: Path, dataset: Path | None = None) -> None:
        """Go on with the run in a folder; `dataset`: other than the one that it was trained on, since that is gone."""
        arguments = replace(request, dataset=dataset).resumeArguments(folder)
        self._begin(lambda: self._launch(folder, arguments, request.keepRunning))

    def stop(self, folder: Path) -> None:
        """Let the run in a folder save and end, whoever started it. Asked again, one of ours is ended at once."""
        process, now = TrainerProcess.of(folder), time.monotonic()
        if folder in self._stopping and process is not None:
            if now - self._stopping[folder] >= HASTE_SECONDS:
                process.kill()
            return
        self._stopping[folder] = now
        if process is not None:
            process.askToStop()
        self._askToStop(folder)

    def isStopping(self, folder: Path) -> bool:
        """Return whether it was asked to stop here and has not ended yet."""
        return folder in self._stopping

    def look(self) -> None:
        """Hear what the trainings say. To be called a few times a second."""
        for process in TrainerProcess.running():
            process.look()

    def ended(self, folder: Path) -> None:
        """Take note that nobody trains in a folder any more."""
        if TrainerProcess.of(folder) is None:
            self._stopping.pop(folder, None)

    def detach(self) -> None:
        """Leave the trainings alone: the module is going away."""
        self.estimate.stop()
        for process in TrainerProcess.running():
            process.onEvent = process.onLog = process.onFinished = _ignore

    def _begin(self, action: Callable[[], None]) -> None:
        if self.busy:
            return
        self._notice.clearNotice()
        self._setBusy(_("Checking the setup…"))
        self._setup.ensure(action, self._onNotReady)

    def _onNotReady(self, message: str, hint: str, details: str) -> None:
        self._setBusy("")
        self._notice.notice(message, hint, details)

    def _estimate(self, request: TrainingRequest, train: bool) -> None:
        self._setBusy(_("Estimating memory and disk…"))

        def onFinished(estimate: Estimate | None, outcome: Outcome) -> None:
            self._setBusy("")
            if estimate is None:
                self._notice.notice(outcome.message, outcome.hint, outcome.details)
                return
            self.onEstimate(estimate)
            go = lambda: self._launch(request.folder, request.arguments(), request.keepRunning)  # noqa: E731
            if estimate.problem():
                action = (_("Train nevertheless"), go) if train else None
                self._notice.notice(estimate.problem(), estimate.sentence(), severity="warning", action=action)
            elif train:
                go()

        self.estimate.ask(request, onFinished)

    def _launch(self, folder: Path, arguments: Sequence[str], keepRunning: bool) -> None:
        self._setBusy("")
        if TrainerProcess.of(folder) is not None:
            text = _("A training is going on in {folder} already").format(folder=folder)
            self._notice.notice(text, _("Stop it, or choose another name."))
            return
        self._stopping.pop(folder, None)
        self._attach(TrainerProcess(folder, arguments, keepRunning, self.command))
        self.onStarted(folder)

    def _attach(self, process: TrainerProcess) -> None:
        process.onEvent, process.onLog = self._onEvent, self.onLogged
        process.onFinished = lambda outcome: self._onFinished(process.folder, outcome)

    def onLogged(self, text: str) -> None:
        """Pass text of a training on."""
        self.onLog(text)

    def _onEvent(self, event: dict[str, Any]) -> None:
        if event["event"] == "warning":
            self.onLog(_("Warning: {message}").format(message=event.get("message")))

    def _onFinished(self, folder: Path, outcome: Outcome) -> None:
        self._stopping.pop(folder, None)
        if outcome.state not in ("done", "cancelled"):
            self._notice.notice(outcome.message, _hintOf(outcome), outcome.details)
        self.onEnded(folder)

    def _askToStop(self, folder: Path) -> None:
        try:
            request_stop(folder)
        except BrainFMError as error:  # it is only being started, or has ended just now
            if TrainerProcess.of(folder) is None:
                self._stopping.pop(folder, None)
                self._notice.notice(error.message, error.hint)

    def _setBusy(self, text: str) -> None:
        self.busy = bool(text)
        self.onBusy(text)


def _hintOf(outcome: Outcome) -> str:
    """Return what to do; after a crash the engine's own hint is about a prediction."""
    if outcome.state != "crashed":
        return outcome.hint
    return _(
        "Resume goes on from the last checkpoint, if there is one. If it happens again: close other programs, choose "
        "smaller samples, fewer of them or a smaller preset; the log may say more."
    )


def _ignore(_value: Any) -> None:
    pass
