"""The module's panel as a whole: the form, the trainings, and the run that is followed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import slicer
from BrainFMLib.ModelManager import ModelManager
from BrainFMLib.Widgets.LogPanel import LogPanel
from BrainFMLib.Widgets.NoticePanel import NoticePanel
from BrainFMLib.Widgets.SetupPanel import SetupPanel
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from BrainFMTrainLib import FormerLayout
from BrainFMTrainLib.RunFollower import RunFollower
from BrainFMTrainLib.RunList import RunRow
from BrainFMTrainLib.RunsSection import RunsSection
from BrainFMTrainLib.TrainingController import TrainingController
from BrainFMTrainLib.TrainingEstimate import Estimate
from BrainFMTrainLib.UseInBrainFM import UseInBrainFM
from BrainFMTrainLib.Widgets.ComparePanel import ComparePanel
from BrainFMTrainLib.Widgets.DataPanel import DataPanel
from BrainFMTrainLib.Widgets.PreviewPanel import PreviewPanel
from BrainFMTrainLib.Widgets.TrainingPanel import TrainingPanel


class TrainWidget(VTKObservationMixin):
    """Everything behind the form.

    Args:
        ui: the form's widgets by name.
    """

    def __init__(self, ui: Any):
        VTKObservationMixin.__init__(self)
        self.ui, self.entered = ui, False
        self.manager = ModelManager()
        self.notice, self.setup, self.log = NoticePanel(ui), SetupPanel(ui), LogPanel(ui)
        self.data, self.preview = DataPanel(ui, self.setup, self.notice), PreviewPanel(ui, self.setup, self.notice)
        self.training, self.controller = TrainingPanel(ui), TrainingController(self.setup, self.notice)
        self.section = RunsSection(ui, self.training, self.controller, self.notice)
        self.compare = ComparePanel(ui, self.setup, self.notice, self.manager.list)
        self.use = UseInBrainFM(self.manager, self.notice)
        self._connect()
        self._onForm()
        self.section.start()

    @property
    def follower(self) -> RunFollower | None:
        """The run that is selected, None if there is none."""
        return self.section.follower

    # Coming and going

    def enter(self) -> None:
        """The module is shown."""
        self.entered = True
        self.training.refreshModels()
        self.compare.form.refresh()
        self.setup.checkOnce()
        self.preview.enter()
        self.section.list()

    def exit(self) -> None:
        """Another module is shown: its layout is the user's again; trainings go on, and are listened to."""
        self.entered = False
        self.preview.exit()
        FormerLayout.restore()

    def cleanup(self) -> None:
        """The module goes away; trainings go on."""
        self.section.stop()
        self.controller.detach()
        self.manager.discard()
        for part in (self.data, self.preview, self.training, self.compare, self.setup, self.log):
            part.stop()
        FormerLayout.restore()
        self.removeObservers()

    def _connect(self) -> None:
        self.addObserver(slicer.mrmlScene, slicer.vtkMRMLScene.EndCloseEvent, self._onSceneClosed)
        self.data.onChanged = self.training.onChanged = self._onForm
        self.training.onStart, self.training.onEstimate = self._onStart, self._onEstimatePressed
        self.training.selectedRun = lambda: self.follower.folder if self.follower is not None else None
        self.preview.device = self.compare.form.device = lambda: self.training.request().device
        self.preview.recipe, self.preview.onRecipeSaved = self.training.recipe, self.training.useRecipe
        self.setup.onHealth = self._onHealth
        self.setup.onProblem = self.notice.notice
        self.controller.estimate.deviceTitle = self.setup.deviceTitle
        self.controller.onBusy = lambda text: self._showForm()
        self.controller.onEstimate, self.controller.onLog = self._onEstimate, self.log.append
        self.controller.onStarted, self.controller.onEnded = self._onStarted, self._onEnded
        self.section.isBusy = lambda: self.controller.busy or self.manager.busy
        self.section.onRuns, self.section.onProblem = self._onRuns, self.log.append
        self.section.panel.onUse = self.use.ask
        self.use.onProgress, self.use.onChanged = self.training.showStatus, self.section.show
        self.use.onInstalled = self._onInstalled

    # The form

    def _onHealth(self, _health: Any) -> None:
        self.training.setDevices(self.setup.devices())
        self.preview.follow()

    def _onForm(self) -> None:
        self.training.setDataset(self.data.folder)
        self.compare.form.setDataset(self.data.folder)
        self._showForm()
        self.section.list()

    def _showForm(self) -> None:
        self.preview.follow()
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

    def _onRuns(self, rows: Sequence[RunRow]) -> None:
        self.compare.form.setRuns([row.folder for row in rows])
        self.training.setRuns([row.folder for row in rows if row.hasModel])

    def _onStarted(self, folder: Path) -> None:
        self.training.proposeName()
        self._showForm()
        self.training.showStatus(_("Started: {name}").format(name=folder.name))
        self.section.follow(folder)
        self.section.list()

    def _onEnded(self, folder: Path) -> None:
        self.training.proposeName()
        self._showForm()
        self.section.list()

    def _onSceneClosed(self, _caller: Any = None, _event: Any = None) -> None:
        self.section.chartsAreGone()

    def _onInstalled(self, _name: str) -> None:
        self.training.refreshModels()
        self.compare.form.refresh()
