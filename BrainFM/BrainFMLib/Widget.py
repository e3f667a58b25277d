"""The module's panel as a whole: holds parameters, panels, scene and runs together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from BrainFMLib import Layouts, Scope, Settings
from BrainFMLib.MemoryEstimate import MemoryEstimate
from BrainFMLib.Parameters import Grid, Modality, ResultMode, selectedGroups
from BrainFMLib.PredictionOutcome import PredictionOutcome
from BrainFMLib.PredictionRequest import PredictionRequest
from BrainFMLib.ResultLoader import ResultLoader
from BrainFMLib.ResultSet import ResultSet
from BrainFMLib.RunController import RunController
from BrainFMLib.Widgets.BatchPanel import BatchPanel
from BrainFMLib.Widgets.ChoiceBox import ChoiceBox
from BrainFMLib.Widgets.FlipKeys import FlipKeys
from BrainFMLib.Widgets.InputPanel import InputPanel
from BrainFMLib.Widgets.LogPanel import LogPanel
from BrainFMLib.Widgets.ModelPanel import ModelPanel
from BrainFMLib.Widgets.ResultsPanel import ResultsPanel
from BrainFMLib.Widgets.RunPanel import RunPanel
from BrainFMLib.Widgets.SetupPanel import SetupPanel
from BrainFMLib.Widgets.TasksPanel import TasksPanel

_SETTLE_MS = 300
_LAYOUT_OF = {
    "contrasts": "Contrasts",
    "anatomy": "Anatomy",
    "distance": "Cortex",
    "bias": "Bias",
    "registration": "Atlas",
}


class ModuleWidget(VTKObservationMixin):
    """Everything behind the form.

    Args:
        ui: the form's widgets by name.
        logic: runs predictions, and gives the parameters in the scene.
    """

    def __init__(self, ui: Any, logic: Any):
        VTKObservationMixin.__init__(self)
        self.ui, self.logic = ui, logic
        self.parameters: Any | None = None
        self.entered = False
        self._guiTag: int | None = None
        self._shown: tuple = ()
        self.input, self.tasks, self.batch = InputPanel(ui), TasksPanel(ui), BatchPanel(ui)
        self.run, self.results, self.log = RunPanel(ui), ResultsPanel(ui), LogPanel(ui)
        self.model, self.setup = ModelPanel(ui), SetupPanel(ui)
        self.controller = RunController(logic, self.setup, self.run, self.batch, self.log)
        self.loader, self.estimate = ResultLoader(), MemoryEstimate()
        self._choices = {
            "grid": ChoiceBox(ui.gridComboBox, Grid, self._setter("grid")),
            "modality": ChoiceBox(ui.modalityComboBox, Modality, self._setter("modality")),
            "resultMode": ChoiceBox(ui.modeComboBox, ResultMode, self._setter("resultMode")),
        }
        self._settle = qt.QTimer()
        self._settle.setSingleShot(True)
        self._settle.interval = _SETTLE_MS
        self.keys = FlipKeys(self.results.flip)
        self._connect()
        self._initialize()
        self._onSettled()

    # Coming and going

    def enter(self) -> None:
        """The module is shown."""
        self.entered = True
        self.keys.setEnabled(True)
        self._initialize()
        self._onSettled()
        self.setup.checkOnce()

    def exit(self) -> None:
        """Another module is shown: its layout is the user's again; a run goes on."""
        self.entered = False
        self.keys.setEnabled(False)
        self.results.restoreLayout()
        self._setParameters(None)

    def cleanup(self) -> None:
        """The module goes away: everything ends, and nothing is called any more."""
        slicer.app.disconnect("aboutToQuit()", self.controller.stop)
        self.controller.stop()
        parts = (self.results, self.log, self.model, self.setup, self.loader, self.estimate, self.keys, self._settle)
        for part in parts:
            part.stop()
        self.results.restoreLayout()
        self._setParameters(None)
        self.removeObservers()

    def _connect(self) -> None:
        scene, events = slicer.mrmlScene, slicer.vtkMRMLScene
        self.addObserver(scene, events.StartCloseEvent, self._onSceneStartClose)
        self.addObserver(scene, events.StartImportEvent, self._onSceneStartImport)
        for event in (events.EndCloseEvent, events.EndImportEvent):
            self.addObserver(scene, event, self._onSceneReady)
        for event in (events.NodeAddedEvent, events.NodeRemovedEvent):
            self.addObserver(scene, event, self._onSceneChanged)
        self._settle.timeout.connect(self._onSettled)
        self.run.onApply = self.apply
        self.input.onChanged = self.model.onListed = self._updateRun
        self.batch.onChanged = self._onScope
        self.tasks.onDeviceChosen, self.model.onChosen = self._setter("device"), self._setter("model")
        self.setup.onHealth, self.estimate.onEstimate = self._onHealth, self._onEstimate
        self.results.onProblem = self.model.onProblem = self.setup.onProblem = self.run.notice
        self.batch.onLoad = self._onLoad
        self.loader.onLoaded, self.loader.onProblem = self._showSets, self.run.notice
        self.controller.onBusy, self.controller.onFinished = self._onBusy, self._onFinished
        slicer.app.connect("aboutToQuit()", self.controller.stop)

    # Parameters

    def _initialize(self) -> None:
        """Take the parameters of the scene, made if there are none."""
        parameters = self.logic.getParameterNode()
        Settings.recall(parameters)
        if parameters.inputVolume is None and not self.controller.busy:
            parameters.inputVolume = Scope.likelyInput()
        self._setParameters(parameters)

    def _setParameters(self, parameters: Any | None) -> None:
        if self.parameters is not None:
            self.parameters.disconnectGui(self._guiTag)
            self.removeObserver(self.parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParameters)
        self.parameters, self._guiTag, self._shown = parameters, None, ()
        if parameters is not None:
            self._guiTag = parameters.connectGui(self.ui)
            self.addObserver(parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParameters)
            self._onParameters()

    def _setter(self, name: str) -> Callable[[Any], None]:
        def put(value: Any) -> None:
            if self.parameters is not None:
                setattr(self.parameters, name, value)

        return put

    def _onParameters(self, _caller: Any = None, _event: Any = None) -> None:
        parameters = self.parameters
        volume = parameters.inputVolume
        shown = (volume.GetID() if volume is not None else "", parameters.model, parameters.device)
        former, self._shown = self._shown or (None,) * 3, shown
        for name, box in self._choices.items():
            box.show(getattr(parameters, name))
        if shown[1] != former[1]:
            self.model.show(parameters.model)
            self.tasks.setOffered(self.model.tasksOf(parameters.model))
        if shown[2] != former[2]:
            self.tasks.showDevice(parameters.device)
        if shown[0] != former[0]:
            self._onInput()
        Settings.remember(parameters)
        self._updateRun()

    def _onInput(self) -> None:
        volume = self.parameters.inputVolume if self.parameters is not None else None
        self.batch.showVolume(volume)
        own = ResultSet.of(volume) if volume is not None else None
        if own is not None:
            self._showSets(own)

    def _onScope(self) -> None:
        volume = self.parameters.inputVolume if self.parameters is not None else None
        self.input.show(volume, self.batch.scope == Scope.SEQUENCE)

    # Running

    def apply(self) -> None:
        """Run what the form says."""
        if not self._problem():
            self.controller.apply(self.request())

    def request(self) -> PredictionRequest:
        """Return what the form says."""
        parameters = self.parameters
        return PredictionRequest(
            sources=self.batch.sources(),
            groups=[group for group in selectedGroups(parameters) if self.tasks.offers(group)],
            offered=self.model.tasksOf(parameters.model),
            model=parameters.model,
            device=parameters.device,
            modality=parameters.modality.value,
            grid=parameters.grid.value,
            flip=parameters.flip,
            surfaces=parameters.surfaces,
            mode=parameters.resultMode.value,
            folder=self.batch.outputFolder,
            overwrite=self.batch.overwrite,
        )

    def _problem(self) -> str:
        """Return why Apply makes no sense now, "" if it does."""
        if self.parameters is None:
            return _("Choose a scan first.")
        problem = self.batch.problem()
        if self.batch.scope == Scope.SCAN:
            problem = self.input.problem() or problem
        if not any(self.tasks.offers(group) for group in selectedGroups(self.parameters)):
            problem = problem or _("Tick at least one thing to make.")
        return problem or self.model.problem(self.parameters.model)

    def _updateRun(self) -> None:
        """Let the button say what it does, or the line below why it cannot."""
        self.ui.modelCollapsibleButton.text = _("Model: {title}").format(title=self.model.chosenTitle)
        if self.controller.busy:
            return
        problem, count = self._problem(), len(self.batch.sources()) if self.batch.scope != Scope.SCAN else 1
        text = _("Apply to {n} scans").format(n=count) if count > 1 else ""
        self.run.showIdle(text, problem)
        if problem or not self.setup.ready or self.batch.scope == Scope.FOLDER:
            self.estimate.stop()
        else:
            self.estimate.want(self.parameters.inputVolume, self.request())

    def _onEstimate(self, estimate: Any | None) -> None:
        if not self.controller.busy:
            title = self.setup.deviceTitle(estimate.device) if estimate is not None else ""
            self.run.showStatus(estimate.sentence(title) if estimate is not None else "")

    def _onBusy(self, busy: bool) -> None:
        for part in (self.tasks, self.batch, self.model):
            part.setEnabled(not busy)
        self.ui.inputSelector.enabled = not busy
        self.estimate.stop()
        if not busy:
            self._updateRun()

    def _onFinished(self, outcome: PredictionOutcome) -> None:
        if not outcome.resultSets:
            return
        self._showSets(outcome.resultSets[0])
        self.ui.resultsCollapsibleButton.collapsed = False
        if self.entered and self.parameters is not None and self.parameters.showResults:
            made = [_LAYOUT_OF[group] for group in selectedGroups(self.parameters)]
            self.results.showFirst([Layouts.currentLayout(), *made])

    def _onHealth(self, health: Any) -> None:
        self.tasks.setDevices(self.setup.devices())
        if self.parameters is not None:
            self.tasks.showDevice(self.parameters.device)
            self._updateRun()

    def _onLoad(self, scan: Any) -> None:
        if scan.resultSet is not None:
            self._showSets(scan.resultSet)
        elif scan.folder is not None:
            self.loader.load(scan.file, scan.folder)

    # The scene

    def _showSets(self, chosen: Any | None = None) -> None:
        sets = ResultSet.all(slicer.mrmlScene)[::-1]
        self.results.showSets(sets, chosen if chosen is not None else self.results.current)

    def _onSceneStartClose(self, _caller: Any, _event: Any) -> None:
        self.results.restoreLayout()
        self._setParameters(None)
        self.results.showSets([])

    def _onSceneStartImport(self, _caller: Any, _event: Any) -> None:
        """Let go of the parameters, so that widgets do not answer to half of what is being read."""
        self._setParameters(None)

    def _onSceneReady(self, _caller: Any, _event: Any) -> None:
        """Take the new parameters; while more is being read, selectors do not know the new nodes yet."""
        if self.entered and not slicer.mrmlScene.IsBatchProcessing():
            self._initialize()
        self._onSceneChanged()

    def _onSceneChanged(self, _caller: Any = None, _event: Any = None) -> None:
        self._settle.start()

    def _onSettled(self) -> None:
        """Look at the scene again, once it has come to rest."""
        if slicer.mrmlScene.IsBatchProcessing():
            self._settle.start()
            return
        self._showSets()
        if self.parameters is None and self.entered:
            self._initialize()
        if self.parameters is None or self.controller.busy:
            return
        if self.parameters.inputVolume is None:
            self.parameters.inputVolume = Scope.likelyInput()
        else:
            self._onInput()
