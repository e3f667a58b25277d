"""Several scans in one go: which ones, and how each of them fared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

from BrainFMLib import Settings
from BrainFMLib.PredictionOutcome import ScanOutcome
from BrainFMLib.PredictionRequest import Source
from BrainFMLib.Scope import FOLDER, SCAN, Choice, choicesFor, sourcesOf

_RESULTS = "BrainFM"


class BatchPanel:
    """Section "Several scans".

    Attributes:
        onChanged: called when other scans were chosen.
        onLoad: called with the ScanOutcome that the user wants to see.
    """

    def __init__(self, ui: Any):
        self._ui = ui
        self._choices: list[Choice] = []
        self._volume: Any | None = None
        self._scans: list[ScanOutcome] = []
        self.onChanged: Callable[[], None] = lambda: None
        self.onLoad: Callable[[ScanOutcome], None] = lambda scan: None
        ui.batchTable.setColumnCount(2)
        ui.batchTable.setHorizontalHeaderLabels([_("Scan"), _("State")])
        ui.batchTable.verticalHeader().hide()
        ui.batchTable.horizontalHeader().setSectionResizeMode(1, qt.QHeaderView.Stretch)
        ui.scopeComboBox.currentIndexChanged.connect(self._onScope)
        ui.inputFolderEdit.currentPathChanged.connect(self._onFolder)
        ui.outputFolderEdit.currentPathChanged.connect(self._onOutputFolder)
        ui.batchTable.itemSelectionChanged.connect(self._updateButtons)
        ui.batchTable.cellDoubleClicked.connect(self._onLoad)
        ui.loadResultsButton.clicked.connect(self._onLoad)
        ui.openOutputFolderButton.clicked.connect(self._onOpenFolder)
        self.showVolume(None)
        self.showScans([])

    @property
    def scope(self) -> str:
        """Key of the chosen way, see `Scope`."""
        index = self._ui.scopeComboBox.currentIndex
        return self._choices[index].key if 0 <= index < len(self._choices) else SCAN

    def setScope(self, key: str) -> None:
        """Choose a way, if it is offered."""
        keys = [choice.key for choice in self._choices]
        self._ui.scopeComboBox.currentIndex = keys.index(key) if key in keys else 0

    def showVolume(self, volumeNode: Any | None) -> None:
        """Offer what makes sense for a scan; the chosen way stays if it still does."""
        self._volume, former = volumeNode, self.scope
        self._choices = choicesFor(volumeNode)
        combo = self._ui.scopeComboBox
        wasBlocked = combo.blockSignals(True)
        combo.clear()
        combo.addItems([choice.title for choice in self._choices])
        combo.blockSignals(wasBlocked)
        self.setScope(former)
        self._onScope()

    def sources(self) -> list[Source]:
        """Return the scans to work on."""
        return sourcesOf(self.scope, self._volume, self.inputFolder)

    @property
    def inputFolder(self) -> Path | None:
        """Folder with scans, None if it is not chosen."""
        path = self._ui.inputFolderEdit.currentPath.strip()
        return Path(path) if path and Path(path).is_dir() else None

    @property
    def outputFolder(self) -> Path | None:
        """Folder for results of files; None for scans of the scene."""
        if self.scope != FOLDER:
            return None
        path = self._ui.outputFolderEdit.currentPath.strip()
        return Path(path) if path else None

    @property
    def overwrite(self) -> bool:
        """Whether results of files may be replaced."""
        return self._ui.overwriteCheckBox.checked

    def problem(self) -> str:
        """Return why nothing can be run, "" if something can."""
        if self.scope == FOLDER and self.inputFolder is None:
            return _("Choose the folder with the scans.")
        if not self.sources():
            return _("There is no scan to work on.")
        if self.scope == FOLDER and self.outputFolder is None:
            return _("Choose a folder for the results.")
        return ""

    def showScans(self, scans: Sequence[ScanOutcome]) -> None:
        """List the scans of a run."""
        self._scans = list(scans)
        self._ui.batchTable.setRowCount(len(self._scans))
        for scan in self._scans:
            self.showScan(scan)
        self._ui.batchTable.resizeColumnToContents(0)
        shown = len(self._scans) > 1
        for widget in (self._ui.batchTable, self._ui.openOutputFolderButton, self._ui.loadResultsButton):
            widget.visible = shown
        if shown:
            self._ui.batchCollapsibleButton.collapsed = False
        self._updateButtons()

    def showScan(self, scan: ScanOutcome) -> None:
        """Show how a scan of the run fares now."""
        row = next((index for index, known in enumerate(self._scans) if known is scan), None)
        if row is None:
            return
        states = {
            "waiting": _("Waiting"),
            "running": _("Running…"),
            "importing": _("Loading the results…"),
            "done": _("Done"),
            "failed": _("Failed: {reason}").format(reason=scan.message),
            "cancelled": _("Cancelled"),
        }
        state = qt.QTableWidgetItem(states.get(scan.state, scan.state))
        state.setToolTip("\n".join(text for text in (scan.message, scan.hint, *scan.warnings) if text))
        self._ui.batchTable.setItem(row, 0, qt.QTableWidgetItem(scan.name))
        self._ui.batchTable.setItem(row, 1, state)
        self._updateButtons()

    def setEnabled(self, enabled: bool) -> None:
        """Let the user choose other scans, or not (during a run)."""
        for name in ("scopeComboBox", "inputFolderEdit", "outputFolderEdit", "overwriteCheckBox"):
            getattr(self._ui, name).enabled = enabled

    def _onScope(self) -> None:
        isFolder = self.scope == FOLDER
        for name in ("inputFolder", "outputFolder"):
            getattr(self._ui, f"{name}Label").visible = isFolder
            getattr(self._ui, f"{name}Edit").visible = isFolder
        self._ui.overwriteCheckBox.visible = isFolder
        if isFolder and not self._ui.inputFolderEdit.currentPath:
            self._ui.inputFolderEdit.currentPath = Settings.read("inputFolder")
        self._summarise()
        self.onChanged()

    def _summarise(self) -> None:
        several = self.scope != SCAN
        text = _("{n} scans will be worked on, one after the other.").format(n=len(self.sources())) if several else ""
        self._ui.scopeSummaryLabel.text = text
        self._ui.scopeSummaryLabel.visible = several

    def _onFolder(self, path: str) -> None:
        folder = self.inputFolder
        if folder is not None:
            Settings.write("inputFolder", folder)
            self._ui.outputFolderEdit.currentPath = str(folder / _RESULTS)
        self._summarise()
        self.onChanged()

    def _onOutputFolder(self, _path: str) -> None:
        self.onChanged()

    def _selected(self) -> ScanOutcome | None:
        row = self._ui.batchTable.currentRow()
        return self._scans[row] if 0 <= row < len(self._scans) else None

    def _updateButtons(self) -> None:
        scan = self._selected()
        self._ui.loadResultsButton.enabled = scan is not None and scan.state == "done"
        self._ui.openOutputFolderButton.enabled = any(known.folder is not None for known in self._scans)

    def _onLoad(self) -> None:
        scan = self._selected()
        if scan is not None and scan.state == "done":
            self.onLoad(scan)

    def _onOpenFolder(self) -> None:
        folder = next((known.folder for known in self._scans if known.folder is not None), None)
        if folder is not None:
            qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(folder.parent)))
