"""What the module can do without a widget: predict, blocking or not, one run at a time.

Slicer reads this file when it starts, so everything that only a run needs is imported when a run begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from BrainFMLib.Parameters import DEFAULT_MODEL, TASK_GROUPS

if TYPE_CHECKING:
    from BrainFMLib.EngineProcess import EngineProcess
    from BrainFMLib.Prediction import Prediction
    from BrainFMLib.PredictionOutcome import PredictionOutcome
    from BrainFMLib.PredictionRequest import PredictionRequest


class PredictionError(RuntimeError):
    """A run that gave no result; says what went wrong and what can be done.

    Attributes:
        outcome: everything that is known.
    """

    def __init__(self, message: str, hint: str = "", outcome: PredictionOutcome | None = None):
        super().__init__(f"{message}. {hint}".strip() if hint else message)
        self.message, self.hint, self.outcome = message, hint, outcome


class PredictionLogic:
    """Runs predictions.

    Attributes:
        prediction: the run that goes on, or the last one; None before the first.
        makeEngine: makes the process of a run; None: the engine's own. Tests put their own here.
    """

    def __init__(self) -> None:
        self.prediction: Prediction | None = None
        self.makeEngine: Callable[[], EngineProcess] | None = None

    @property
    def running(self) -> bool:
        """Whether a run goes on."""
        return self.prediction is not None and self.prediction.running

    def newPrediction(self, request: PredictionRequest) -> Prediction:
        """Return a run that is not started yet.

        Raises:
            PredictionError: another one goes on, or nothing was asked for.
        """
        if self.running:
            raise PredictionError(_("BrainFM is already running"), _("Wait for it to end, or cancel it."))
        if not request.sources:
            raise PredictionError(_("There is no scan to work on"), _("Choose one."))
        if not request.tasks():
            raise PredictionError(_("There is nothing to make"), _("Tick at least one task that the model offers."))
        from BrainFMLib.Prediction import Prediction

        self.prediction = Prediction(request, self.makeEngine() if self.makeEngine is not None else None)
        return self.prediction

    def processAsync(
        self,
        inputVolume: Any,
        tasks: Sequence[str] = tuple(TASK_GROUPS),
        model: str = DEFAULT_MODEL,
        device: str = "auto",
        modality: str = "auto",
        grid: str = "native",
        flip: bool = False,
        surfaces: bool = True,
        mode: str = "update",
        onProgress: Callable[[str, float, float | None], None] | None = None,
        onFinished: Callable[[PredictionOutcome], None] | None = None,
    ) -> Prediction:
        """Start a run and return at once; `onFinished` gets its outcome.

        Args:
            inputVolume: a scalar volume node, or several.
            tasks: some of "contrasts", "anatomy", "distance", "bias", "registration".
            model: "compact" or the name of an installed model.
            device: "auto", "cpu", "cuda", "cuda:N" or "mps".
            modality: "auto", "mr" or "ct".
            grid: "native" (the scan's own) or "1mm".
            flip: average with the mirrored scan.
            surfaces: make cortical surfaces with "distance".
            mode: "update" replaces earlier results of the same scan, "new" keeps them.
            onProgress: called with a stage, the fraction done and the seconds left (None: unknown).
            onFinished: called with the PredictionOutcome.

        Raises:
            PredictionError: a scan cannot be used, a task is unknown, or another run goes on.
        """
        unknown = [name for name in tasks if name not in TASK_GROUPS]
        if unknown:
            hint = _("Choose from: {names}.").format(names=", ".join(TASK_GROUPS))
            raise PredictionError(_("Unknown task: {names}").format(names=", ".join(unknown)), hint)
        volumes = list(inputVolume) if isinstance(inputVolume, (list, tuple)) else [inputVolume]
        for volume in volumes:
            _refuseUnusable(volume)
        from BrainFMLib.PredictionRequest import PredictionRequest, VolumeSource

        request = PredictionRequest(
            sources=[VolumeSource.of(volume, checked=True) for volume in volumes],
            groups=tuple(tasks),
            offered=_offeredTasks(model),
            model=model,
            device=device,
            modality=modality,
            grid=grid,
            flip=flip,
            surfaces=surfaces,
            mode=mode,
        )
        prediction = self.newPrediction(request)
        prediction.onProgress = onProgress or prediction.onProgress
        prediction.onFinished = onFinished or prediction.onFinished
        prediction.start()
        return prediction

    def process(self, inputVolume: Any, *args: Any, **options: Any) -> Any:
        """Do what `processAsync` does and return the results when they are in the scene.

        The window goes on reacting meanwhile.

        Returns:
            a ResultSet, or a list of them if `inputVolume` is a list.

        Raises:
            PredictionError: there is no result for any, or for some, of the scans.
        """
        from BrainFMLib.PredictionOutcome import PARTLY

        loop = qt.QEventLoop()
        told = options.pop("onFinished", None)
        outcomes: list[PredictionOutcome] = []

        def finished(outcome: PredictionOutcome) -> None:
            outcomes.append(outcome)
            if told is not None:
                told(outcome)
            loop.quit()

        prediction = self.processAsync(inputVolume, *args, onFinished=finished, **options)
        prediction.onDiscarded = loop.quit
        loop.exec_()
        if not outcomes:
            raise PredictionError(_("BrainFM was closed while it was running"))
        outcome = outcomes[0]
        if outcome.state == PARTLY or not outcome.resultSets:
            raise PredictionError(outcome.message, outcome.hint, outcome)
        return outcome.resultSets if isinstance(inputVolume, (list, tuple)) else outcome.resultSets[0]

    def cancel(self) -> None:
        """Cancel the run that goes on, if any."""
        if self.running:
            self.prediction.cancel()

    def discard(self) -> None:
        """End the run that goes on at once and silently: the module or Slicer is going away."""
        if self.prediction is not None:
            self.prediction.discard()


def _refuseUnusable(volume: Any) -> None:
    from BrainFMLib.InputCheck import checkInput

    if volume is None:
        raise PredictionError(_("There is no scan to work on"), _("Choose one."))
    report = checkInput(volume)
    if not report.usable:
        raise PredictionError(f"{volume.GetName()}: {report.reason}")


def _offeredTasks(model: str) -> tuple[str, ...]:
    from BrainFMLib.ModelManager import ModelManager

    return next((tuple(row.tasks) for row in ModelManager().list() if row.name == model), ())
