"""The runs in a folder, and the selected one as it goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from BrainFMTrainLib.RunFollower import RunFollower
from BrainFMTrainLib.RunList import RunRow
from BrainFMTrainLib.Widgets.CurvesPanel import CurvesPanel
from BrainFMTrainLib.Widgets.RunsTable import RunsTable


class RunsPanel:
    """Section "Runs".

    Attributes:
        onSelected: called with the folder of the run that the user selected.
        onStop, onResume, onUse: called with the folder of the selected run.
        onShowPlot, onShowPicture: called when the user wants to see them.
        table: the list of runs.
        curves: the choice of curves.
    """

    def __init__(self, ui: Any):
        self._ui = ui
        self.onSelected: Callable[[Path], None] = lambda folder: None
        self.onStop: Callable[[Path], None] = lambda folder: None
        self.onResume: Callable[[Path], None] = lambda folder: None
        self.onUse: Callable[[Path], None] = lambda folder: None
        self.onShowPlot: Callable[[], None] = lambda: None
        self.onShowPicture: Callable[[], None] = lambda: None
        self._folder: Path | None = None
        self.table, self.curves = RunsTable(ui.runsTable), CurvesPanel(ui)
        self.table.onSelected = self._onRow
        ui.stopButton.clicked.connect(self._onStopPressed)
        ui.resumeButton.clicked.connect(self._onResumePressed)
        ui.useButton.clicked.connect(self._onUsePressed)
        ui.openFolderButton.clicked.connect(self._onOpenFolder)
        ui.plotButton.clicked.connect(self._onShowPlot)
        ui.picturesButton.clicked.connect(self._onShowPicture)
        self.showRuns([])
        self.showRun(None)
        self.showPicture(None)

    def showRuns(self, rows: Sequence[RunRow]) -> None:
        """List the runs; the selected one stays selected."""
        self.table.show(rows, self._folder)

    def select(self, folder: Path | None) -> None:
        """Say which run is selected."""
        self._folder = folder
        self.table.mark(folder)

    def showRun(
        self, follower: RunFollower | None, stopping: bool = False, busy: bool = False, ours: bool = False
    ) -> None:
        """Show how the selected run is.

        Args:
            follower: of the selected run, None if there is none.
            stopping: whether it was asked to stop.
            busy: whether something is being started, or a model installed.
            ours: whether its process was started here and has not ended, whatever its folder says.
        """
        ui, row = self._ui, follower.row if follower is not None else None
        alive = row is not None and (row.alive or stopping or ours)
        ui.stopButton.enabled = alive
        ui.stopButton.text = _("End at once") if stopping and ours else _("Stop")
        ui.resumeButton.enabled = row is not None and row.resumable and not stopping and not busy and not ours
        ui.useButton.enabled = row is not None and row.hasModel and not busy
        ui.openFolderButton.enabled = row is not None and row.folder.is_dir()
        ui.plotButton.enabled = follower is not None and bool(follower.curves.names)
        ui.runProgressBar.visible = alive
        if follower is None:
            hint = _("Select a run to follow it.") if self.table.rows else _("There are no runs here yet.")
            ui.runLabel.text, ui.factsLabel.text, ui.resourcesLabel.text = hint, "", ""
            ui.resourcesLabel.visible = False
            return
        sentence = follower.sentence()
        if ours and (follower.gone or follower.row.died):  # in a folder made anew nothing says that it is alive
            begin = sentence if follower.gone else _("Its folder was deleted while it trains.")
            sentence = f"{begin} {_('Its process goes on until its next step, then it ends.')}"
        elif stopping:
            sentence = _("It finishes its step, saves and stops.")
        ui.runLabel.text = f"{follower.folder.name}: {sentence}"
        ui.runProgressBar.value = int(follower.fraction() * ui.runProgressBar.maximum)
        facts = (follower.facts.sentence(follower.row), follower.timeLeft())
        ui.factsLabel.text = " · ".join(text for text in facts if text)
        ui.resourcesLabel.text = follower.resources()
        ui.resourcesLabel.visible = bool(follower.resources())

    def showPicture(self, pixmap: Any) -> None:
        """Show the picture of the last validation, None for none."""
        self._ui.picturesButton.enabled = self._ui.pictureLabel.visible = pixmap is not None
        if pixmap is not None:
            self._ui.pictureLabel.pixmap = pixmap

    def _onRow(self, folder: Path) -> None:
        self._folder = folder
        self.onSelected(folder)

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

    def _onShowPicture(self) -> None:
        self.onShowPicture()
