"""One range of the generator in the form: its name, fields for its numbers, its unit, and Reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from BrainFMTrainLib.RangeOption import COUNTS, RangeOption

TITLE, FIRST_FIELD, UNIT, RESET = 0, 1, 4, 5
"""Columns of the grid that rows lie in."""
CHANGED_MARK = "● "
_TITLE_WIDTH, _FIELD_WIDTHS = 110, (44, 76)
_WRONG = "color: #c62828"


class RangeRow:
    """The widgets of one range.

    Args:
        option: the range.
        grid: layout that the widgets are put into.
        row: of the grid.

    Attributes:
        onEdited: called with the path and the value that the user chose; None for Reset.
        onProblem: called when `problem` changes.
        onShow: called with the row after Reset: its default is to be shown.
        problem: why what the user wrote is no value, "" if it is one.
        hidden: whether the filter leaves it out.
    """

    def __init__(self, option: RangeOption, grid: Any, row: int):
        self.option, self.hidden = option, False
        self.onEdited: Callable[[str, Any], None] = lambda path, value: None
        self.onProblem: Callable[[], None] = lambda: None
        self.onShow: Callable[[RangeRow], None] = lambda row: None
        self.problem = ""
        self._showing = self._marked = False
        self._default: list[str] = []
        self._title, self._unit = qt.QLabel(option.title), qt.QLabel(option.unit)
        self._title.setWordWrap(True)
        self._title.setMinimumWidth(_TITLE_WIDTH)
        self.reset = qt.QToolButton()
        self.reset.text, self.reset.toolTip = "↺", _("Takes the default again.")
        self.reset.autoRaise = True
        self.reset.clicked.connect(self._onReset)
        self.fields = self._makeFields()
        grid.addWidget(self._title, row, TITLE)
        if option.isNumeric:
            for index, field in enumerate(self.fields):
                grid.addWidget(field, row, FIRST_FIELD + index)
        else:
            grid.addWidget(self.fields[0], row, FIRST_FIELD, 1, UNIT - FIRST_FIELD)
        grid.addWidget(self._unit, row, UNIT)
        grid.addWidget(self.reset, row, RESET)

    @property
    def title(self) -> str:
        """What stands before the fields."""
        return str(self._title.text)

    def show(self, texts: list[str], default: list[str]) -> None:
        """Show a value.

        Args:
            texts: of the fields; "" shows the default in grey.
            default: what the fields say of the default; "0 … 5" where it differs between samples.
        """
        self._showing = True
        self._default = default
        self._say("")
        for field, text, placeholder in zip(self.fields, texts, default, strict=True):
            self._put(field, text)
            if self.option.isNumeric and str(field.placeholderText) != placeholder:
                field.placeholderText = placeholder
        self._showing = False

    def mark(self, changed: bool, toolTip: str) -> None:
        """Let it look changed or not, and say what it means."""
        for widget in (self._title, *self.fields):
            widget.toolTip = toolTip
        self.reset.enabled = changed
        if changed == self._marked:
            return
        self._marked = changed
        self._title.text = (CHANGED_MARK if changed else "") + self.option.title
        font = qt.QFont(self._title.font)
        font.setBold(changed)
        self._title.font = font

    def setHidden(self, hidden: bool) -> None:
        """Hide or show the row."""
        self.hidden = hidden
        for widget in (self._title, *self.fields, self._unit, self.reset):
            widget.visible = not hidden

    def matches(self, words: list[str], groupTitle: str) -> bool:
        """Tell whether every word is somewhere in what is said about it."""
        option = self.option
        text = " ".join((option.title, option.help, option.unit, option.path, groupTitle)).lower()
        return all(word in text for word in words)

    def _makeFields(self) -> list[Any]:
        if self.option.kind == "boolean":
            box = qt.QCheckBox()
            box.toggled.connect(self._onToggled)
            return [box]
        if self.option.kind == "choice":
            combo = qt.QComboBox()
            combo.addItems(list(self.option.choices))
            combo.connect("activated(int)", self._onChosen)
            return [combo]
        fields = [qt.QLineEdit() for _number in range(COUNTS[self.option.kind])]
        for field in fields:
            field.setMinimumWidth(_FIELD_WIDTHS[0])
            field.setMaximumWidth(_FIELD_WIDTHS[1])
            field.textEdited.connect(self._onWritten)
        return fields

    def _put(self, field: Any, text: str) -> None:
        if self.option.kind == "boolean":
            field.checked = text == "1"
        elif self.option.kind == "choice":
            field.currentIndex = self.option.choices.index(text) if text in self.option.choices else -1
        elif str(field.text) != text:
            field.text = text

    def _onWritten(self) -> None:
        texts = [str(field.text).strip() for field in self.fields]
        value = None
        if any(texts) and texts != self._default:
            try:
                value = self.option.parse(texts)
            except ValueError as error:
                self._say(str(error))
                return
        self._say("")
        self.onEdited(self.option.path, value)

    def _say(self, problem: str) -> None:
        if problem == self.problem:
            return
        self.problem = problem
        for field in self.fields:
            field.styleSheet = _WRONG if problem else ""
        if not self._showing:
            self.onProblem()

    def _onToggled(self, checked: bool) -> None:
        if not self._showing:
            self.onEdited(self.option.path, checked)

    def _onChosen(self, index: int) -> None:
        self.onEdited(self.option.path, self.option.choices[index])

    def _onReset(self) -> None:
        self._say("")
        self.onEdited(self.option.path, None)
        self.onShow(self)
