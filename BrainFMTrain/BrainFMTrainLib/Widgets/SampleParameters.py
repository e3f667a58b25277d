"""What was drawn for each sample: a table with a row for each parameter and a column for each sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import qt
from slicer.i18n import tr as _

_NONE = "–"
_ROW_HEIGHT = 22
_DIFFERENT = (255, 200, 60, 80)
GROUP, SAME, DIFFERENT = "group", "same", "different"
"""What a row is, in its first cell."""


@dataclass(frozen=True)
class ParameterRow:
    """One parameter of all samples.

    Attributes:
        group: name of its group.
        title: that users read.
        unit: "" for none.
        values: one text a sample, without the unit.
    """

    group: str
    title: str
    unit: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the samples are not all the same."""
        return len(set(self.values)) > 1

    @property
    def name(self) -> str:
        """Title and unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


def groupTitles() -> dict[str, str]:
    """Return the name of each group of parameters -> what users read."""
    return {
        "shape": _("Shape of the head"),
        "surroundings": _("Around the brain"),
        "contrast": _("Contrast"),
        "real": _("Image"),
        "lesion": _("Lesion"),
        "brightness": _("Brightness"),
        "resolution": _("Resolution"),
        "noise": _("Noise"),
        "artefacts": _("Artefacts"),
        "grid": _("Grid"),
    }


def rowsOf(samples: Sequence[Mapping[str, Any]]) -> list[ParameterRow]:
    """Return what was drawn for samples, by group; groups in which the samples differ come first.

    Args:
        samples: facts of samples, see `brainfm preview`.
    """
    found: dict[str, dict[str, Any]] = {}
    values: dict[str, dict[int, str]] = {}
    for column, sample in enumerate(samples):
        for fact in sample.get("parameters") or ():
            found.setdefault(fact["path"], fact)
            unit = fact.get("unit") or ""
            text = str(fact.get("text", fact.get("value")))
            values.setdefault(fact["path"], {})[column] = text.removesuffix(f" {unit}") if unit else text
    order = {name: number for number, name in enumerate(groupTitles())}
    rows = [
        ParameterRow(
            fact.get("group") or "",
            fact.get("title") or path,
            fact.get("unit") or "",
            tuple(values[path].get(column, _NONE) for column in range(len(samples))),
        )
        for path, fact in found.items()
    ]
    different = {row.group for row in rows if row.differs}
    return sorted(rows, key=lambda row: (row.group not in different, order.get(row.group, len(order)), row.group))


class SampleParameters:
    """The table below the samples.

    Args:
        ui: the form's widgets by name.
    """

    def __init__(self, ui: Any):
        self._ui, self._table = ui, ui.sampleTable
        self._rows: list[ParameterRow] = []
        self._heads: list[str] = []
        self._table.verticalHeader().hide()
        self._table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        ui.sampleDifferencesCheckBox.toggled.connect(self._onFilter)
        ui.sampleCopyButton.clicked.connect(self._onCopy)
        self._show()

    def show(self, samples: Sequence[Mapping[str, Any]]) -> None:
        """Show what was drawn for these samples; nothing for none.

        Args:
            samples: facts of samples, see `brainfm preview`, from left to right.
        """
        self._rows = rowsOf(samples)
        self._heads = [
            _("{n}: {severity:.2f}").format(n=sample["index"] + 1, severity=float(sample["severity"]))
            for sample in samples
        ]
        self._show()

    def text(self) -> str:
        """Return the table as text with tabs, for a spreadsheet."""
        titles = groupTitles()
        lines = [[_("Group"), _("Parameter"), _("Unit"), *self._heads]]
        lines += [[titles.get(row.group, row.group), row.title, row.unit, *row.values] for row in self._rows]
        return "\n".join("\t".join(line) for line in lines) + "\n"

    def _show(self) -> None:
        table = self._table
        self._ui.sampleParametersContents.visible = bool(self._rows)
        table.clearSpans()
        table.setRowCount(0)
        table.setColumnCount(1 + len(self._heads))
        table.setHorizontalHeaderLabels([_("Sample: severity"), *self._heads])
        titles, group = groupTitles(), None
        for row in self._rows:
            if row.group != group:
                group = row.group
                self._addGroup(titles.get(group, group))
            self._addRow(row)
        header = table.horizontalHeader()
        if self._heads:
            header.setSectionResizeMode(0, qt.QHeaderView.ResizeToContents)
            header.setMinimumSectionSize(max(header.sectionSizeHint(1 + n) for n in range(len(self._heads))))
            for column in range(len(self._heads)):
                header.setSectionResizeMode(1 + column, qt.QHeaderView.Stretch)
        self._onFilter()

    def _addGroup(self, title: str) -> None:
        number = self._table.rowCount
        self._table.insertRow(number)
        item = qt.QTableWidgetItem(title)
        font = item.font()
        font.setBold(True)
        item.setFont(font)
        item.setData(qt.Qt.UserRole, GROUP)
        self._table.setItem(number, 0, item)
        self._table.setSpan(number, 0, 1, self._table.columnCount)

    def _addRow(self, row: ParameterRow) -> None:
        number = self._table.rowCount
        self._table.insertRow(number)
        values = row.values if row.differs else row.values[:1]
        for column, text in enumerate((row.name, *values)):
            item = qt.QTableWidgetItem(text)
            item.setToolTip(f"{row.name}: {text}" if column else row.name)
            if column:
                item.setTextAlignment(qt.Qt.AlignCenter)
            if row.differs:
                item.setBackground(qt.QBrush(qt.QColor(*_DIFFERENT)))
            item.setData(qt.Qt.UserRole, DIFFERENT if row.differs else SAME)
            self._table.setItem(number, column, item)
        if not row.differs and len(row.values) > 1:
            self._table.setSpan(number, 1, 1, len(row.values))

    def _onFilter(self, _checked: bool = False) -> None:
        """Hide what all samples share, and groups of which nothing is left."""
        onlyDifferent, table, group = self._ui.sampleDifferencesCheckBox.checked, self._table, -1
        for number in range(table.rowCount):
            kind = table.item(number, 0).data(qt.Qt.UserRole)
            hidden = onlyDifferent and kind != DIFFERENT
            table.setRowHidden(number, hidden)
            if kind == GROUP:
                group = number
            elif not hidden:
                table.setRowHidden(group, False)

    def _onCopy(self) -> None:
        qt.QApplication.clipboard().setText(self.text())
