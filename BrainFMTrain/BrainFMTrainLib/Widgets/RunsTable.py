"""The runs in a folder with their states; one is selected, others can be ticked to compare their curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from BrainFMTrainLib.RunList import RunRow

_ICON_SIZE = 12


class RunsTable:
    """The table; rows change in place, so that nothing flickers while somebody uses it.

    Attributes:
        onSelected: called with the folder of the run that the user selected.
        onTicked: called when the user ticked other runs.
    """

    def __init__(self, table: Any):
        self._table = table
        self.onSelected: Callable[[Path], None] = lambda folder: None
        self.onTicked: Callable[[], None] = lambda: None
        self._rows: list[RunRow] = []
        self._ticked: set[Path] = set()
        table.setColumnCount(3)
        table.setHorizontalHeaderLabels([_("Run"), _("State"), _("Steps")])
        table.verticalHeader().hide()
        table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
        table.currentCellChanged.connect(self._onRow)
        table.itemChanged.connect(self._onItem)

    @property
    def rows(self) -> list[RunRow]:
        """The runs that are listed."""
        return self._rows

    def ticked(self) -> list[Path]:
        """Return the folders of the ticked runs, as they are listed."""
        return [row.folder for row in self._rows if row.folder in self._ticked]

    def show(self, rows: Sequence[RunRow], selected: Path | None) -> None:
        """List the runs."""
        folders = [row.folder for row in self._rows]
        self._rows = list(rows)
        wasBlocked = self._table.blockSignals(True)
        if folders != [row.folder for row in self._rows]:
            self._table.setRowCount(0)
            self._table.setRowCount(len(self._rows))
        for index, row in enumerate(self._rows):
            for column, text in enumerate((row.folder.name, row.stateTitle(), row.steps())):
                self._setText(index, column, text, row)
        for column in (1, 2):
            self._table.resizeColumnToContents(column)
        self._table.blockSignals(wasBlocked)
        self.mark(selected)

    def mark(self, selected: Path | None) -> None:
        """Select a run's row."""
        index = next((number for number, row in enumerate(self._rows) if row.folder == selected), -1)
        wasBlocked = self._table.blockSignals(True)
        if index < 0:
            self._table.clearSelection()
        elif self._table.currentRow() != index or not self._table.selectedItems():
            self._table.selectRow(index)
        self._table.blockSignals(wasBlocked)

    def showColors(self, colors: Mapping[Path, tuple[float, float, float]]) -> None:
        """Put the colour of its curves beside each run that has one."""
        wasBlocked = self._table.blockSignals(True)
        for index, row in enumerate(self._rows):
            self._table.item(index, 0).setIcon(_iconOf(colors.get(row.folder)))
        self._table.blockSignals(wasBlocked)

    def _setText(self, index: int, column: int, text: str, row: RunRow) -> None:
        item = self._table.item(index, column)
        if item is None:
            item = qt.QTableWidgetItem(text)
            item.setToolTip(str(row.folder))
            if column == 0:
                item.setFlags(item.flags() | qt.Qt.ItemIsUserCheckable)
                item.setCheckState(qt.Qt.Checked if row.folder in self._ticked else qt.Qt.Unchecked)
            self._table.setItem(index, column, item)
        elif item.text() != text:
            item.setText(text)

    def _onRow(self, index: int, *_others: int) -> None:
        if 0 <= index < len(self._rows):
            self.onSelected(self._rows[index].folder)

    def _onItem(self, item: Any) -> None:
        if item.column() != 0 or item.row() >= len(self._rows):
            return
        folder = self._rows[item.row()].folder
        isTicked = item.checkState() == qt.Qt.Checked
        if isTicked != (folder in self._ticked):
            self._ticked ^= {folder}
            self.onTicked()


def _iconOf(color: tuple[float, float, float] | None) -> Any:
    if color is None:
        return qt.QIcon()
    pixmap = qt.QPixmap(_ICON_SIZE, _ICON_SIZE)
    pixmap.fill(qt.QColor(*(round(255 * part) for part in color)))
    return qt.QIcon(pixmap)
