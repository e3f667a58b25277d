"""Two models on one subject, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import slicer
from BrainFMLib import Settings
from BrainFMLib.StepRunner import StepRunner
from slicer.i18n import tr as _

from BrainFMTrainLib import CompareNodes, CompareViews, FormerLayout
from BrainFMTrainLib.CompareResult import CompareResult
from BrainFMTrainLib.CompareRun import CompareRun
from BrainFMTrainLib.Recipes import Choice
from BrainFMTrainLib.Widgets.CompareForm import CompareForm
from BrainFMTrainLib.Widgets.CompareScores import CompareScores
from BrainFMTrainLib.Widgets.TitledChoices import TitledChoices

_ORIENTATION = "Train/compareOrientation"


class ComparePanel:
    """Section "Compare".

    Args:
        ui: the form's widgets by name.
        setup: SetupPanel; knows whether everything is installed.
        notice: NoticePanel.
        models: returns the rows of the models that there are.

    Attributes:
        form: what is compared.
        run: makes comparisons.
        result: of the last one, None if there is none or it was closed.
    """

    def __init__(self, ui: Any, setup: Any, notice: Any, models: Callable[[], Sequence[Any]]):
        self._ui, self._setup, self._notice = ui, setup, notice
        self.form, self.run = CompareForm(ui, models), CompareRun()
        self.result: CompareResult | None = None
        self._loader: StepRunner | None = None
        self._scores = CompareScores(ui.compareScoresTable)
        self._shown = TitledChoices(ui.compareShownComboBox)
        self._orientation = TitledChoices(ui.compareOrientationComboBox)
        self._orientation.offer([Choice(*pair) for pair in zip(CompareViews.ORIENTATIONS, _titles(), strict=True)])
        self._orientation.select(Settings.read(_ORIENTATION))
        self.form.onChanged = self._showState
        self.run.onProgress, self.run.onDone, self.run.onEnded = self._onProgress, self._onDone, self._onEnded
        self._shown.onChosen = self._orientation.onChosen = self._onLook
        ui.compareButton.clicked.connect(self._onCompare)
        ui.compareShowButton.clicked.connect(self._onShow)
        ui.compareKeepButton.clicked.connect(self._onKeep)
        ui.compareCloseButton.clicked.connect(self._onClose)
        ui.compareAllCheckBox.toggled.connect(self._onAll)
        self._showState()

    def close(self) -> None:
        """Forget the comparison: its images leave the scene, the user's layout comes back."""
        self._stopLoading()
        self.run.discard()
        if self.result is not None and CompareViews.isShown():
            FormerLayout.restore()
        self.result = None
        CompareNodes.removeNodes()
        self._onAll()
        self._showState()

    def stop(self) -> None:
        """End what goes on and leave nothing: the module is going away."""
        self.form.stop()
        self.close()

    # Comparing

    def _onCompare(self, *_arguments: Any) -> None:
        if self.run.running:
            self.run.cancel()
            self._showStatus(_("Stopping…"))
        elif not self.form.request().problem():
            self._notice.clearNotice()
            self._setup.ensure(self._start, self._notice.notice)

    def _start(self) -> None:
        request = self.form.request()
        if request.problem() or self.run.running:
            return
        self.close()
        self.run.start(request)
        self._showState()
        if self.run.running:
            self._onProgress(_("Starting"), 0.0)

    def _onProgress(self, text: str, fraction: float) -> None:
        self._ui.compareProgressBar.value = int(fraction * self._ui.compareProgressBar.maximum)
        self._showStatus(text)

    def _onEnded(self, message: str, hint: str, details: str) -> None:
        self._showState()
        if message:
            self._notice.notice(message, hint, details)
        else:
            self._showStatus(_("Cancelled. Nothing was kept."))

    def _onDone(self, result: CompareResult) -> None:
        self.result = result
        self._shown.offer([Choice(entry.name, entry.title) for entry in result.shown()])
        self._onAll()
        self._showState()
        self._load()

    # Showing

    def _load(self) -> None:
        """Bring what is to be seen into the scene and then into the views."""
        self._stopLoading()
        if self.result is not None:
            steps = CompareNodes.loadSteps(self.result, self._shown.chosen.name)
            self._loader = StepRunner(steps, lambda fraction: None, self._onLoaded, self._onLoadError)

    def _onLoaded(self, _value: Any) -> None:
        self._loader = None
        if self.result is not None and not slicer.mrmlScene.IsBatchProcessing():
            CompareViews.arrange(self.result, self._shown.chosen.name, self._orientation.chosen.name)
            FormerLayout.whenDrawn(self._fit)

    def _fit(self) -> None:
        if self.result is not None and self._loader is None and CompareViews.isShown():
            CompareViews.fit(self.result, self._orientation.chosen.name)

    def _onLoadError(self, error: Exception) -> None:
        self._loader = None
        self._notice.notice(str(getattr(error, "message", error)), str(getattr(error, "hint", "")))

    def _stopLoading(self) -> None:
        if self._loader is not None:
            self._loader.stop()
            self._loader = None

    def _onLook(self) -> None:
        Settings.write(_ORIENTATION, self._orientation.chosen.name)
        self._load()

    def _onShow(self, *_arguments: Any) -> None:
        self._load()

    def _onKeep(self, *_arguments: Any) -> None:
        if self.result is not None and self._loader is None:
            count = CompareNodes.keepNodes(self.result)
            self._showStatus(_("{n} images are now yours: in the scene, in a folder of their own.").format(n=count))

    def _onClose(self, *_arguments: Any) -> None:
        self.close()

    def _onAll(self, *_arguments: Any) -> None:
        self._scores.show(self.result, self._ui.compareAllCheckBox.checked)

    def _showState(self) -> None:
        ui, running, problem = self._ui, self.run.running, self.form.request().problem()
        ui.compareButton.text = _("Cancel") if running else _("Compare")
        ui.compareButton.enabled = running or not problem
        ui.compareProgressBar.visible = running
        ui.compareResultFrame.visible = self.result is not None
        self.form.setEnabled(not running)
        if not running:
            self._showStatus(_summary(self.result) or problem or _("Ready. Both models will see the same image."))

    def _showStatus(self, text: str) -> None:
        self._ui.compareStatusLabel.text = text


def _summary(result: CompareResult | None) -> str:
    """Return what is shown, and what is doubtful about it."""
    if result is None:
        return ""
    text = _("{subject}: {first} beside {second}.")
    about = text.format(subject=result.subject, first=result.titles[0], second=result.titles[1])
    return " ".join([about, *(f"{warning[:1].upper()}{warning[1:]}." for warning in result.warnings)])


def _titles() -> tuple[str, str, str]:
    return _("Axial"), _("Coronal"), _("Sagittal")
