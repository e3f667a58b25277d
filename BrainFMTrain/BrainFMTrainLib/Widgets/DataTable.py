"""The table of a data set's subjects: what each is for, what it has, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from BrainFMTrainLib.DatasetRows import SubjectRow

FIRST_HAS = 2
PROBLEMS_WIDTH = 220
_THERE, _UNUSABLE = "✓", "⚠"


class DataTable:
    """Shows rows in a QTableWidget.

    Args:
        table: the widget.

    Attributes:
        onSelected: called when other rows are selected.
        onCurrent: called with the SubjectRow that the user went to.
    """

    def __init__(self, table: Any):
        self._table = table
        self._rows: list[SubjectRow] = []
        self._quiet = False
        self.onSelected: Callable[[], None] = lambda: None
        self.onCurrent: Callable[[SubjectRow], None] = lambda row: None
        titles = _titles()
        self.problems = len(titles) - 1
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels([title for title, _tip in titles])
        for column, (_title, tip) in enumerate(titles):
            table.horizontalHeaderItem(column).setToolTip(tip)
        table.verticalHeader().hide()
        table.horizontalHeader().setSectionResizeMode(self.problems, qt.QHeaderView.Stretch)
        table.horizontalHeader().setHighlightSections(False)
        table.currentCellChanged.connect(self._onCurrent)
        table.itemSelectionChanged.connect(self._onSelection)

    def show(self, rows: Sequence[SubjectRow]) -> None:
        """Show other rows; nothing is selected then."""
        self._quiet = True
        self._rows = list(rows)
        self._table.setRowCount(0)
        self._table.setRowCount(len(rows))
        for index in range(len(rows)):
            self.update(index)
        for column in range(self.problems):
            self._table.resizeColumnToContents(column)
        self._fitProblems()
        self._quiet = False

    def update(self, index: int) -> None:
        """Show a row that changed."""
        row = self._rows[index]
        problems = "" if row.problems is None else " ".join(row.problems) or _("none")
        problems = f"{_UNUSABLE} {problems}" if row.wrong else problems
        marks = [_THERE if there else "" for there in row.has()]
        for column, text in enumerate((row.name, row.partTitle(), *marks, problems)):
            cell = qt.QTableWidgetItem(text)
            cell.setToolTip(text)
            if FIRST_HAS <= column < self.problems:
                cell.setTextAlignment(qt.Qt.AlignCenter)
            self._table.setItem(index, column, cell)

    def selected(self) -> list[SubjectRow]:
        """Return the rows that are selected, from top to bottom."""
        indexes = sorted({cell.row() for cell in self._table.selectedItems()})
        return [self._rows[index] for index in indexes if index < len(self._rows)]

    def _fitProblems(self) -> None:
        """Give the words the room that is left, or in a narrow panel enough to be read after scrolling."""
        header = self._table.horizontalHeader()
        used = sum(header.sectionSize(column) for column in range(self.problems))
        enough = self._table.viewport().width - used >= PROBLEMS_WIDTH
        header.setSectionResizeMode(self.problems, qt.QHeaderView.Stretch if enough else qt.QHeaderView.Interactive)
        if not enough:
            header.resizeSection(self.problems, PROBLEMS_WIDTH)

    def _onCurrent(self, index: int, _column: int = 0, _before: int = 0, _columnBefore: int = 0) -> None:
        if not self._quiet and 0 <= index < len(self._rows):
            self.onCurrent(self._rows[index])

    def _onSelection(self) -> None:
        if not self._quiet:
            self.onSelected()


def _titles() -> list[tuple[str, str]]:
    """Return title and tool tip of each column."""
    return [
        (_("Subject"), _("Click for a picture")),
        (_("For"), _("The part of the split that it belongs to")),
        (_("Labels"), _("It has a label map: images can be painted from it")),
        (_("T1"), _("It has a T1-weighted scan")),
        (_("T2"), _("It has a T2-weighted scan")),
        (_("FLAIR"), _("It has a FLAIR scan")),
        (_("CT"), _("It has a CT")),
        (_("Dist."), _("It has distances to the cortical surfaces")),
        (_("Atlas"), _("It has coordinates in the atlas")),
        (_("Problems"), _("What the check found")),
    ]
