"""The few settings of a recipe that people change: empty is what the recipe says, which is shown in grey."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from slicer.i18n import tr as _

from BrainFMTrainLib.RecipeFields import RecipeField
from BrainFMTrainLib.RecipeState import RecipeState

ROWS = (
    ("steps", "steps", "integer", None, False),
    ("samples", "trainingSamples", "integer", None, False),
    ("accumulation", "accumulation", "integer", None, False),
    ("generator.shape", "trainingSize", "integer", 3, False),
    ("optimizer.learning_rate", "learningRate", "number", None, False),
    ("saving.every", "saving", "integer", None, False),
    ("validation.every", "validation", "integer", None, False),
    ("validation.patience", "patience", "integer", None, True),
    ("seed", "seed", "integer", None, False),
)
"""Path, beginning of the names of its widgets, and what the value is, where the engine has not told yet."""
VALIDATION = "validation.every"
PRECISION, PRECISIONS = "precision", ("fp32", "bf16", "fp16")
_MARK = "font-weight: bold"


class SettingsPanel:
    """The part "Settings" of the section "Training".

    Args:
        ui: the form's widgets by name.
        state: the recipe.

    Attributes:
        onChanged: called when a text is other than before, whether it means something or not.
    """

    def __init__(self, ui: Any, state: RecipeState):
        self._ui, self._state = ui, state
        self.onChanged: Callable[[], None] = lambda: None
        self._wrong: dict[str, str] = {}
        self._precisions: list[str] = []
        for path, name, *_kind in ROWS:
            edit = self._edit(name)
            edit.textChanged.connect(partial(self._onText, path))
            edit.editingFinished.connect(self.show)
        ui.precisionComboBox.currentIndexChanged.connect(self._onPrecision)
        state.listeners.append(self.show)
        self.show()

    def problem(self) -> str:
        """Return what is wrong with what is written, "" if nothing is."""
        return next(iter(self._wrong.values()), "")

    def reset(self) -> None:
        """Empty everything."""
        self._wrong.clear()
        for _path, name, *_kind in ROWS:
            _write(self._edit(name), "")

    def show(self) -> None:
        """Show the recipe's values in grey and the changed ones; a text that is being written stays."""
        for path, name, *_kind in ROWS:
            self._showRow(path, name)
        self._showPrecision()
        changed = len(self._state.changes.keys() - {"data.ages", "start.model"})
        title = _("Settings: {n} changed").format(n=changed) if changed else _("Settings: as the recipe")
        self._ui.settingsCollapsibleButton.text = title

    def _showRow(self, path: str, name: str) -> None:
        edit, field = self._edit(name), self._field(path)
        known, isChanged = self._state.field(path), self._state.isChanged(path)
        follows = known is not None and path in self._state.followed
        if known is not None:
            value = self._state.value(path) if follows else known.value
            unit = f" {known.unit}" if known.hasUnit and value is not None else ""
            never = path == VALIDATION and value == 0
            edit.placeholderText = _("never") if never else f"{known.text(value)}{unit}"
        else:
            edit.placeholderText = _("as the recipe")
        if known is not None and known.help:
            edit.toolTip = f"{known.about()} {_('Empty: as the recipe says.')}"
        if isChanged and self._parsed(field, edit.text) != self._state.changes[path]:
            _write(edit, field.text(self._state.changes[path]))
            self._wrong.pop(path, None)
        elif not isChanged and path not in self._wrong and edit.text and not edit.hasFocus():
            _write(edit, "")
        _mark(getattr(self._ui, f"{name}Label"), isChanged or path in self._wrong)

    def _showPrecision(self) -> None:
        combo, field = self._ui.precisionComboBox, self._state.field(PRECISION)
        said = field.value if field is not None else ""
        first = _("as the recipe ({name})").format(name=said) if said else _("as the recipe")
        choices = list(field.choices) if field is not None else list(PRECISIONS)
        if [first, *choices] != self._precisions:
            self._precisions = [first, *choices]
            wasBlocked = combo.blockSignals(True)
            combo.clear()
            combo.addItems(self._precisions)
            combo.blockSignals(wasBlocked)
        chosen = self._state.changes.get(PRECISION)
        index = self._precisions.index(chosen) if chosen in choices else 0
        if combo.currentIndex != index:
            wasBlocked = combo.blockSignals(True)
            combo.currentIndex = index
            combo.blockSignals(wasBlocked)
        _mark(self._ui.precisionLabel, index > 0)

    def _onText(self, path: str, text: str) -> None:
        self._wrong.pop(path, None)
        if not text.strip():
            self._state.unset(path)
        else:
            try:
                never = path == VALIDATION and text.strip() == _("never")
                self._state.set(path, 0 if never else self._field(path).parse(text))
            except ValueError as error:
                self._state.unset(path)
                self._wrong[path] = str(error)
        self.show()
        self.onChanged()

    def _onPrecision(self, index: int) -> None:
        if index > 0:
            self._state.set(PRECISION, self._precisions[index])
        else:
            self._state.unset(PRECISION)
        self.onChanged()

    def _field(self, path: str) -> RecipeField:
        """Return the engine's description, or what is known without it."""
        _path, name, kind, length, optional = next(row for row in ROWS if row[0] == path)
        title = str(getattr(self._ui, f"{name}Label").text).rstrip(":")
        return self._state.field(path) or RecipeField(
            path, "", "", title, "", "", kind, length, optional, (), None, None, None, _("never") if optional else ""
        )

    def _parsed(self, field: RecipeField, text: str) -> Any:
        try:
            return field.parse(text)
        except ValueError:
            return None

    def _edit(self, name: str) -> Any:
        return getattr(self._ui, f"{name}Edit")


def _write(edit: Any, text: str) -> None:
    """Write without telling."""
    if edit.text != text:
        wasBlocked = edit.blockSignals(True)
        edit.text = text
        edit.blockSignals(wasBlocked)


def _mark(label: Any, isChanged: bool) -> None:
    style = _MARK if isChanged else ""
    if label.styleSheet != style:
        label.styleSheet = style
