"""The table of scores of two models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from BrainFMTrainLib.CompareResult import FIRST, SECOND, CompareResult, ScoreRow

_ROW_HEIGHT = 22


class CompareScores:
    """Rows of what was measured: the first model, the second, and the difference; the better one is bold.

    Args:
        table: QTableWidget.
    """

    def __init__(self, table: Any):
        self._table = table
        table.setColumnCount(4)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
        self.show(None, False)

    def show(self, result: CompareResult | None, every: bool) -> None:
        """Show the scores of a comparison, None for none.

        Args:
            result: of which they are.
            every: whether each number is shown, not only the one that tells most about a task.
        """
        table, rows = self._table, _chosen(result, every)
        table.setHorizontalHeaderLabels([_("Score"), _("First"), _("Second"), _("Difference")])
        for column, title in enumerate(result.titles if result is not None else ("", ""), start=1):
            table.horizontalHeaderItem(column).setToolTip(title)
        table.setRowCount(len(rows))
        for index, row in enumerate(rows):
            self._fill(index, row)
        for column in (1, 2, 3):
            table.resizeColumnToContents(column)

    def _fill(self, index: int, row: ScoreRow) -> None:
        first, second = _number(row.first), _number(row.second)
        better = row.better() if first != second else ""  # what looks alike is alike
        texts = (
            (scoreTitle(row), False),
            (first, better == FIRST),
            (second, better == SECOND),
            (_number(row.difference, signed=True), False),
        )
        hint = _("Higher is better.") if row.higherIsBetter else _("Lower is better.")
        unit = f" ({row.unit})" if row.unit else ""
        for column, (text, bold) in enumerate(texts):
            cell = qt.QTableWidgetItem(text)
            cell.setToolTip(f"{row.title}: {row.metric}{unit}. {hint}")
            if column:
                cell.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
            if bold:
                font = cell.font()
                font.setBold(True)
                cell.setFont(font)
            self._table.setItem(index, column, cell)


def scoreTitle(row: ScoreRow) -> str:
    """Return what users read for a score; the engine's own words stand in the tool tip."""
    tasks = {
        "seg": _("Anatomy"),
        "registration": _("Atlas"),
        "distance": _("Cortex"),
        "bias": _("Bias field"),
        "highres": _("Super-resolution"),
    }
    metrics = {
        "mean Dice": _("mean Dice"),
        "median error in brain": _("median error"),
        "L1 inside ±3 mm": _("mean error nearby"),
        "norm-L2 in brain": _("error"),
        "L1 in brain": _("mean error in brain"),
        "L1 in head": _("mean error in head"),
    }
    unit = f" ({row.unit})" if row.unit else ""
    return f"{tasks.get(row.task, row.task)}: {metrics.get(row.metric, row.metric)}{unit}"


def _chosen(result: CompareResult | None, every: bool) -> Sequence[ScoreRow]:
    return [row for row in result.scores if every or row.main] if result is not None else []


def _number(value: float | None, signed: bool = False) -> str:
    if value is None:
        return "–"
    digits = 3 if abs(value) < 10 else 1
    return f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
