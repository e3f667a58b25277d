"""Making a data set from a folder of scans or label maps."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import qt
from BrainFMEngine.anatomy.protocols import PROTOCOLS
from BrainFMLib import Settings
from BrainFMLib.Widgets.Texts import showText
from slicer.i18n import tr as _

from BrainFMTrainLib.DatasetPreparation import DatasetPreparation, PreparationRequest, PreparationResult
from BrainFMTrainLib.DatasetRows import isDataset

_SOURCE, _OUTPUT, _PROTOCOL, _JOBS = (f"Train/prepare-{name}" for name in ("source", "output", "protocol", "jobs"))
_DEFAULT_PROTOCOL = "compact-40"
_LOOK_DELAY_MS = 400
"""A path is looked at when typing has ended."""
_NAME, _REASON = 0, 1
_MOST_JOBS = 4


class PreparePanel:
    """The box that "Prepare…" opens.

    Args:
        ui: the form's widgets by name.
        setup: SetupPanel.
        notice: NoticePanel.

    Attributes:
        onPrepared: called with the folder of a data set that was made, or gone on with.
        preparation: runs the engine.
    """

    def __init__(self, ui: Any, setup: Any, notice: Any):
        self._ui, self._setup, self._notice = ui, setup, notice
        self.onPrepared: Callable[[Path], None] = lambda folder: None
        self.preparation = DatasetPreparation()
        self._looks = qt.QTimer()
        self._looks.setSingleShot(True)
        self._looks.interval = _LOOK_DELAY_MS
        self._fill()
        self._connect()
        self._showRunning(False)
        self._onToggled(False)

    def stop(self) -> None:
        """End what goes on: the module is going away. What is complete stays."""
        self._looks.stop()
        self.preparation.stop()

    def request(self) -> PreparationRequest:
        """Return what the form asks for."""
        ui = self._ui
        source, output = ui.dataSourceEdit.currentPath.strip(), ui.dataOutputEdit.currentPath.strip()
        return PreparationRequest(
            source=Path(source) if source else None,
            output=Path(output) if output else None,
            layout=str(ui.dataLayoutComboBox.currentData),
            protocol=str(ui.dataProtocolComboBox.currentData),
            jobs=int(ui.dataJobsSpinBox.value),
            licence=ui.dataLicenceEdit.text.strip(),
        )

    def _fill(self) -> None:
        ui = self._ui
        for layout, title in _layoutTitles().items():
            ui.dataLayoutComboBox.addItem(title, layout)
        for name, protocol in PROTOCOLS.items():
            title = _("{name} ({n} structures)").format(name=name, n=len(protocol.structures))
            ui.dataProtocolComboBox.addItem(title, name)
        chosen = Settings.read(_PROTOCOL, _DEFAULT_PROTOCOL)
        ui.dataProtocolComboBox.currentIndex = list(PROTOCOLS).index(
            chosen if chosen in PROTOCOLS else _DEFAULT_PROTOCOL
        )
        jobs = max(1, min(_MOST_JOBS, (os.cpu_count() or 1) // 4))
        ui.dataJobsSpinBox.value = int(Settings.readFloat(_JOBS, jobs))
        ui.dataSourceEdit.currentPath, ui.dataOutputEdit.currentPath = Settings.read(_SOURCE), Settings.read(_OUTPUT)
        table = ui.dataFailedTable
        table.setColumnCount(2)
        table.setHorizontalHeaderLabels([_("Left out"), _("Why")])
        table.verticalHeader().hide()
        table.horizontalHeader().setSectionResizeMode(_REASON, qt.QHeaderView.Stretch)

    def _connect(self) -> None:
        ui = self._ui
        ui.dataPrepareButton.toggled.connect(self._onToggled)
        ui.dataSourceEdit.currentPathChanged.connect(self._onSource)
        ui.dataLayoutComboBox.currentIndexChanged.connect(self._onSource)
        ui.dataOutputEdit.currentPathChanged.connect(self._onForm)
        ui.dataRunButton.clicked.connect(self._onRun)
        self._looks.timeout.connect(self._look)
        self.preparation.onSource, self.preparation.onFailure = self._showSource, self._showFailure
        self.preparation.onProgress = self._onProgress

    def _onToggled(self, opened: bool) -> None:
        self._ui.dataPrepareBox.visible = opened
        if opened:
            self._onSource()

    # The source

    def _onSource(self, _value: object = None) -> None:
        self.preparation.lookAway()
        showText(self._ui.dataSourceFactsLabel, "")
        self._onForm()
        if self._ui.dataPrepareBox.isHidden():
            return
        source = self.request().source
        if source is not None and os.path.exists(source):
            showText(self._ui.dataSourceFactsLabel, _("Looking…"))
            self._looks.start()
        elif source is not None:
            showText(self._ui.dataSourceFactsLabel, _("There is no such folder."))

    def _look(self) -> None:
        if self._setup.ready and self.request().source is not None:
            self.preparation.look(self.request())

    def _showSource(self, facts: dict[str, Any]) -> None:
        showText(self._ui.dataSourceFactsLabel, facts.get("problem") or _sourceSentence(facts))

    def _onForm(self, _value: object = None) -> None:
        if not self.preparation.running:
            problem = self.request().problem()
            showText(self._ui.dataPrepareStatusLabel, problem)
            self._ui.dataRunButton.enabled = not problem

    # Preparing

    def _onRun(self) -> None:
        if self.preparation.running:
            showText(self._ui.dataPrepareStatusLabel, _("Cancelling…"))
            self.preparation.cancel()
            return
        request = self.request()
        if request.problem():
            return
        self._notice.clearNotice()
        question = _existing(request.output)
        if question:
            self._notice.notice(
                *question, severity="information", action=(_("Go on with it"), lambda: self._ensure(request))
            )
        else:
            self._ensure(request)

    def _ensure(self, request: PreparationRequest) -> None:
        self._setup.ensure(lambda: self._start(request), self._notice.notice)

    def _start(self, request: PreparationRequest) -> None:
        if self.preparation.running:
            return
        remembered = {
            _SOURCE: request.source,
            _OUTPUT: request.output,
            _PROTOCOL: request.protocol,
            _JOBS: request.jobs,
        }
        for key, value in remembered.items():
            Settings.write(key, value)
        self._ui.dataFailedTable.setRowCount(0)
        self._showRunning(True)
        showText(self._ui.dataPrepareStatusLabel, _("Finding subjects…"))
        self.preparation.start(replace(request), lambda result: self._onEnd(request, result))

    def _onProgress(self, fraction: float, text: str) -> None:
        self._ui.dataPrepareProgressBar.value = int(fraction * self._ui.dataPrepareProgressBar.maximum)
        showText(self._ui.dataPrepareStatusLabel, text)

    def _onEnd(self, request: PreparationRequest, result: PreparationResult) -> None:
        self._showRunning(False)
        self._onForm()
        showText(self._ui.dataPrepareStatusLabel, result.sentence())
        if result.outcome.state not in ("done", "cancelled") and not result.there:
            self._notice.notice(result.outcome.message, result.outcome.hint, result.outcome.details)
        if request.output is not None and (result.there or isDataset(request.output)):
            self.onPrepared(request.output)

    def _showFailure(self, name: str, reason: str) -> None:
        table = self._ui.dataFailedTable
        row = table.rowCount
        table.setRowCount(row + 1)
        for column, text in ((_NAME, name), (_REASON, reason)):
            cell = qt.QTableWidgetItem(text)
            cell.setToolTip(text)
            table.setItem(row, column, cell)
        table.resizeColumnToContents(_NAME)
        table.visible = True

    def _showRunning(self, running: bool) -> None:
        ui = self._ui
        ui.dataPrepareProgressBar.visible = running
        ui.dataPrepareProgressBar.value = 0
        ui.dataRunButton.text = _("Cancel") if running else _("Prepare")
        ui.dataFailedTable.visible = ui.dataFailedTable.rowCount > 0
        edits = (ui.dataSourceEdit, ui.dataOutputEdit, ui.dataLayoutComboBox)
        for widget in (*edits, ui.dataProtocolComboBox, ui.dataJobsSpinBox, ui.dataLicenceEdit):
            widget.enabled = not running


def _layoutTitles() -> dict[str, str]:
    """Return layout -> title; the names are those of `brainfm prepare --layout`."""
    return {
        "auto": _("as recognised"),
        "freesurfer": _("FreeSurfer subjects"),
        "bids": _("BIDS"),
        "labels": _("label maps"),
        "brainfm": _("the BrainFM authors' flat folder"),
        "brain-id": _("the Brain-ID authors' folders"),
        "table": _("CSV table"),
    }


def _sourceSentence(facts: dict[str, Any]) -> str:
    """Return what was found, in words."""
    title = _layoutTitles().get(str(facts.get("layout")), str(facts.get("layout")))
    scans = ", ".join(f"{contrast} {n}" for contrast, n in sorted((facts.get("contrasts") or {}).items()))
    text = _("Recognised: {kind}. Subjects: {n}, with label maps: {labels}; scans: {scans}.")
    return text.format(kind=title, n=facts.get("subjects"), labels=facts.get("labels"), scans=scans or _("none"))


def _existing(output: Path | None) -> tuple[str, str] | None:
    """Return message and hint if something is in a folder already."""
    if output is None or not os.path.isdir(output):
        return None
    if isDataset(output):
        message = _("There is a data set in {folder}").format(folder=output)
        return message, _("What is complete and unchanged stays; who has a part of the split keeps it.")
    try:
        used = any(output.iterdir())
    except OSError:
        return None  # the engine tells why
    message = _("The folder {folder} is not empty").format(folder=output)
    return (message, _("The data set is written beside what is there.")) if used else None
