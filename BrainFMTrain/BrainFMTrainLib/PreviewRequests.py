"""From the form to the worker: the scene's volumes are written in short steps first; the newest preview counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from BrainFMEngine.errors import BrainFMError
from BrainFMLib.StepRunner import StepRunner
from BrainFMLib.Steps import FractionSteps
from slicer.i18n import tr as _

from BrainFMTrainLib.PreviewWorker import JOBS, PreviewWorker


class PreviewRequests:
    """Requests on their way to the worker, one after the other.

    Args:
        worker: answers them.
        inputs: writes what a request needs from the scene into a folder; returns the keys to add to the request.

    Attributes:
        onStage: called with what is being done and the fraction of it.
        onProblem: called with message, hint and details of what cannot be written.
    """

    def __init__(self, worker: PreviewWorker, inputs: Callable[[Path], FractionSteps[dict[str, Any]]]):
        self._worker, self._inputs = worker, inputs
        self.onStage: Callable[[str, float], None] = lambda stage, fraction: None
        self.onProblem: Callable[[str, str, str], None] = lambda message, hint, details: None
        self._waiting: list[tuple[dict[str, Any], str]] = []
        self._runner: StepRunner | None = None

    @property
    def busy(self) -> bool:
        """Whether something is asked for that was not answered yet."""
        return bool(self._waiting) or self._worker.busy

    def ask(self, request: dict[str, Any], device: str) -> None:
        """Hand a request over; a preview that still waits is replaced by a newer one.

        Args:
            request: as `PreviewWorker.ask` takes it, without what comes from the scene.
            device: where to compute.
        """
        if not JOBS & set(request):
            self._dropWaiting()
        self._waiting.append((request, device))
        self._next()

    def drop(self) -> None:
        """Samples are not wanted any more; recipes and exports are."""
        self._dropWaiting()
        self._worker.cancel()
        self._next()

    def stop(self) -> None:
        """The module is going away."""
        self._stopRunner()
        self._waiting.clear()

    def _dropWaiting(self) -> None:
        if self._waiting and not JOBS & set(self._waiting[0][0]):
            self._stopRunner()
        self._waiting = [one for one in self._waiting if JOBS & set(one[0])]

    def _next(self) -> None:
        if self._runner is None and self._waiting:
            self._runner = StepRunner(self._steps(), self._onStep, self._onWritten, self._onError)

    def _steps(self) -> FractionSteps[dict[str, Any]]:
        folder = self._worker.folder() / "inputs"
        folder.mkdir(exist_ok=True)
        return (yield from self._inputs(folder))

    def _onStep(self, fraction: float) -> None:
        self.onStage(_("Writing the anatomy"), fraction)

    def _onWritten(self, inputs: dict[str, Any]) -> None:
        self._runner = None
        request, device = self._waiting.pop(0)
        try:
            self._worker.ask({**request, **inputs}, device)
        except OSError as error:
            self.onProblem(*_words(error))
        self._next()

    def _onError(self, error: Exception) -> None:
        self._runner = None
        self._waiting.pop(0)
        if not isinstance(error, (OSError, BrainFMError)):
            raise error
        self.onProblem(*_words(error))
        self._next()

    def _stopRunner(self) -> None:
        if self._runner is not None:
            self._runner.stop()
            self._runner = None


def _words(error: OSError | BrainFMError) -> tuple[str, str, str]:
    """Return message, hint and details."""
    if isinstance(error, BrainFMError):
        return error.message, error.hint, ""
    message = _("The anatomy cannot be written: {reason}").format(reason=error.strerror or error)
    return message, _("There may be no space left; the folder is Slicer's folder for temporary files."), str(error)
