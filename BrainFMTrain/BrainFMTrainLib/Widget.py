"""The module's panel as a whole: the form, the trainings, and the run that is followed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer
from BrainFMEngine.models import store
from BrainFMLib.ModelManager import ModelManager
from BrainFMLib.RunOutcome import Outcome
from BrainFMLib.StepRunner import StepRunner
from BrainFMLib.Widgets.LogPanel import LogPanel
from BrainFMLib.Widgets.NoticePanel import NoticePanel
from BrainFMLib.Widgets.SetupPanel import SetupPanel
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from BrainFMTrainLib import FormerLayout
from BrainFMTrainLib.LossPlot import LossPlot
from BrainFMTrainLib.RunFollower import RunFollower
from BrainFMTrainLib.RunList import MODEL_NAME, runSteps
from BrainFMTrainLib.TrainingController import TrainingController
from BrainFMTrainLib.TrainingEstimate import Estimate
from BrainFMTrainLib.Widgets.DataPanel import DataPanel
from BrainFMTrainLib.Widgets.PreviewPanel import PreviewPanel
from BrainFMTrainLib.Widgets.RunsPanel import RunsPanel
from BrainFMTrainLib.Widgets.TrainingPanel import TrainingPanel

LOOK_MS = 250
LIST_EVERY = 8
"""The folder of runs is read anew every so many looks."""
PLOT_EVERY = 4
"""The plot is drawn anew at most every so many looks."""


class TrainWidget(VTKObservationMixin):
    """Everything behind the form.

    Args:
        ui: the form's widgets by name.
    """

    def __init__(self, ui: Any):
        VTKObservationMixin.__init__(self)
        self.ui, self.entered = ui, False
        self.follower: RunFollower | None = None
        self.plot, self.manager = LossPlot(), ModelManager()
        self.notice, self.setup, self.log = NoticePanel(ui), SetupPanel(ui), LogPanel(ui)
        self.data, self.preview = DataPanel(ui, self.setup, self.notice), PreviewPanel(ui, self.setup, self.notice)
        self.training, self.runs = TrainingPanel(ui), RunsPanel(ui)
        self.controller = TrainingController(self.setup, self.notice)
        self._looks = 0
        self._startedName = ""
        self._lister: StepRunner | None = None
        self._clock = qt.QTimer()
        self._clock.interval = LOOK_MS
        self._connect()
        self._onForm()
        self._listRuns()
        self._clock.start()

    # Coming and going

    def enter(self) -> None:
        """The module is shown."""
        self.entered = True
        self.training.refreshModels()
        self.setup.checkOnce()
        self._listRuns()

    def exit(self) -> None:
        """Another module is shown: its layout is the user's again; trainings go on, and are listened to."""
        self.entered = False
        FormerLayout.restore()

    def cleanup(self) -> None:
        """The module goes away; trainings go on."""
        self._clock.stop()
        if self._lister is not None:
            self._lister.stop()
        self.controller.detach()
        self.manager.discard()
        for part in (self.data, self.preview, self.setup, self.log):
            part.stop()
        FormerLayout.restore()
        self.removeObservers()

    def _connect(self) -> None:
        self.addObserver(slicer.mrmlScene, slicer.vtkMRMLScene.EndCloseEvent, self._onSceneClosed)
        self._clock.timeout.connect(self.look)
        self.data.onChanged = self.training.onChanged = self._onForm
        self.training.onStart, self.training.onEstimate = self._onStart, self._onEstimatePressed
        self.preview.device = lambda: self.training.request().device
        self.preview.recipe, self.preview.onRecipeSaved = self.training.recipe, self.training.useRecipe
        self.setup.onHealth = lambda health: self.training.setDevices(self.setup.devices())
        self.setup.onProblem = self.notice.notice
        self.controller.onBusy = lambda text: self._showForm()
        self.controller.onEstimate, self.controller.onLog = self._onEstimate, self.log.append
        self.controller.onStarted, self.controller.onEnded = self._onStarted, self._onEnded
        self.runs.onSelected, self.runs.onStop = self.follow, self._onStop
        self.runs.onResume, self.runs.onUse = self._onResume, self._onUse
        self.runs.onPlotChanged, self.runs.onShowPlot = self._drawPlot, self._onShowPlot

    # The form

    def _onForm(self) -> None:
        self.training.setDataset(self.data.folder)
        self._showForm()
        self._listRuns()

    def _showForm(self) -> None:
        busy = _("Preparing…") if self.controller.busy else ""
        self.training.show(busy, self.training.request().problem())

    def _onStart(self) -> None:
        request = self.training.request()
        if not request.problem():
            self.controller.start(request)

    def _onEstimatePressed(self) -> None:
        self.controller.tellEstimate(self.training.request())

    def _onEstimate(self, estimate: Estimate) -> None:
        self.training.showStatus(estimate.sentence())

    # Runs

    def follow(self, folder: Path | None) -> None:
        """Follow the run in a folder, whoever started it; None for none."""
        if folder is not None and (self.follower is None or self.follower.folder != folder):
            self.follower = RunFollower(folder)
        elif folder is None:
            self.follower = None
        self.runs.select(folder)
        self._showRun()

    def look(self) -> None:
        """Hear what the trainings say and see how the runs are."""
        self._looks += 1
        self.controller.look()
        if self.follower is not None:
            self.follower.look()
            if not self.follower.row.alive:
                self.controller.ended(self.follower.folder)
            if self.follower.changed and self._looks % PLOT_EVERY == 0:
                self._drawPlot()
        self._showRun()
        if self._looks % LIST_EVERY == 0:
            self._listRuns()

    def _showRun(self) -> None:
        follower = self.follower
        stopping = follower is not None and self.controller.isStopping(follower.folder)
        self.runs.showRun(follower, stopping, self.controller.busy or self.manager.busy)

    def _listRuns(self) -> None:
        """Read the folder of runs, a run at a time."""
        if self._lister is None:
            steps = runSteps(self.training.runsFolder)
            self._lister = StepRunner(steps, lambda row: None, self._onRuns, self._onListError)

    def _onRuns(self, rows: list[Any]) -> None:
        self._lister = None
        self.runs.showRuns(rows)
        if self._startedName in [row.folder.name for row in rows]:
            self._startedName = ""
            self.training.proposeName()
            self._showForm()
        if self.follower is None:
            alive = next((row.folder for row in rows if row.alive), None)
            if alive is not None:
                self.follow(alive)

    def _onListError(self, error: Exception) -> None:
        self._lister = None
        self.log.append(str(error))

    def _onStarted(self, folder: Path) -> None:
        self.training.showStatus(_("Started: {name}").format(name=folder.name))
        self._startedName = folder.name
        self.follow(folder)
        self._listRuns()

    def _onEnded(self, folder: Path) -> None:
        self.training.proposeName()
        self._showForm()
        self._listRuns()

    def _onStop(self, folder: Path) -> None:
        self.controller.stop(folder)
        self._showRun()

    def _onResume(self, folder: Path) -> None:
        request = self.training.request()
        if request.dataset is None:
            self.notice.notice(_("Choose the data set that the run was trained on"), severity="information")
        else:
            self.controller.resume(request, folder)

    # Plot and model

    def _drawPlot(self) -> None:
        follower = self.follower
        if follower is None or not follower.curves.names or slicer.mrmlScene.IsBatchProcessing():
            return
        follower.changed = False
        self.plot.show(follower.curves, follower.folder.name, self.runs.smoothing, self.runs.log, self.runs.terms)

    def _onShowPlot(self) -> None:
        self._drawPlot()
        self.plot.showView()

    def _onSceneClosed(self, _caller: Any = None, _event: Any = None) -> None:
        if self.follower is not None:
            self.follower.changed = True  # the chart is gone

    def _onUse(self, folder: Path) -> None:
        name = store.free_name(store.default_name(folder.name))

        def onFinished(outcome: Outcome) -> None:
            if outcome.state == "done":
                text = _("The module BrainFM has a new model: {name}").format(name=name)
                self.notice.notice(text, _("Choose it there under “Model”."), severity="information")
                self.training.refreshModels()
            elif outcome.state != "cancelled":
                self.notice.notice(outcome.message, outcome.hint, outcome.details)
            self._showRun()

        self.notice.clearNotice()
        self.manager.importFile(folder / MODEL_NAME, self._onModelProgress, onFinished, name)
        self._showRun()

    def _onModelProgress(self, text: str, _fraction: float) -> None:
        self.training.showStatus(text)
