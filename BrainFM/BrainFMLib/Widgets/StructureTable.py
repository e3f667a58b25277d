"""The table of volumes in the panel: coloured, sortable, searchable; a click goes to the structure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from BrainFMLib.VolumesTable import VolumeRow

_NAME, _VOLUME, _QC = 0, 1, 2
_SWATCH, _ROW_HEIGHT = 12, 22
_FRAME = (128, 128, 128)


class StructureTable:
    """The table widget with its search field.

    Attributes:
        onStructure: called with the name of a structure when the user goes to its row.
    """

    def __init__(self, table: Any, searchField: Any):
        self._table, self._search = table, searchField
        self.onStructure: Callable[[str], None] = lambda name: None
        table.setColumnCount(3)
        table.setHorizontalHeaderLabels([_("Structure"), _("Volume (ml)"), _("QC")])
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setSectionResizeMode(_NAME, qt.QHeaderView.Stretch)
        for column in (_VOLUME, _QC):
            header.setSectionResizeMode(column, qt.QHeaderView.ResizeToContents)
        header.setSectionsClickable(True)
        header.sectionClicked.connect(self._onHeader)
        table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        table.cellClicked.connect(self._onClick)
        table.currentCellChanged.connect(self._onMove)
        searchField.textChanged.connect(self._onSearch)
        self._rows: list[VolumeRow] = []
        self._colors: Mapping[str, tuple[float, float, float]] = {}
        self._order = (-1, False)

    def fill(self, rows: Sequence[VolumeRow], colors: Mapping[str, tuple[float, float, float]]) -> None:
        """Show these rows, the total first.

        Args:
            rows: of the volumes table.
            colors: name of a structure to red, green, blue (0..1).
        """
        self._rows, self._colors = list(rows), colors
        self._show()

    def _show(self) -> None:
        keys = {_NAME: lambda row: row.name, _VOLUME: lambda row: row.volume_ml, _QC: lambda row: row.qc}
        column, descending = self._order
        rows = sorted(self._rows, key=keys[column], reverse=descending) if column in keys else self._rows
        table = self._table
        wasBlocked = table.blockSignals(True)
        table.setRowCount(len(rows))
        for index, row in enumerate(sorted(rows, key=lambda row: row.id is not None)):
            self._setRow(index, row, self._colors.get(row.name))
        table.setCurrentItem(None)
        table.blockSignals(wasBlocked)
        self._onSearch(self._search.text)

    def _setRow(self, index: int, row: VolumeRow, color: tuple[float, float, float] | None) -> None:
        name = qt.QTableWidgetItem(row.name)
        name.setIcon(qt.QIcon(_swatch(color)))
        if row.id is None:
            font = name.font()
            font.setBold(True)
            name.setFont(font)
        volume = qt.QTableWidgetItem(f"{row.volume_ml:.2f}")
        volume.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
        volume.setToolTip(_("{labelled:.2f} ml are labelled").format(labelled=row.labelled_ml))
        qc = qt.QTableWidgetItem({"ok": _("ok"), "check": _("check")}[row.qc])
        found = row.confidence is not None
        sure = _("Mean probability {value:.2f}").format(value=row.confidence) if found else _("Not found in this scan")
        qc.setToolTip(sure)
        for column, item in ((_NAME, name), (_VOLUME, volume), (_QC, qc)):
            self._table.setItem(index, column, item)

    def _onHeader(self, column: int) -> None:
        """Sort by a column; by volume the largest first, and a second click turns the order."""
        former, descending = self._order
        self._order = (column, not descending if column == former else column == _VOLUME)
        self._show()

    def _onClick(self, row: int, _column: int) -> None:
        self._go(row)

    def _onMove(self, row: int, _column: int, former: int, _formerColumn: int) -> None:
        """Follow the arrow keys; a click is told by the other signal."""
        if row != former and row >= 0 and self._table.hasFocus():
            self._go(row)

    def _go(self, row: int) -> None:
        item = self._table.item(row, _NAME)
        if item is not None:
            self.onStructure(item.text())

    def _onSearch(self, text: str) -> None:
        for row in range(self._table.rowCount):
            name = self._table.item(row, _NAME).text()
            self._table.setRowHidden(row, text.lower() not in name.lower())


def _swatch(color: tuple[float, float, float] | None) -> qt.QPixmap:
    """Return a square of a colour with a thin frame, as white matter is white; a clear one for None."""
    swatch = qt.QPixmap(_SWATCH, _SWATCH)
    swatch.fill(qt.QColor(*_FRAME) if color is not None else qt.QColor(0, 0, 0, 0))
    if color is not None:
        painter = qt.QPainter(swatch)
        painter.fillRect(1, 1, _SWATCH - 2, _SWATCH - 2, qt.QColor.fromRgbF(*color))
        painter.end()
    return swatch
