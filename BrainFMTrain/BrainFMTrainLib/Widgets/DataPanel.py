"""The data set: who is in it, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
from BrainFMLib import Settings
from BrainFMLib.StepRunner import StepRunner
from slicer.i18n import tr as _

from BrainFMTrainLib.DatasetCheck import CheckResult, DatasetCheck
from BrainFMTrainLib.DatasetRows import SubjectRow, isDataset, subjectSteps

_SETTING = "Train/dataset"
_COLUMNS = 4
_PROBLEMS = 3


class DataPanel:
    """Section "Data set".

    Args:
        ui: the form's widgets by name.
        setup: SetupPanel; knows whether everything is installed.
        notice: NoticePanel.

    Attributes:
        onChanged: called when another folder is chosen.
        check: runs checks.
    """

    def __init__(self, ui: Any, setup: Any, notice: Any):
        self._ui, self._setup, self._notice = ui, setup, notice
        self.onChanged: Callable[[], None] = lambda: None
        self.check = DatasetCheck()
        self.rows: list[SubjectRow] = []
        self._reader: StepRunner | None = None
        table = ui.dataTable
        table.setColumnCount(_COLUMNS)
        table.setHorizontalHeaderLabels([_("Subject"), _("For"), _("Has"), _("Problems")])
        table.verticalHeader().hide()
        table.horizontalHeader().setSectionResizeMode(_PROBLEMS, qt.QHeaderView.Stretch)
        ui.dataProgressBar.visible = False
        ui.dataFolderEdit.currentPath = Settings.read(_SETTING)
        ui.dataFolderEdit.currentPathChanged.connect(self._onFolder)
        ui.dataCheckButton.clicked.connect(self._onCheck)
        self._onFolder()

    @property
    def folder(self) -> Path | None:
        """The data set, None if the folder is none."""
        path = self._ui.dataFolderEdit.currentPath.strip()
        return Path(path) if path and isDataset(Path(path)) else None

    def stop(self) -> None:
        """End what goes on: the module is going away."""
        self.check.discard()
        self._stopReading()

    def _onFolder(self, _path: str = "") -> None:
        self.check.discard()
        self._stopReading()
        self._showChecking(False)
        self.rows = []
        self._ui.dataTable.setRowCount(0)
        folder = self.folder
        if folder is not None:
            Settings.write(_SETTING, folder)
            self._showSummary(_("Reading…"))
            self._reader = StepRunner(subjectSteps(folder), lambda row: None, self._onRows, self._onError)
        elif self._ui.dataFolderEdit.currentPath.strip():
            self._showSummary(_("This is no prepared data set: it has no dataset.json. See the help, “Data set”."))
        else:
            self._showSummary(_("Choose the folder of a prepared data set."))
        self._ui.dataCheckButton.enabled = folder is not None
        self.onChanged()

    def _onRows(self, rows: list[SubjectRow]) -> None:
        self._reader, self.rows = None, rows
        self._ui.dataTable.setRowCount(len(rows))
        for index, row in enumerate(rows):
            self._showRow(index, row)
        for column in range(_PROBLEMS):
            self._ui.dataTable.resizeColumnToContents(column)
        counts = [sum(row.part == part for row in rows) for part in ("train", "validation", "test")]
        text = _(
            "{n} subjects: {train} for training, {validation} for validation, {test} for testing. Not checked yet."
        )
        self._showSummary(text.format(n=len(rows), train=counts[0], validation=counts[1], test=counts[2]))

    def _showRow(self, index: int, row: SubjectRow) -> None:
        problems = "" if row.problems is None else " ".join(row.problems) or _("none")
        for column, text in enumerate((row.name, row.partTitle(), row.contents(), problems)):
            cell = qt.QTableWidgetItem(text)
            cell.setToolTip(text)
            self._ui.dataTable.setItem(index, column, cell)

    def _onError(self, error: Exception) -> None:
        self._reader = None
        self._showSummary(str(error))

    def _onCheck(self) -> None:
        if self.check.running:
            self.check.cancel()
        elif self.folder is not None:
            self._setup.ensure(self._start, self._notice.notice)

    def _start(self) -> None:
        folder = self.folder
        if folder is not None:
            self._showChecking(True)
            self._showSummary(_("Checking…"))
            self.check.start(folder, self._onProgress, self._onResult)

    def _onProgress(self, fraction: float, stage: str) -> None:
        self._ui.dataProgressBar.value = int(fraction * self._ui.dataProgressBar.maximum)
        self._showSummary(stage)

    def _onResult(self, result: CheckResult) -> None:
        self._showChecking(False)
        self._showSummary(result.sentence())
        if not result.done:
            return
        for index, row in enumerate(self.rows):
            row.problems, row.wrong = result.ofSubject.get(row.name, []), row.name in result.wrong
            self._showRow(index, row)

    def _showChecking(self, checking: bool) -> None:
        self._ui.dataProgressBar.visible = checking
        self._ui.dataProgressBar.value = 0
        self._ui.dataCheckButton.text = _("Cancel") if checking else _("Check")

    def _showSummary(self, text: str) -> None:
        self._ui.dataSummaryLabel.text = text

    def _stopReading(self) -> None:
        if self._reader is not None:
            self._reader.stop()
            self._reader = None
