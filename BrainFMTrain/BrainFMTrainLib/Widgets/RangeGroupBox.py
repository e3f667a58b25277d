"""A group of ranges in the form: a box to open and close, with their rows and Reset."""

from __future__ import annotations

from collections.abc import Callable

import ctk
import qt
from slicer.i18n import tr as _

from BrainFMTrainLib.GeneratorRanges import RangeGroup
from BrainFMTrainLib.RangeOption import RangeOption
from BrainFMTrainLib.Widgets.RangeRow import RESET, TITLE, UNIT, RangeRow


class RangeGroupBox:
    """Ranges that belong together.

    Args:
        group: the ranges.
        onReset: called with the group when its Reset is pressed.

    Attributes:
        title: of the group.
        rows: that were added.
        widget: the box.
        reset: the button.
    """

    def __init__(self, group: RangeGroup, onReset: Callable[[RangeGroup], None]):
        self._group, self._onReset = group, onReset
        self.title = group.title
        self.rows: list[RangeRow] = []
        self._wasCollapsed: bool | None = None
        self.widget = ctk.ctkCollapsibleGroupBox()
        self.widget.title, self.widget.objectName = group.title, f"ranges-{group.name}"
        contents = qt.QWidget()
        outer = qt.QVBoxLayout(self.widget)
        outer.setContentsMargins(4, 4, 4, 4)
        outer.addWidget(contents)
        self._grid = qt.QGridLayout(contents)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(TITLE, 1)
        self.reset = qt.QPushButton(_("Reset group"))
        self.reset.visible, self.reset.autoDefault = False, False
        self.reset.toolTip = _("Takes the defaults of this group again.")
        self.reset.clicked.connect(self._onClicked)
        self._grid.addWidget(self.reset, 0, UNIT - 1, 1, RESET - UNIT + 2)
        self.widget.collapsed = True

    def add(self, option: RangeOption) -> RangeRow:
        """Make the row of a range."""
        self.rows.append(RangeRow(option, self._grid, len(self.rows) + 1))
        return self.rows[-1]

    def showCount(self, changed: int) -> None:
        """Say how many are changed."""
        self.widget.title = f"{self.title} ({_('{n} changed').format(n=changed)})" if changed else self.title
        self.reset.visible = bool(changed)

    def showFiltered(self, filtered: bool) -> None:
        """Open the group if something in it was found; without a filter it is as it was before."""
        found = any(not row.hidden for row in self.rows)
        self.widget.visible = found
        if filtered and self._wasCollapsed is None:
            self._wasCollapsed = self.widget.collapsed
        if filtered:
            self.widget.collapsed = not found
        elif self._wasCollapsed is not None:
            self.widget.collapsed, self._wasCollapsed = self._wasCollapsed, None

    def _onClicked(self) -> None:
        self._onReset(self._group)
