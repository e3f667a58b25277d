"""What a training begins with, and the ages that one recipe needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from BrainFMLib import Settings
from BrainFMLib.ModelManager import ModelManager
from slicer.i18n import tr as _

from BrainFMTrainLib.Recipes import Choice, needsAges, needsModel
from BrainFMTrainLib.RecipeState import START, RecipeState
from BrainFMTrainLib.TrainingRequest import RANDOM_WEIGHTS
from BrainFMTrainLib.Widgets.ComboChoices import chosenOf, fillChoices, fillTitles

_PREFIX = "Train/"
_READY = ("bundled", "installed")
FILE, FOLDER, RUN = "*file", "*folder", "*run"
AGES = "data.ages"


class StartPanel:
    """Rows "Begins with" and "Ages" of the section "Training".

    Args:
        ui: the form's widgets by name.
        state: the recipe.

    Attributes:
        onChanged: called when the user chooses something else.
    """

    def __init__(self, ui: Any, state: RecipeState):
        self._ui, self._state = ui, state
        self.onChanged: Callable[[], None] = lambda: None
        self._choices: list[Choice] = []
        self._models: list[Choice] = []
        self._runs: list[Path] = []
        self._wanted, self._wantedRun = Settings.read(_PREFIX + "start"), Settings.read(_PREFIX + "startRun")
        ui.startFileEdit.currentPath = Settings.read(_PREFIX + "startFile")
        ui.startFolderEdit.currentPath = Settings.read(_PREFIX + "startFolder")
        ui.agesFileEdit.currentPath = Settings.read(_PREFIX + "ages")
        self.refreshModels()
        ui.startComboBox.currentIndexChanged.connect(self._onChosen)
        ui.startRunComboBox.currentIndexChanged.connect(self._onRun)
        for edit in (ui.startFileEdit, ui.startFolderEdit, ui.agesFileEdit):
            edit.currentPathChanged.connect(self._onPath)
        state.listeners.append(self._offer)

    def refreshModels(self) -> None:
        """Offer the models that are here."""
        rows = [row for row in ModelManager().list() if row.state in _READY]
        rows.sort(key=lambda row: row.state != "bundled")
        self._models = [Choice(row.name, _title(row)) for row in rows]
        self._offer()

    def setRuns(self, folders: Sequence[Path]) -> None:
        """Offer the runs that have weights."""
        if list(folders) == self._runs:
            return
        self._runs = list(folders)
        names = [str(folder) for folder in self._runs]
        index = names.index(self._wantedRun) if self._wantedRun in names else 0
        fillTitles(self._ui.startRunComboBox, [folder.name for folder in self._runs], index)
        if self.chosen() == RUN:
            self.onChanged()

    def chosen(self) -> str:
        """Return which row is chosen: a model, "", `RANDOM_WEIGHTS`, `FILE`, `FOLDER` or `RUN`."""
        return chosenOf(self._ui.startComboBox, self._choices)

    def start(self) -> str | None:
        """Return what training begins with, as `TrainingRequest.start` takes it."""
        chosen, ui = self.chosen(), self._ui
        if chosen == FILE:
            return ui.startFileEdit.currentPath.strip() or None
        if chosen == FOLDER:
            return ui.startFolderEdit.currentPath.strip() or None
        if chosen == RUN:
            index = ui.startRunComboBox.currentIndex
            return str(self._runs[index]) if 0 <= index < len(self._runs) else None
        return chosen

    def show(self, recipe: str, preset: str) -> None:
        """Show the rows that a recipe has."""
        ui, state, chosen = self._ui, self._state, self.chosen()
        adapts = needsModel(recipe, preset) if state.needsModel is None else state.needsModel
        ui.startLabel.text = _("Adapts:") if adapts else _("Begins with:")
        ui.startFileEdit.visible, ui.startFolderEdit.visible = chosen == FILE, chosen == FOLDER
        ui.startRunComboBox.visible = chosen == RUN and bool(self._runs)
        ages = needsAges(recipe) if state.needsAges is None else state.needsAges
        ui.agesLabel.visible = ui.agesFileEdit.visible = ages
        path = ui.agesFileEdit.currentPath.strip()
        if ages and path:
            state.set(AGES, path)
        elif AGES in state.changes and state.changes[AGES] == path:
            state.unset(AGES)
        self._tellState()

    def reset(self) -> None:
        """Begin as the recipe says."""
        self._ui.startComboBox.currentIndex = 0

    def _offer(self) -> None:
        choices = [
            Choice("", self._asRecipe()),
            Choice(RANDOM_WEIGHTS, _("random weights (from scratch)")),
            *self._models,
            Choice(FILE, _("a model file…")),
            Choice(FOLDER, _("the folder of a model or run…")),
            Choice(RUN, _("the best weights of a run…")),
        ]
        if choices != self._choices:
            self._choices = choices
            fillChoices(self._ui.startComboBox, choices, self._wanted)

    def _tellState(self) -> None:
        """The engine checks the model with the rest of the recipe; what is missing is told by the request itself."""
        start = self.start()
        if not start:
            self._state.unset(START)
        elif start == RANDOM_WEIGHTS:
            self._state.set(START, None)
        else:
            self._state.set(START, start)

    def _asRecipe(self) -> str:
        field = self._state.field(START)
        if field is None:
            return _("as the recipe says")
        if field.value:
            return _("as the recipe says ({model})").format(model=Path(str(field.value)).name)
        if self._state.needsModel:
            return _("choose a model…")
        return _("as the recipe says (random weights)")

    def _onChosen(self, _index: int) -> None:
        self._wanted = self.chosen()
        Settings.write(_PREFIX + "start", self._wanted)
        self.onChanged()

    def _onRun(self, index: int) -> None:
        if 0 <= index < len(self._runs):
            self._wantedRun = str(self._runs[index])
            Settings.write(_PREFIX + "startRun", self._wantedRun)
        self.onChanged()

    def _onPath(self, _path: str) -> None:
        ui = self._ui
        for key, edit in (
            ("startFile", ui.startFileEdit),
            ("startFolder", ui.startFolderEdit),
            ("ages", ui.agesFileEdit),
        ):
            Settings.write(_PREFIX + key, edit.currentPath.strip())
        self.onChanged()


def _title(row: Any) -> str:
    return _("{title} (comes with BrainFM)").format(title=row.title) if row.state == "bundled" else str(row.title)
