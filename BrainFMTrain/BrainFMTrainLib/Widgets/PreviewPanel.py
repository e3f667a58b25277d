"""What the network would learn from: samples of the generator, side by side."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import qt
import slicer
from BrainFMLib import Settings
from BrainFMLib.Widgets.Texts import showText
from slicer.i18n import tr as _

from BrainFMTrainLib import PreviewParameters
from BrainFMTrainLib.PreviewRequests import PreviewRequests
from BrainFMTrainLib.PreviewWorker import JOBS, PreviewWorker
from BrainFMTrainLib.SampleDisplay import SampleDisplay
from BrainFMTrainLib.SceneMemory import SceneMemory
from BrainFMTrainLib.Widgets.AnatomyPanel import AnatomyPanel
from BrainFMTrainLib.Widgets.RangesPanel import RangesPanel
from BrainFMTrainLib.Widgets.SamplesForm import SamplesForm

_PREFIX = "Train/preview"
_OVERWRITE = "--overwrite"
SLIDER_MS, TYPING_MS = 120, 700
"""How long the form has to be at rest before samples that are shown are made anew."""
REMEMBER_MS = 500
"""And before it is kept for the next session."""


class PreviewPanel:
    """Section "Preview".

    Args:
        ui: the form's widgets by name.
        setup: SetupPanel; knows whether everything is installed.
        notice: NoticePanel.

    Attributes:
        device: gives the device to compute on.
        recipe: gives recipe and preset, as `brainfm preview` takes them, that samples are made for.
        onRecipeSaved: called with the path of a recipe that the user wants to train with.
        anatomy, form, ranges: the parts of the form.
        worker: makes the samples.
        requests: what is on its way to the worker.
        display: the samples on the screen.
    """

    def __init__(self, ui: Any, setup: Any, notice: Any):
        self._ui, self._setup, self._notice = ui, setup, notice
        self.device: Callable[[], str] = lambda: "auto"
        self.recipe: Callable[[], dict[str, str]] = dict
        self.onRecipeSaved: Callable[[str], None] = lambda path: None
        self.anatomy, self.form, self.ranges = AnatomyPanel(ui), SamplesForm(ui), RangesPanel(ui)
        self.worker = PreviewWorker()
        self.requests = PreviewRequests(self.worker, self.anatomy.requestSteps)
        self.display = SampleDisplay(ui)
        self._isShown = self._showing = False
        self._replace: Callable[[], None] = lambda: None
        ui.previewProgressBar.visible = False
        showText(ui.previewLabel, "")
        self._again, self._remember = qt.QTimer(), qt.QTimer()
        for timer in (self._again, self._remember):
            timer.setSingleShot(True)
        self._remember.interval = REMEMBER_MS
        self._parameters = PreviewParameters.SceneParameters()
        self.memory = SceneMemory(self._recall)
        self._connect()
        self._recall()

    def _connect(self) -> None:
        ui = self._ui
        self._again.timeout.connect(self._onAgain)
        self._remember.timeout.connect(self._onRemember)
        ui.generateButton.clicked.connect(self._onGenerate)
        ui.newSeedButton.clicked.connect(self._onNewSeed)
        ui.saveRecipeButton.clicked.connect(self._onSaveRecipe)
        ui.exportButton.clicked.connect(self._onExport)
        self.anatomy.onChanged = self.form.onChanged = self._onForm
        self.form.onSeverity, self.ranges.onChanged = self._onSeverity, self._onRanges
        self.ranges.recipe, self.ranges.ready = lambda: self.recipe(), lambda: self._setup.ready
        self.ranges.onDescribed = self._onDescribed
        self.worker.onStage, self.worker.onSample = self._onStage, self.display.add
        self.worker.onDone, self.worker.onProblem = self._onDone, self._onProblem
        self.worker.onWarning = self._onWarning
        self.requests.onStage, self.requests.onProblem = self._onStage, self._onProblem
        self.display.askMore, self.display.onProblem = self._onMore, self._notice.notice
        self.display.onSceneClosed = self._onSceneClosed

    def request(self) -> dict[str, Any]:
        """Return what the form says, as `brainfm preview` takes it; without what is in the scene."""
        changes = self.ranges.changes()
        return {**self.recipe(), **self.form.request(), **({"options": changes} if changes else {})}

    def follow(self) -> None:
        """The recipe or the setup may be another one: show its ranges, if they are looked at."""
        self.ranges.follow()

    def refresh(self, milliseconds: int = SLIDER_MS) -> None:
        """Make the samples that are shown anew, with the same seed, once the form is at rest."""
        if self._isShown and not self.problem():
            self._again.start(milliseconds)

    def problem(self) -> str:
        """Return why there cannot be samples, "" if there can."""
        return self.anatomy.problem() or self.ranges.problem()

    def enter(self) -> None:
        """The module is shown."""
        self.display.enter()
        self.follow()

    def exit(self) -> None:
        """Another module is shown."""
        self._again.stop()
        self.display.exit()

    def stop(self) -> None:
        """End the worker: the module is going away, and what happens to its widgets from now on means nothing."""
        self.anatomy.onChanged = self.form.onChanged = lambda: None
        self.form.onSeverity = self.ranges.onChanged = lambda: None
        self._again.stop()
        if self._remember.active:
            self._remember.stop()
            self._onRemember()
        self.memory.stop()
        self.requests.stop()
        self.ranges.stop()
        self.worker.stop()
        self.display.stop()

    # The form

    def _recall(self) -> None:
        """Show what was kept with the scene, or else since the last session."""
        parameters = self._parameters.read()
        names = PreviewParameters.DEFAULTS
        values = PreviewParameters.recall()
        nodes = {}
        if parameters is not None:
            values = {name: getattr(parameters, name) for name in names}
            nodes = {name: getattr(parameters, name) for name in PreviewParameters.NODES}
        self._showing = True
        self.anatomy.show(values, nodes)
        self.form.show(values)
        self.ranges.setChanges(_parsed(values["ranges"]))
        self._showing = False
        self._showForm()

    def _onForm(self) -> None:
        self._showForm()
        if self._showing or self.memory.changing:
            return
        self._parameters.write(self._values(), self.anatomy.nodes())
        self._remember.start()

    def _values(self) -> dict[str, Any]:
        return {**self.anatomy.values(), **self.form.values(), "ranges": json.dumps(self.ranges.changes())}

    def _onRemember(self) -> None:
        PreviewParameters.remember(self._values())

    def _onSeverity(self) -> None:
        self._onForm()
        self.refresh()

    def _onRanges(self) -> None:
        self._onForm()
        self.refresh(TYPING_MS)

    def _onDescribed(self) -> None:
        self.anatomy.setBundled(self.ranges.description.ranges.anatomies)

    def _showForm(self) -> None:
        """Say what is wrong where something is; nothing can be made then."""
        self.ranges.setSeverities(self.form.severities())
        problem, ui = self.problem(), self._ui
        for button in (ui.generateButton, ui.newSeedButton, ui.saveRecipeButton, ui.exportButton):
            button.enabled = not problem
        showText(ui.previewProblemLabel, problem)

    # What the user does

    def _onNewSeed(self) -> None:
        self.form.drawSeed()
        self._generate()

    def _onGenerate(self) -> None:
        if not self.form.seedLocked:
            self.form.drawSeed()
        self._generate()

    def _onAgain(self) -> None:
        if not self.problem():
            self._generate()

    def _generate(self) -> None:
        self._again.stop()
        self._ask({"targets": list(self.display.targets.chosen)})

    def _onMore(self, targets: list[str]) -> None:
        """A target was ticked: make it for the samples that are shown."""
        self._onStage(_("Making targets"), 0.0)
        try:
            self.worker.askMore(targets)
        except OSError as error:
            self._onProblem(_("There is no place for files: {reason}").format(reason=error), "", "")

    def _onSaveRecipe(self) -> None:
        """Write what training has to draw from to draw these samples."""
        window, folder = slicer.util.mainWindow(), Settings.read(_PREFIX + "Recipes")
        path = qt.QFileDialog.getSaveFileName(window, _("Save recipe"), folder, _("Recipe (*.json)"))
        if path:
            path = str(path) if str(path).endswith(".json") else f"{path}.json"
            Settings.write(_PREFIX + "Recipes", path)
            self._ask({"save_recipe": path, "overwrite": True})

    def _onExport(self) -> None:
        """Write the samples, with everything drawn for them, to keep them."""
        window, folder = slicer.util.mainWindow(), Settings.read(_PREFIX + "Exports")
        path = str(qt.QFileDialog.getExistingDirectory(window, _("Export samples"), folder))
        if path:
            Settings.write(_PREFIX + "Exports", path)
            self._export({"export": path})

    def _export(self, request: dict[str, Any]) -> None:
        """Write the samples; with targets if some are ticked."""
        chosen = list(self.display.targets.chosen)
        self._replace = lambda: self._export({**request, "overwrite": True})
        self._ask({**request, **({"targets": chosen} if chosen else {})})

    def _ask(self, more: dict[str, Any]) -> None:
        self._notice.clearNotice()
        request = {**self.request(), **more}
        self._setup.ensure(lambda: self._send(request), self._notice.notice)

    def _send(self, request: dict[str, Any]) -> None:
        self.ranges.follow()
        stage = _("Making samples") if self._isShown else _("Starting; the first samples take a little longer")
        self._onStage(stage, 0.0)
        if not JOBS & set(request):
            self.worker.drop()
            self.display.begin(request.get("targets") or ())
        self.requests.ask(request, self.device())

    # What comes back

    def _onStage(self, stage: str, fraction: float) -> None:
        self._ui.previewProgressBar.visible = True
        self._ui.previewProgressBar.value = int(fraction * self._ui.previewProgressBar.maximum)
        showText(self._ui.previewLabel, stage)

    def _onDone(self, event: dict[str, Any]) -> None:
        if not self.requests.busy:
            self._ui.previewProgressBar.visible = False
            showText(self._ui.previewLabel, "")
        if "recipe" in event:
            path = str(event["recipe"])
            action = (_("Train with it"), lambda: self.onRecipeSaved(path))
            self._notice.notice(_("The recipe is in {path}").format(path=path), severity="information", action=action)
        elif "samples" not in event and "folder" in event:
            text = _("The samples are in {path}").format(path=event["folder"])
            self._notice.notice(text, severity="information")
        else:
            self._isShown = self._isShown or event["event"] == "done"
            self.display.finish()

    def _onWarning(self, message: str) -> None:
        self._notice.notice(self.anatomy.words(message, "")[0], severity="warning")

    def _onSceneClosed(self) -> None:
        """Samples that were on their way are not for the next scene; what is being written is."""
        self._again.stop()
        self.requests.drop()
        if not self.requests.busy:
            self._ui.previewProgressBar.visible = False
            showText(self._ui.previewLabel, "")

    def _onProblem(self, message: str, hint: str, details: str) -> None:
        self._ui.previewProgressBar.visible = False
        showText(self._ui.previewLabel, "")
        self.display.finish()
        if _OVERWRITE in hint:
            hint = _("Choose another folder, or replace what is there.")
            self._notice.notice(message, hint, details, action=(_("Replace"), self._replace))
        else:
            self._notice.notice(*self.anatomy.words(message, hint), details)


def _parsed(text: str) -> dict[str, Any]:
    """Return changed ranges that were kept; none if the text was written by something else."""
    try:
        changes = json.loads(text)
    except ValueError:
        return {}
    return changes if isinstance(changes, dict) else {}
