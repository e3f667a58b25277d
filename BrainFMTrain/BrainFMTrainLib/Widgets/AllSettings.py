"""A window with every value of the recipe: a tree of settings, what each means, and a place to change it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import qt
import slicer
from BrainFMLib.StepRunner import StepRunner
from slicer.i18n import tr as _

from BrainFMTrainLib.RecipeFields import RecipeDescription, RecipeField
from BrainFMTrainLib.RecipeState import RecipeState

_FORM = Path(__file__).resolve().parents[2] / "Resources" / "UI" / "AllSettings.ui"
_SIZE = (760, 640)
_WIDTHS = (300, 180)


class AllSettings:
    """The window; it stays open beside Slicer's.

    Args:
        state: the recipe.

    Attributes:
        onLoad, onSave, onReset: called when the user presses these buttons.
    """

    def __init__(self, state: RecipeState):
        self._state = state
        self.onLoad: Callable[[], None] = lambda: None
        self.onSave: Callable[[], None] = lambda: None
        self.onReset: Callable[[], None] = lambda: None
        self._shown: RecipeDescription | None = None
        self._items: dict[str, Any] = {}
        self._branches: dict[str, Any] = {}
        self._filler: StepRunner | None = None
        self._path = ""
        self.dialog = qt.QDialog(slicer.util.mainWindow())
        self.dialog.windowTitle = _("All settings of the training")
        form = slicer.util.loadUI(str(_FORM))
        layout = qt.QVBoxLayout(self.dialog)
        layout.addWidget(form)
        self.ui = slicer.util.childWidgetVariables(form)
        self.dialog.resize(*_SIZE)
        self._connect()
        state.listeners.append(self._onState)

    def _connect(self) -> None:
        ui = self.ui
        ui.settingsTree.setHeaderLabels([_("Setting"), _("Value"), _("Recipe")])
        for column, width in enumerate(_WIDTHS):
            ui.settingsTree.setColumnWidth(column, width)
        ui.settingsTree.currentItemChanged.connect(self._onItem)
        ui.settingsTree.itemActivated.connect(self._onActivated)
        ui.findEdit.textChanged.connect(self._onFind)
        ui.changedOnlyCheckBox.toggled.connect(self._onFind)
        ui.valueEdit.editingFinished.connect(self._onValue)
        ui.valueComboBox.currentIndexChanged.connect(self._onChoice)
        ui.resetValueButton.clicked.connect(self._onResetValue)
        ui.loadButton.clicked.connect(self._onLoad)
        ui.saveButton.clicked.connect(self._onSave)
        ui.resetAllButton.clicked.connect(self._onResetAll)
        ui.closeButton.clicked.connect(self._onClose)
        self._showField(None)

    def open(self) -> None:
        """Show the window, in front of the others."""
        self.dialog.show()
        self._onState()
        self.dialog.raise_()
        self.dialog.activateWindow()

    def stop(self) -> None:
        """The module is going away."""
        if self._filler is not None:
            self._filler.stop()
        self._state.listeners = [listener for listener in self._state.listeners if listener != self._onState]
        self.dialog.hide()
        self.dialog.deleteLater()

    @property
    def filling(self) -> bool:
        """Whether rows are still being added."""
        return self._filler is not None

    def select(self, path: str) -> None:
        """Go to a value."""
        item = self._items.get(path)
        if item is not None:
            self.ui.settingsTree.setCurrentItem(item)

    def _onState(self) -> None:
        if not self.dialog.visible and self._shown is None:
            return  # nobody has opened the window yet
        ui, description = self.ui, self._state.description
        ui.problemLabel.text = self._state.problem
        if description is None:
            waiting = self._state.worker.fault or _("The engine is being asked…")
            ui.problemLabel.text = self._state.problem or waiting
            return
        if self._sameRows(description):
            self._shown = description
            for field in description.fields:
                self._showRow(field)
            self._onFind()
        else:
            self._fill(description)
        if not ui.valueEdit.hasFocus():
            self._showField(self._field())

    def _sameRows(self, description: RecipeDescription) -> bool:
        shown = self._shown
        return shown is not None and [row.path for row in shown.fields] == [row.path for row in description.fields]

    def _fill(self, description: RecipeDescription) -> None:
        if self._filler is not None:
            self._filler.stop()
        self._shown = description
        self.ui.settingsTree.clear()
        self._items, self._branches = {}, {}
        self._filler = StepRunner(self._fillSteps(description), lambda row: None, self._onFilled, self._onFillError)

    def _fillSteps(self, description: RecipeDescription) -> Iterator[None]:
        """Add a row at a time; there are some two hundred."""
        titles = dict(description.sections)
        for field in description.fields:
            parent = self._branch(field.section, titles[field.section], None)
            if field.table:
                parent = self._branch(f"{field.section}/{field.table}", field.table, parent)
            item = qt.QTreeWidgetItem()
            item.setText(0, f"{field.title} ({field.unit})" if field.hasUnit else field.title)
            item.setData(0, qt.Qt.UserRole, field.path)
            item.setToolTip(0, field.path)
            parent.addChild(item)
            self._items[field.path] = item
            self._showRow(field)
            yield

    def _branch(self, key: str, title: str, parent: Any) -> Any:
        if key not in self._branches:
            item = qt.QTreeWidgetItem()
            item.setText(0, title)
            self._branches[key] = item
            if parent is None:
                self.ui.settingsTree.addTopLevelItem(item)
            else:
                parent.addChild(item)
            if not key:
                item.setExpanded(True)
        return self._branches[key]

    def _onFilled(self, _rows: Any) -> None:
        self._filler = None
        self._onFind()
        if self._path in self._items:
            self.select(self._path)

    def _onFillError(self, error: Exception) -> None:
        self._filler = None
        self.ui.problemLabel.text = str(error)

    def _showRow(self, field: RecipeField) -> None:
        item, state = self._items.get(field.path), self._state
        if item is None:
            return
        item.setText(1, field.text(state.value(field.path)))
        item.setText(2, field.text(field.value))
        font = item.font(0)
        isChanged, follows = state.isChanged(field.path), field.path in state.followed
        if font.bold() != isChanged or font.italic() != follows:
            font.setBold(isChanged)
            font.setItalic(follows)
            for column in (0, 1):
                item.setFont(column, font)

    def _field(self) -> RecipeField | None:
        return self._state.field(self._path) if self._path else None

    def _showField(self, field: RecipeField | None) -> None:
        """Show what a value means and the place to change it."""
        ui = self.ui
        options = field.options if field is not None else ()
        ui.valueComboBox.visible, ui.valueEdit.visible = bool(options), not options
        ui.valueEdit.enabled = field is not None
        ui.resetValueButton.enabled = field is not None and self._state.isChanged(field.path)
        if field is None:
            ui.valueTitleLabel.text = _("Choose a setting.")
            ui.helpLabel.text = ui.valueEdit.text = ""
            return
        value = self._state.value(field.path)
        ui.valueTitleLabel.text = f"{field.table}: {field.title}" if field.table else field.title
        says = _("The recipe says {value}.").format(value=field.text(field.value))
        follows = _("It follows another value that was changed.") if field.path in self._state.followed else ""
        ui.helpLabel.text = " ".join(text for text in (field.about(), says, follows) if text) + f"\n{field.path}"
        wasBlocked = ui.valueComboBox.blockSignals(True)
        if options:
            ui.valueComboBox.clear()
            ui.valueComboBox.addItems(list(options))
            text = field.text(value)
            ui.valueComboBox.currentIndex = options.index(text) if text in options else -1
        else:
            ui.valueEdit.text = field.text(value)
        ui.valueComboBox.blockSignals(wasBlocked)

    def _onItem(self, item: Any, _former: Any = None) -> None:
        path = item.data(0, qt.Qt.UserRole) if item is not None else None
        self._path = str(path) if path else ""
        self.ui.problemLabel.text = self._state.problem
        self._showField(self._field())

    def _onActivated(self, _item: Any, _column: int = 0) -> None:
        edit = self.ui.valueEdit if not self.ui.valueEdit.isHidden() else self.ui.valueComboBox
        edit.setFocus()

    def _onValue(self) -> None:
        field = self._field()
        if field is None or self.ui.valueEdit.text == field.text(self._state.value(field.path)):
            return
        self._set(field, self.ui.valueEdit.text)

    def _onChoice(self, index: int) -> None:
        field = self._field()
        if field is not None and 0 <= index < len(field.options):
            self._set(field, field.options[index])

    def _set(self, field: RecipeField, text: str) -> None:
        try:
            value = field.parse(text)
        except ValueError as error:
            self.ui.problemLabel.text = str(error)
            return
        self._state.set(field.path, value)
        self._showField(self._field())

    def _onResetValue(self) -> None:
        if self._path:
            self._state.unset(self._path)
            self._showField(self._field())

    def _onFind(self, _value: Any = None) -> None:
        """Show the rows that have all words that are looked for, and of their sections only those with rows."""
        words = str(self.ui.findEdit.text).lower().split()
        changedOnly = self.ui.changedOnlyCheckBox.checked
        filled = set()
        for field in self._shown.fields if self._shown is not None else ():
            item = self._items.get(field.path)
            if item is None:
                continue
            about = f"{field.title} {field.table} {field.path} {field.help}".lower()
            wanted = all(word in about for word in words)
            if changedOnly:
                wanted = wanted and (self._state.isChanged(field.path) or field.path in self._state.followed)
            item.setHidden(not wanted)
            if wanted:
                filled |= {field.section, f"{field.section}/{field.table}"}
        for key, branch in self._branches.items():
            branch.setHidden(key not in filled)
            if (words or changedOnly) and key in filled:
                branch.setExpanded(True)

    def _onClose(self) -> None:
        self.dialog.hide()

    def _onLoad(self) -> None:
        self.onLoad()

    def _onSave(self) -> None:
        self.onSave()

    def _onResetAll(self) -> None:
        self.onReset()
