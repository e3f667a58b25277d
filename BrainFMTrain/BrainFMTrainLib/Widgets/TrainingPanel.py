"""What to train: recipe, preset, a few settings, and where it goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from BrainFMLib import Settings
from BrainFMLib.ModelManager import ModelManager
from slicer.i18n import tr as _

from BrainFMTrainLib.Recipes import Choice, presets, recipes
from BrainFMTrainLib.TrainingRequest import TrainingRequest

_PREFIX = "Train/"
_FILE = "file"
_READY = ("bundled", "installed")


class TrainingPanel:
    """Section "Training".

    Attributes:
        onChanged: called when the form says something else.
        onStart, onEstimate: called when the user presses the buttons.
    """

    def __init__(self, ui: Any):
        self._ui = ui
        self.onChanged: Callable[[], None] = lambda: None
        self.onStart: Callable[[], None] = lambda: None
        self.onEstimate: Callable[[], None] = lambda: None
        self._madeUp = ""
        self._dataset: Path | None = None
        self._recipes = [
            *recipes(),
            Choice(_FILE, _("From a file…"), _("A recipe saved above, or by “brainfm train”.")),
        ]
        self._presets = presets()
        self._starts: list[Choice] = []
        self._devices: list[Choice] = []
        _fill(ui.recipeComboBox, self._recipes, Settings.read(_PREFIX + "recipe", "brainfm"))
        _fill(ui.presetComboBox, self._presets, Settings.read(_PREFIX + "preset", "compact"))
        self.refreshModels()
        self.setDevices([])
        ui.recipeFileEdit.currentPath = Settings.read(_PREFIX + "recipeFile")
        ui.runsFolderEdit.currentPath = Settings.read(_PREFIX + "runs")
        ui.keepRunningCheckBox.checked = Settings.read(_PREFIX + "keepRunning") == "True"
        self.proposeName()
        self._showRecipe()
        for combo in (ui.recipeComboBox, ui.presetComboBox, ui.startComboBox, ui.deviceComboBox):
            combo.currentIndexChanged.connect(self._onChanged)
        for spin in (ui.stepsSpinBox, ui.seedSpinBox, ui.minutesSpinBox):
            spin.valueChanged.connect(self._onChanged)
        for edit in (ui.runsFolderEdit, ui.recipeFileEdit):
            edit.currentPathChanged.connect(self._onChanged)
        ui.nameEdit.textChanged.connect(self._onChanged)
        ui.keepRunningCheckBox.toggled.connect(self._onChanged)
        ui.trainingStartButton.clicked.connect(self._onStart)
        ui.estimateButton.clicked.connect(self._onEstimate)

    @property
    def runsFolder(self) -> Path | None:
        """The folder for runs, None if none is chosen."""
        path = self._ui.runsFolderEdit.currentPath.strip()
        return Path(path) if path else None

    def setDataset(self, folder: Path | None) -> None:
        """Say which data set is chosen."""
        self._dataset = folder

    def recipe(self) -> dict[str, str]:
        """Return recipe and preset, as `brainfm preview` takes them."""
        request = self.request()
        if self._isFile():
            return {"recipe": request.recipe} if request.recipe else {}
        return {"recipe": request.recipe, "preset": request.preset}

    def useRecipe(self, path: str) -> None:
        """Choose the recipe of a file."""
        self._ui.recipeFileEdit.currentPath = path
        self._ui.recipeComboBox.currentIndex = len(self._recipes) - 1

    def setDevices(self, devices: Sequence[tuple[str, str]]) -> None:
        """Offer devices: name and title of each."""
        chosen = self._chosen(self._ui.deviceComboBox, self._devices) or Settings.read(_PREFIX + "device", "auto")
        self._devices = [Choice("auto", _("The fastest")), *(Choice(name, title) for name, title in devices)]
        _fill(self._ui.deviceComboBox, self._devices, chosen)

    def refreshModels(self) -> None:
        """Offer the models that are here."""
        chosen = self._chosen(self._ui.startComboBox, self._starts)
        rows = [row for row in ModelManager().list() if row.state in _READY]
        self._starts = [Choice("", _("as the recipe says")), *(Choice(row.name, row.title) for row in rows)]
        _fill(self._ui.startComboBox, self._starts, chosen)

    def request(self) -> TrainingRequest:
        """Return what the form says."""
        ui = self._ui
        return TrainingRequest(
            dataset=self._dataset,
            runsFolder=self.runsFolder,
            name=str(ui.nameEdit.text).strip(),
            recipe=self._recipeName(),
            preset=self._chosen(ui.presetComboBox, self._presets),
            start=self._chosen(ui.startComboBox, self._starts),
            steps=ui.stepsSpinBox.value or None,
            seed=None if self._isFile() else ui.seedSpinBox.value,
            minutes=ui.minutesSpinBox.value or None,
            device=self._chosen(ui.deviceComboBox, self._devices) or "auto",
            keepRunning=ui.keepRunningCheckBox.checked,
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
        if written and written != self._madeUp and not (folder is not None and (folder / written).exists()):
            return
        recipe = Path(self._recipeName()).stem if self._isFile() else self._recipeName()
        stem = f"{recipe or 'run'}-{time.strftime('%Y-%m-%d')}"
        name, number = stem, 1
        while folder is not None and (folder / name).exists():
            number += 1
            name = f"{stem}-{number}"
        self._madeUp = name
        if written != name:
            self._ui.nameEdit.text = name

    def _chosen(self, combo: Any, choices: list[Choice]) -> str:
        index = combo.currentIndex
        return choices[index].name if 0 <= index < len(choices) else ""

    def _isFile(self) -> bool:
        return self._chosen(self._ui.recipeComboBox, self._recipes) == _FILE

    def _recipeName(self) -> str:
        """Return the engine's name of the recipe, or its file."""
        if self._isFile():
            return str(self._ui.recipeFileEdit.currentPath).strip()
        return self._chosen(self._ui.recipeComboBox, self._recipes)

    def _showRecipe(self) -> None:
        """A file says preset and seed itself."""
        isFile = self._isFile()
        self._ui.recipeFileLabel.visible = self._ui.recipeFileEdit.visible = isFile
        self._ui.presetComboBox.enabled = self._ui.seedSpinBox.enabled = not isFile

    def _onChanged(self, *_values: Any) -> None:
        self._showRecipe()
        request = self.request()
        Settings.write(_PREFIX + "recipe", self._chosen(self._ui.recipeComboBox, self._recipes))
        Settings.write(_PREFIX + "recipeFile", self._ui.recipeFileEdit.currentPath)
        Settings.write(_PREFIX + "preset", request.preset)
        Settings.write(_PREFIX + "device", request.device)
        Settings.write(_PREFIX + "keepRunning", request.keepRunning)
        if request.runsFolder is not None:
            Settings.write(_PREFIX + "runs", request.runsFolder)
        if request.name == self._madeUp:
            self.proposeName()
        self.showStatus(self._helpText())
        self.onChanged()

    def _helpText(self) -> str:
        recipe = self._recipes[max(self._ui.recipeComboBox.currentIndex, 0)]
        preset = self._presets[max(self._ui.presetComboBox.currentIndex, 0)]
        return " ".join(text for text in (recipe.help, "" if self._isFile() else preset.help) if text)

    def _onStart(self) -> None:
        self.onStart()

    def _onEstimate(self) -> None:
        self.onEstimate()


def _fill(combo: Any, choices: Sequence[Choice], chosen: str) -> None:
    wasBlocked = combo.blockSignals(True)
    combo.clear()
    combo.addItems([choice.title for choice in choices])
    names = [choice.name for choice in choices]
    combo.currentIndex = names.index(chosen) if chosen in names else 0
    combo.blockSignals(wasBlocked)
