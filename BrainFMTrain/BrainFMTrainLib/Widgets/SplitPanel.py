"""Who learns, who chooses, who judges: moving the selected subjects to another part of the split."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from BrainFMTrainLib.DatasetRows import PARTS, SubjectRow, partTitles, relatives
from BrainFMTrainLib.SplitEditor import SplitEditor


class SplitPanel:
    """The line "Selected" under the table.

    Args:
        ui: the form's widgets by name.
        setup: SetupPanel.
        notice: NoticePanel.

    Attributes:
        selected: returns the rows that are selected in the table.
        onChanged: called with the names of subjects that have another part now.
        onSay: called with a sentence about what was done.
        editor: writes the changes.
    """

    def __init__(self, ui: Any, setup: Any, notice: Any):
        self._ui, self._setup, self._notice = ui, setup, notice
        self.selected: Callable[[], list[SubjectRow]] = list
        self.onChanged: Callable[[list[str]], None] = lambda names: None
        self.onSay: Callable[[str], None] = lambda text: None
        self.editor = SplitEditor()
        self._rows: list[SubjectRow] = []
        self._along = 0
        for part in PARTS:
            ui.dataPartComboBox.addItem(partTitles()[part], part)
        ui.dataMoveButton.clicked.connect(self._onMove)
        ui.dataUndoButton.clicked.connect(lambda: self._setup.ensure(self.editor.undo, self._notice.notice))
        ui.dataResetButton.clicked.connect(lambda: self._setup.ensure(self.editor.reset, self._notice.notice))
        self.editor.onChanged, self.editor.onProblem = self._onEditor, self._onProblem
        self.open(None, [])

    def open(self, folder: Path | None, rows: list[SubjectRow]) -> None:
        """Show the split of a data set, None for none."""
        self._rows = [row for row in rows if not row.failed]
        self.editor.open(folder, {row.name: row.part for row in self._rows})
        self._ui.dataSplitWidget.visible = folder is not None and bool(self._rows)
        self.update()

    def update(self) -> None:
        """Enable what can be done now."""
        movable = any(not row.failed for row in self.selected())
        self._ui.dataMoveButton.enabled = movable and not self.editor.busy
        self._ui.dataUndoButton.enabled = self.editor.canUndo
        self._ui.dataResetButton.enabled = self.editor.canReset

    def _onMove(self) -> None:
        part = PARTS[self._ui.dataPartComboBox.currentIndex]
        names = [row.name for row in self.selected() if not row.failed]
        along = relatives(self._rows, names, part)
        self._along = len(along)
        moves = dict.fromkeys([*names, *along], part)
        self._notice.clearNotice()
        self._setup.ensure(lambda: self.editor.move(moves), self._notice.notice)

    def _onEditor(self) -> None:
        changed = [row for row in self._rows if row.part != self.editor.parts.get(row.name, row.part)]
        for row in changed:
            row.part = self.editor.parts[row.name]
        self.update()
        if changed:
            self.onChanged([row.name for row in changed])
            self.onSay(self._sentence(len(changed)))

    def _sentence(self, count: int) -> str:
        along, self._along = self._along, 0
        text = _("Moved: {n}.").format(n=count)
        return f"{text} {_('Scans of the same person moved along.')}" if along else text

    def _onProblem(self, message: str, hint: str, details: str) -> None:
        self._notice.notice(message, hint, details)
