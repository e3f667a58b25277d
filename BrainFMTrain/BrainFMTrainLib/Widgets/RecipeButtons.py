"""Buttons "All settings…", "Load recipe…", "Save recipe…" and "Reset" of the section "Training"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from BrainFMLib import Settings
from BrainFMLib.Widgets.Texts import sentence
from slicer.i18n import tr as _

from BrainFMTrainLib.RecipeState import RecipeState
from BrainFMTrainLib.Widgets.AllSettings import AllSettings

_LAST = "Train/previewRecipes"
"""Where the last recipe was saved or loaded, in the preview as well."""
_SUFFIX = ".json"


class RecipeButtons:
    """What the buttons do.

    Args:
        ui: the form's widgets by name.
        state: the recipe.

    Attributes:
        onLoaded: called with the path of a recipe that the user wants to train with.
        onReset: called when everything shall be as the recipe says.
        onStatus: called with what is to be told.
    """

    def __init__(self, ui: Any, state: RecipeState):
        self._state = state
        self.onLoaded: Callable[[str], None] = lambda path: None
        self.onReset: Callable[[], None] = lambda: None
        self.onStatus: Callable[[str], None] = lambda text: None
        self.window: AllSettings | None = None
        ui.allSettingsButton.clicked.connect(self._onAll)
        ui.loadRecipeButton.clicked.connect(self.load)
        ui.saveTrainingRecipeButton.clicked.connect(self.save)
        ui.resetSettingsButton.clicked.connect(self._onReset)

    def stop(self) -> None:
        """The module is going away."""
        if self.window is not None:
            self.window.stop()
            self.window = None

    def load(self, _checked: bool = False) -> None:
        """Let the user choose the file of a recipe."""
        window, last = slicer.util.mainWindow(), Settings.read(_LAST)
        path = str(qt.QFileDialog.getOpenFileName(window, _("Load recipe"), last, _("Recipe (*.json)")))
        if path:
            Settings.write(_LAST, path)
            self.onLoaded(path)

    def save(self, _checked: bool = False) -> None:
        """Write the recipe, with what is changed, where the user wants."""
        window, last = slicer.util.mainWindow(), Settings.read(_LAST)
        path = str(qt.QFileDialog.getSaveFileName(window, _("Save recipe"), last, _("Recipe (*.json)")))
        if path:
            path = path if path.endswith(_SUFFIX) else path + _SUFFIX
            Settings.write(_LAST, path)
            self._state.save(path, self._onSaved, self._onNotSaved)

    def _onAll(self, _checked: bool = False) -> None:
        if self.window is None:
            self.window = AllSettings(self._state)
            self.window.onLoad, self.window.onSave, self.window.onReset = self.load, self.save, self._onReset
        self._state.enable()
        self.window.open()

    def _onReset(self, _checked: bool = False) -> None:
        self.onReset()

    def _onSaved(self, path: str) -> None:
        self._tell(_("The recipe is in {path}").format(path=path))

    def _onNotSaved(self, message: str, hint: str) -> None:
        self._tell(f"{sentence(message)} {sentence(hint)}".strip())

    def _tell(self, text: str) -> None:
        self.onStatus(text)
        if self.window is not None:
            self.window.ui.problemLabel.text = text
