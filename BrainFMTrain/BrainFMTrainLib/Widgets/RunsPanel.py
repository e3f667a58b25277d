"""The runs in a folder, and the selected one as it goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import qt
from BrainFMLib import Settings
from slicer.i18n import tr as _

from BrainFMTrainLib.RunFollower import RunFollower
from BrainFMTrainLib.RunList import RunRow

_PREFIX = "Train/"
_PICTURE_WIDTH = 420


class RunsPanel:
    """Section "Runs".

    Attributes:
        onSelected: called with the folder of the run that the user selected.
        onStop, onResume, onUse: called with the folder of the selected run.
        onPlotChanged: called when the plot shall look different.
        onShowPlot: called when the user wants to see the plot.
    """

    def __init__(self, ui: Any):
        self._ui = ui
        self.onSelected: Callable[[Path], None] = lambda folder: None
        self.onStop: Callable[[Path], None] = lambda folder: None
        self.onResume: Callable[[Path], None] = lambda folder: None
        self.onUse: Callable[[Path], None] = lambda folder: None
        self.onPlotChanged: Callable[[], None] = lambda: None
        self.onShowPlot: Callable[[], None] = lambda: None
        self._rows: list[RunRow] = []
        self._folder: Path | None = None
        self._picture: tuple[Path, float] | None = None
        table = ui.runsTable
        table.setColumnCount(3)
        table.setHorizontalHeaderLabels([_("Run"), _("State"), _("Steps")])
        table.verticalHeader().hide()
        table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
        table.currentCellChanged.connect(self._onRow)
        ui.stopButton.clicked.connect(self._onStopPressed)
        ui.resumeButton.clicked.connect(self._onResumePressed)
        ui.useButton.clicked.connect(self._onUsePressed)
        ui.openFolderButton.clicked.connect(self._onOpenFolder)
        ui.plotButton.clicked.connect(self._onShowPlot)
        ui.logScaleCheckBox.checked = Settings.read(_PREFIX + "logScale") == "True"
        ui.smoothingSpinBox.value = int(Settings.readFloat(_PREFIX + "smoothing", 0))
        ui.logScaleCheckBox.toggled.connect(self._onPlotChanged)
        ui.termsCheckBox.toggled.connect(self._onPlotChanged)
        ui.smoothingSpinBox.valueChanged.connect(self._onPlotChanged)
        self.showRuns([])
        self.showRun(None)

    @property
    def log(self) -> bool:
        """Whether losses are shown on a logarithmic axis."""
        return self._ui.logScaleCheckBox.checked

    @property
    def terms(self) -> bool:
        """Whether every loss is shown, not only the total."""
        return self._ui.termsCheckBox.checked

    @property
    def smoothing(self) -> int:
        """How many neighbours are averaged."""
        return self._ui.smoothingSpinBox.value

    def showRuns(self, rows: Sequence[RunRow]) -> None:
        """List the runs; the selected one stays selected."""
        table = self._ui.runsTable
        self._rows = list(rows)
        wasBlocked = table.blockSignals(True)
        table.setRowCount(len(self._rows))
        for index, row in enumerate(self._rows):
            for column, text in enumerate((row.folder.name, row.stateTitle(), row.steps())):
                cell = qt.QTableWidgetItem(text)
                cell.setToolTip(str(row.folder))
                table.setItem(index, column, cell)
        for column in (1, 2):
            table.resizeColumnToContents(column)
        self._mark()
        table.blockSignals(wasBlocked)

    def select(self, folder: Path | None) -> None:
        """Say which run is selected."""
        self._folder = folder
        wasBlocked = self._ui.runsTable.blockSignals(True)
        self._mark()
        self._ui.runsTable.blockSignals(wasBlocked)

    def showRun(self, follower: RunFollower | None, stopping: bool = False, busy: bool = False) -> None:
        """Show how the selected run is.

        Args:
            follower: of the selected run, None if there is none.
            stopping: whether it was asked to stop.
            busy: whether something is being started, or a model installed.
        """
        ui, row = self._ui, follower.row if follower is not None else None
        alive = row is not None and (row.alive or stopping)
        ui.stopButton.enabled = alive
        ui.stopButton.text = _("End at once") if stopping else _("Stop")
        ui.resumeButton.enabled = row is not None and row.resumable and not stopping and not busy
        ui.useButton.enabled = row is not None and row.hasModel and not busy
        ui.openFolderButton.enabled = row is not None
        ui.plotButton.enabled = follower is not None and bool(follower.curves.names)
        ui.runProgressBar.visible = alive
        if follower is None or row is None:
            ui.runLabel.text = _("Select a run to follow it.") if self._rows else _("There are no runs here yet.")
            ui.factsLabel.text = ""
            self._showPicture(None)
            return
        sentence = _("It finishes its step, saves and stops.") if stopping else row.sentence()
        left = follower.timeLeft()
        ui.runLabel.text = f"{row.folder.name}: {sentence}"
        ui.runProgressBar.value = int(follower.fraction() * ui.runProgressBar.maximum)
        ui.factsLabel.text = " · ".join(text for text in (follower.facts.sentence(row), left) if text)
        self._showPicture(follower.newestPicture())

    def _showPicture(self, path: Path | None) -> None:
        try:
            picture = (path, path.stat().st_mtime) if path is not None else None
        except OSError:
            return
        if picture == self._picture and path is not None:
            return
        self._picture = picture
        pixmap = qt.QPixmap(str(path)) if path is not None else qt.QPixmap()
        self._ui.pictureLabel.visible = not pixmap.isNull()
        if not pixmap.isNull():
            self._ui.pictureLabel.pixmap = pixmap.scaledToWidth(_PICTURE_WIDTH, qt.Qt.SmoothTransformation)

    def _mark(self) -> None:
        index = next((number for number, row in enumerate(self._rows) if row.folder == self._folder), -1)
        if index >= 0:
            self._ui.runsTable.selectRow(index)
        else:
            self._ui.runsTable.clearSelection()

    def _onRow(self, index: int, *_others: int) -> None:
        if 0 <= index < len(self._rows):
            self._folder = self._rows[index].folder
            self.onSelected(self._folder)

    def _onStopPressed(self) -> None:
        if self._folder is not None:
            self.onStop(self._folder)

    def _onResumePressed(self) -> None:
        if self._folder is not None:
            self.onResume(self._folder)

    def _onUsePressed(self) -> None:
        if self._folder is not None:
            self.onUse(self._folder)

    def _onOpenFolder(self) -> None:
        if self._folder is not None:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self._folder)))

    def _onShowPlot(self) -> None:
        self.onShowPlot()

    def _onPlotChanged(self, *_values: Any) -> None:
        Settings.write(_PREFIX + "logScale", self.log)
        Settings.write(_PREFIX + "smoothing", self.smoothing)
        self.onPlotChanged()
