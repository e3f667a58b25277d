"""What to train: recipe, preset, what it begins with, a few settings, and where it goes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from BrainFMLib import Settings
from slicer.i18n import tr as _

from BrainFMTrainLib.Recipes import Choice, presets, recipes
from BrainFMTrainLib.RecipeState import START, RecipeState
from BrainFMTrainLib.TrainerProcess import TrainerProcess
from BrainFMTrainLib.TrainingRequest import TrainingRequest
from BrainFMTrainLib.Widgets.ComboChoices import chosenOf, fillChoices
from BrainFMTrainLib.Widgets.RecipeButtons import RecipeButtons
from BrainFMTrainLib.Widgets.SettingsPanel import SettingsPanel
from BrainFMTrainLib.Widgets.StartPanel import AGES, StartPanel

_PREFIX = "Train/"
_FILE = "file"
RECIPE_NAME = "recipe.json"
"""The recipe in a run's folder."""


class TrainingPanel:
    """Section "Training".

    Attributes:
        state: the recipe with its changes.
        onChanged: called when the form says something else.
        onStart, onEstimate: called when the user presses the buttons.
        selectedRun: gives the folder of the run that is selected, None if none is.
    """

    def __init__(self, ui: Any):
        self._ui = ui
        self.onChanged: Callable[[], None] = lambda: None
        self.onStart: Callable[[], None] = lambda: None
        self.onEstimate: Callable[[], None] = lambda: None
        self.selectedRun: Callable[[], Path | None] = lambda: None
        self._madeUp = ""
        self._dataset: Path | None = None
        self._recipes = [
            *recipes(),
            Choice(_FILE, _("From a file…"), _("A recipe saved here, by the preview, or beside a run.")),
        ]
        self._presets = presets()
        self._devices: list[Choice] = []
        self._showing = False
        self.state = RecipeState()
        self.state.changes = _rememberedChanges()
        self._recall()
        self.settings, self.start = SettingsPanel(ui, self.state), StartPanel(ui, self.state)
        self.buttons = RecipeButtons(ui, self.state)
        self._connect()
        self._show()

    def _recall(self) -> None:
        ui = self._ui
        fillChoices(ui.recipeComboBox, self._recipes, Settings.read(_PREFIX + "recipe", "brainfm"))
        fillChoices(ui.presetComboBox, self._presets, Settings.read(_PREFIX + "preset", "compact"))
        self._offerDevices([])
        ui.recipeFileEdit.currentPath = Settings.read(_PREFIX + "recipeFile")
        ui.runsFolderEdit.currentPath = Settings.read(_PREFIX + "runs")
        ui.minutesSpinBox.value = int(Settings.readFloat(_PREFIX + "minutes", 0))
        ui.keepRunningCheckBox.checked = Settings.read(_PREFIX + "keepRunning") == "True"
        self.proposeName()

    def _connect(self) -> None:
        ui = self._ui
        for combo in (ui.recipeComboBox, ui.presetComboBox, ui.deviceComboBox):
            combo.currentIndexChanged.connect(self._onChanged)
        ui.minutesSpinBox.valueChanged.connect(self._onChanged)
        for edit in (ui.runsFolderEdit, ui.recipeFileEdit):
            edit.currentPathChanged.connect(self._onChanged)
        ui.nameEdit.textChanged.connect(self._onChanged)
        ui.keepRunningCheckBox.toggled.connect(self._onChanged)
        ui.trainingStartButton.clicked.connect(self._onStart)
        ui.estimateButton.clicked.connect(self._onEstimate)
        self.buttons.onLoaded, self.buttons.onReset = self.useRecipe, self._reset
        self.buttons.onStatus = self.showStatus
        ui.useRunSettingsButton.clicked.connect(self._onUseRun)
        self.settings.onChanged = self.start.onChanged = self._onChanged
        self.state.listeners.append(self._onState)

    @property
    def runsFolder(self) -> Path | None:
        """The folder for runs, None if none is chosen."""
        path = self._ui.runsFolderEdit.currentPath.strip()
        return Path(os.path.expanduser(path)) if path else None

    def setDataset(self, folder: Path | None) -> None:
        """Say which data set is chosen."""
        self._dataset = folder

    def setRuns(self, folders: Sequence[Path]) -> None:
        """Say which runs have weights to begin with."""
        self.start.setRuns(folders)

    def recipe(self) -> dict[str, str]:
        """Return recipe and preset, as `brainfm preview` takes them."""
        request = self.request()
        if self._isFile():
            return {"recipe": request.recipe} if request.recipe else {}
        return {"recipe": request.recipe, "preset": request.preset}

    def useRecipe(self, path: str) -> None:
        """Choose the recipe of a file, without changes."""
        self._reset()
        self._ui.recipeFileEdit.currentPath = path
        self._ui.recipeComboBox.currentIndex = len(self._recipes) - 1
        self.state.reload()

    def useRun(self, folder: Path) -> str:
        """Take over the recipe of a run; return why that cannot be, "" if it can."""
        path = Path(folder) / RECIPE_NAME
        if not path.is_file():
            return _("The run {name} has no recipe yet.").format(name=Path(folder).name)
        self.useRecipe(str(path))
        return ""

    def setDevices(self, devices: Sequence[tuple[str, str]]) -> None:
        """Offer devices: name and title of each. They are known once the engine is ready."""
        self._offerDevices(devices)
        if devices:
            self.state.enable()

    def refreshModels(self) -> None:
        """Offer the models that are here."""
        self.start.refreshModels()

    def stop(self) -> None:
        """The module is going away."""
        self.state.stop()
        self.buttons.stop()

    def request(self) -> TrainingRequest:
        """Return what the form says."""
        ui, state = self._ui, self.state
        return TrainingRequest(
            dataset=self._dataset,
            runsFolder=self.runsFolder,
            name=str(ui.nameEdit.text).strip(),
            recipe=self._recipeName(),
            preset=chosenOf(ui.presetComboBox, self._presets),
            start=self.start.start(),
            minutes=ui.minutesSpinBox.value or None,
            device=chosenOf(ui.deviceComboBox, self._devices) or "auto",
            keepRunning=ui.keepRunningCheckBox.checked,
            changes={path: value for path, value in state.changes.items() if path != START},
            wrong=self.settings.problem() or state.problem,
            needsModel=state.needsModel,
            needsAges=state.needsAges,
        )

    def show(self, busy: str, problem: str) -> None:
        """Offer Start, or say why not.

        Args:
            busy: what is being done; "" for nothing.
            problem: why nothing can be started; "" if something can.
        """
        able = not busy and not problem
        self._ui.trainingStartButton.enabled = self._ui.estimateButton.enabled = able
        if busy or problem:
            self._ui.trainingStatusLabel.text = busy or problem

    def showStatus(self, text: str) -> None:
        """Say something below the form."""
        self._ui.trainingStatusLabel.text = text

    def proposeName(self) -> None:
        """Write a name that is free, unless the user has written one that still is."""
        written, folder = str(self._ui.nameEdit.text), self.runsFolder
        if written and written != self._madeUp and not _isTaken(folder, written):
            return
        recipe = self._recipeName()
        if self._isFile():
            path = Path(recipe)
            recipe = path.parent.name if path.name == RECIPE_NAME else path.stem
        stem = f"{recipe or 'run'}-{time.strftime('%Y-%m-%d')}"
        name, number = stem, 1
        while _isTaken(folder, name):
            number += 1
            name = f"{stem}-{number}"
        self._madeUp = name
        if written != name:
            self._ui.nameEdit.text = name

    def _offerDevices(self, devices: Sequence[tuple[str, str]]) -> None:
        chosen = chosenOf(self._ui.deviceComboBox, self._devices) or Settings.read(_PREFIX + "device", "auto")
        self._devices = [Choice("auto", _("The fastest")), *(Choice(name, title) for name, title in devices)]
        fillChoices(self._ui.deviceComboBox, self._devices, chosen)

    def _isFile(self) -> bool:
        return chosenOf(self._ui.recipeComboBox, self._recipes) == _FILE

    def _recipeName(self) -> str:
        """Return the engine's name of the recipe, or its file."""
        if self._isFile():
            return str(self._ui.recipeFileEdit.currentPath).strip()
        return chosenOf(self._ui.recipeComboBox, self._recipes)

    def _show(self) -> None:
        """Show the rows that belong to the recipe; a file says the preset itself."""
        ui, isFile = self._ui, self._isFile()
        ui.recipeFileLabel.visible = ui.recipeFileEdit.visible = isFile
        ui.presetLabel.visible = ui.presetComboBox.visible = not isFile
        recipe = self._recipes[max(ui.recipeComboBox.currentIndex, 0)]
        preset = self._presets[max(ui.presetComboBox.currentIndex, 0)]
        ui.recipeHelpLabel.text = recipe.help if isFile else f"{recipe.help} {preset.help}"
        self._showing = True  # what follows tells the state, which tells this panel
        self.state.choose(self._recipeName(), preset.name)
        self.start.show(self._recipeName(), preset.name)
        self._showing = False

    def _onChanged(self, *_values: Any) -> None:
        self._show()
        self._remember()
        if self.request().name == self._madeUp:
            self.proposeName()
        self.showStatus("")
        self.onChanged()

    def _onState(self) -> None:
        """The engine has told something, or a value was changed elsewhere."""
        if not self._showing:
            self._show()
            self._remember()
            self.showStatus("")
            self.onChanged()

    def _remember(self) -> None:
        ui, request = self._ui, self.request()
        values = {
            "recipe": chosenOf(ui.recipeComboBox, self._recipes),
            "recipeFile": ui.recipeFileEdit.currentPath,
            "preset": request.preset,
            "device": request.device,
            "minutes": ui.minutesSpinBox.value,
            "keepRunning": request.keepRunning,
            "changes": json.dumps({path: value for path, value in request.changes.items() if path != AGES}),
        }
        for key, value in values.items():
            Settings.write(_PREFIX + key, value)
        if request.runsFolder is not None:
            Settings.write(_PREFIX + "runs", request.runsFolder)

    def _onStart(self) -> None:
        self.onStart()

    def _onEstimate(self) -> None:
        self.onEstimate()

    def _onUseRun(self) -> None:
        folder = self.selectedRun()
        problem = self.useRun(folder) if folder is not None else _("Select a run under “Runs” first.")
        if problem:
            self.showStatus(problem)

    def _reset(self) -> None:
        self.settings.reset()
        self.start.reset()
        self.state.reset()
        self._onChanged()


def _isTaken(folder: Path | None, name: str) -> bool:
    """Return whether a run of this name is in a folder, or begins there."""
    return folder is not None and ((folder / name).exists() or TrainerProcess.of(folder / name) is not None)


def _rememberedChanges() -> dict[str, Any]:
    """Return what was changed when the module was last used."""
    try:
        changes = json.loads(Settings.read(_PREFIX + "changes", "{}"))
    except ValueError:
        return {}
    return dict(changes) if isinstance(changes, dict) else {}
