"""The data set: who is in it, and what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
from BrainFMLib import Settings
from BrainFMLib.StepRunner import StepRunner
from BrainFMLib.Widgets.Texts import sentence
from slicer.i18n import tr as _

from BrainFMTrainLib.DatasetCheck import CheckResult, DatasetCheck
from BrainFMTrainLib.DatasetRows import SubjectRow, countSentence, isDataset, subjectSteps
from BrainFMTrainLib.SubjectPictures import SubjectPictures
from BrainFMTrainLib.Widgets.DataTable import DataTable
from BrainFMTrainLib.Widgets.PreparePanel import PreparePanel
from BrainFMTrainLib.Widgets.SplitPanel import SplitPanel

_SETTING = "Train/dataset"


class DataPanel:
    """Section "Data set".

    Args:
        ui: the form's widgets by name.
        setup: SetupPanel; knows whether everything is installed.
        notice: NoticePanel.

    Attributes:
        onChanged: called when another folder is chosen.
        check: runs checks.
        pictures: draws subjects.
        split, prepare: the parts of the section that change and make data sets.
    """

    def __init__(self, ui: Any, setup: Any, notice: Any):
        self._ui, self._setup, self._notice = ui, setup, notice
        self.onChanged: Callable[[], None] = lambda: None
        self.check, self.pictures = DatasetCheck(), SubjectPictures()
        self.rows: list[SubjectRow] = []
        self._reader: StepRunner | None = None
        self._checked = ""
        self._found: CheckResult | None = None
        self._shown: SubjectRow | None = None
        self.table = DataTable(ui.dataTable)
        self.split, self.prepare = SplitPanel(ui, setup, notice), PreparePanel(ui, setup, notice)
        ui.dataProgressBar.visible = False
        ui.dataFolderEdit.currentPath = Settings.read(_SETTING)
        self._connect()
        self._onFolder()

    @property
    def folder(self) -> Path | None:
        """The data set, None if the folder is none."""
        path = self._ui.dataFolderEdit.currentPath.strip()
        return Path(path) if path and isDataset(Path(path)) else None

    def stop(self) -> None:
        """End what goes on: the module is going away."""
        self.check.discard()
        self.pictures.stop()
        self.split.editor.stop()
        self.prepare.stop()
        self._stopReading()

    def _connect(self) -> None:
        self._ui.dataFolderEdit.currentPathChanged.connect(self._onFolder)
        self._ui.dataCheckButton.clicked.connect(self._onCheck)
        self.table.onSelected, self.table.onCurrent = self.split.update, self._onRow
        self.pictures.onPicture, self.pictures.onProblem = self._showPicture, self._showNoPicture
        self.split.selected, self.split.onChanged = self.table.selected, self._onMoved
        self.split.onSay = lambda text: self._showSummary(f"{text} {self._sentence()}")
        self.prepare.onPrepared = self._onPrepared

    # The folder

    def _onFolder(self, _path: str = "") -> None:
        self.check.discard()
        self.pictures.forget()
        self._stopReading()
        self._showChecking(False)
        self.rows, self._checked, self._found = [], "", None
        self.table.show([])
        self.split.open(None, [])
        self._showSubject(None)
        folder = self.folder
        if folder is not None:
            Settings.write(_SETTING, folder)
            self._showSummary(_("Reading…"))
            self._reader = StepRunner(subjectSteps(folder), lambda row: None, self._onRows, self._onError)
        else:
            self._showSummary(self._noDataset())
        self._ui.dataCheckButton.enabled = folder is not None
        self.onChanged()

    def _noDataset(self) -> str:
        path = self._ui.dataFolderEdit.currentPath.strip()
        if not path:
            return _("Choose the folder of a prepared data set, or make one with “Prepare…”.")
        if os.path.isfile(path):
            return _("This is a file. Choose the folder of a prepared data set.")
        if not os.path.isdir(path):
            return _("There is no such folder.")
        return _("This is no prepared data set: it has no dataset.json. Make one with “Prepare…”.")

    def _onRows(self, rows: list[SubjectRow]) -> None:
        self._reader, self.rows = None, rows
        self.table.show(rows)
        self.split.open(self.folder, rows)
        self._showSummary(self._sentence())

    def _onError(self, error: Exception) -> None:
        self._reader = None
        reason = getattr(error, "strerror", None) or error
        self._showSummary(_("The data set cannot be read: {reason}").format(reason=reason))

    def _onPrepared(self, folder: Path) -> None:
        if self._ui.dataFolderEdit.currentPath == str(folder):
            self._onFolder()
        else:
            self._ui.dataFolderEdit.currentPath = str(folder)

    # A subject

    def _onRow(self, row: SubjectRow) -> None:
        folder = self.folder
        self.pictures.forget()
        if folder is None or row.failed or not self._setup.ready:
            self._showSubject(row)
            return
        self._showSubject(row, _("Drawing…"))
        self.pictures.ask(folder, row.name)

    def _showSubject(self, row: SubjectRow | None, about: str = "", picture: Any = None) -> None:
        """Show the problems of a subject in full, and its picture or what is to be said of it."""
        self._shown, label = row, self._ui.dataPictureLabel
        problems = map(sentence, (row.problems if row else None) or ())
        words = " ".join([*problems, sentence(about)]).strip()
        self._ui.dataSubjectLabel.visible = bool(words)
        self._ui.dataSubjectLabel.text = f"{row.name}: {words}" if row else ""
        if picture is not None:
            label.pixmap = picture
        label.visible = picture is not None

    def _showPicture(self, path: Path) -> None:
        pixmap = qt.QPixmap(str(path))
        if pixmap.isNull():
            self._showSubject(self._shown, _("The picture cannot be read."))
        else:
            self._showSubject(self._shown, picture=pixmap)

    def _showNoPicture(self, text: str) -> None:
        self._showSubject(self._shown, text)

    def _onMoved(self, names: list[str]) -> None:
        for index, row in enumerate(self.rows):
            if row.name in names:
                self.table.update(index)

    # The check

    def _onCheck(self) -> None:
        if self.check.running:
            self.check.cancel()
        elif self.folder is not None:
            self._setup.ensure(self._start, self._notice.notice)
        else:
            self._onFolder()  # it was removed meanwhile

    def _start(self) -> None:
        folder = self.folder
        if folder is not None:
            self._showChecking(True)
            self._showSummary(_("Checking…"))
            self._stopReading()
            self._found = None
            self._reader = StepRunner(subjectSteps(folder), lambda row: None, self._onRowsAgain, self._onError)
            self.check.start(folder, self._onProgress, self._onResult)

    def _onRowsAgain(self, rows: list[SubjectRow]) -> None:
        """Whoever presses Check also wants to see what has changed in the folder."""
        self._reader = None
        isSame = [row.facts() for row in rows] == [row.facts() for row in self.rows]
        if not isSame and not self.split.editor.busy:
            self.rows = rows
            self.table.show(rows)
            self.split.open(self.folder, rows)
            self._showSubject(None)
            self._tellProblems()

    def _onProgress(self, fraction: float, stage: str) -> None:
        self._ui.dataProgressBar.value = int(fraction * self._ui.dataProgressBar.maximum)
        self._showSummary(stage)

    def _onResult(self, result: CheckResult) -> None:
        self._showChecking(False)
        if not result.done:
            self._showSummary(result.sentence())
            return
        self._checked, self._found = result.sentence(), result
        self._showSummary(self._checked)
        self._tellProblems()

    def _tellProblems(self) -> None:
        """Show what the check found beside each subject."""
        result = self._found
        if result is None:
            return
        for index, row in enumerate(self.rows):
            if not row.failed:
                row.problems, row.wrong = result.ofSubject.get(row.name, []), row.name in result.wrong
                self.table.update(index)
        pictured = not self._ui.dataPictureLabel.isHidden()
        self._showSubject(self._shown, picture=self._ui.dataPictureLabel.pixmap if pictured else None)

    def _sentence(self) -> str:
        return f"{countSentence(self.rows)} {self._checked or _('Not checked yet.')}"

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
