"""Which model is used, and getting others: a list, a description, download, import, delete."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from BrainFMLib import Settings
from BrainFMLib.ModelCard import cardOf
from BrainFMLib.ModelManager import ModelManager, ModelRow
from BrainFMLib.Parameters import DEFAULT_MODEL, TASK_GROUPS
from BrainFMLib.Widgets.Texts import megabytes, sentence

_READY = ("bundled", "installed")
_ROW_HEIGHT = 22
_FILE_FILTER = "*.pth *.pt *.ckpt *.safetensors"


class ModelPanel:
    """Section "Model".

    Attributes:
        manager: knows, gets and deletes models.
        onChosen: called with a name when the user chooses a model.
        onListed: called when something about the listed models changed.
        onProblem: called with a message, a hint and details.
    """

    def __init__(self, ui: Any, manager: ModelManager | None = None):
        self._ui = ui
        self.manager = manager or ModelManager()
        self.onChosen: Callable[[str], None] = lambda name: None
        self.onListed: Callable[[], None] = lambda: None
        self.onProblem: Callable[..., None] = lambda message, hint="", details="": None
        self.ask: Callable[[str], bool] = askUser
        self.tell: Callable[[str], None] = tellUser
        self._rows: list[ModelRow] = []
        self._chosen = ""
        table = ui.modelTable
        table.setColumnCount(3)
        table.setHorizontalHeaderLabels([_("Model"), _("State"), _("Size")])
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)
        table.cellClicked.connect(self._onRow)
        table.currentCellChanged.connect(self._onRow)
        ui.modelDownloadButton.clicked.connect(self._onDownload)
        ui.modelImportButton.clicked.connect(self._onImport)
        ui.modelFolderButton.clicked.connect(self._onFolder)
        ui.modelDeleteButton.clicked.connect(self._onDelete)
        ui.modelDescriptionLabel.linkActivated.connect(self._onDetails)
        self._ui.modelProgressFrame.visible = False
        self.refresh()

    def refresh(self) -> None:
        """Read again what is there."""
        self._rows = list(self.manager.list())
        table = self._ui.modelTable
        wasBlocked = table.blockSignals(True)
        table.setRowCount(len(self._rows))
        for index, row in enumerate(self._rows):
            size = megabytes(row.sizeBytes) if row.sizeBytes else ""
            for column, text in enumerate((row.title, _stateOf(row), size)):
                cell = qt.QTableWidgetItem(text)
                cell.setToolTip(cardOf(row))
                table.setItem(index, column, cell)
        for column in (1, 2):
            table.resizeColumnToContents(column)
        table.blockSignals(wasBlocked)
        self.show(self._chosen)
        self.onListed()

    def show(self, name: str) -> None:
        """Choose a model; one that is not there is told and not replaced."""
        self._chosen = name
        index = next((index for index, row in enumerate(self._rows) if row.name == name), -1)
        table = self._ui.modelTable
        wasBlocked = table.blockSignals(True)
        if index >= 0:
            table.selectRow(index)
        else:
            table.clearSelection()
        table.blockSignals(wasBlocked)
        row = self._rows[index] if index >= 0 else None
        missing = _("The model “{name}” is not on this computer. Choose or import another.").format(name=name)
        self._ui.modelDescriptionLabel.text = _descriptionOf(row) if row is not None else html.escape(missing)
        self._updateButtons()

    @property
    def chosenTitle(self) -> str:
        """Title of the chosen model, its name if it is unknown."""
        row = self._row(self._chosen)
        return row.title if row is not None else self._chosen

    def tasksOf(self, name: str) -> tuple[str, ...]:
        """Return the engine's names of the tasks that a model offers; empty if that is not known."""
        row = self._row(name)
        return tuple(row.tasks) if row is not None else ()

    def problem(self, name: str) -> str:
        """Return why a model cannot be run, "" if it can."""
        row = self._row(name)
        if row is None:
            return _("The model “{name}” is not on this computer: choose another.").format(name=name)
        if row.state in _READY:
            return ""
        if row.state == "damaged":
            return sentence(_("The model {title} is damaged: {problem}").format(title=row.title, problem=row.problem))
        return _("The model {title} is not here yet: download or import it, or choose another.").format(title=row.title)

    def setEnabled(self, enabled: bool) -> None:
        """Let the user choose and change models, or not (during a run)."""
        self._ui.modelTable.enabled = enabled
        self._updateButtons(enabled)

    def stop(self) -> None:
        """End what goes on: the module is going away."""
        self.manager.discard()

    def _row(self, name: str) -> ModelRow | None:
        return next((row for row in self._rows if row.name == name), None)

    def _updateButtons(self, enabled: bool = True) -> None:
        row, busy = self._row(self._chosen), self.manager.busy
        ui = self._ui
        ui.modelDownloadButton.text = _("Cancel") if busy else _("Download…")
        ui.modelDownloadButton.enabled = busy or (enabled and row is not None and row.downloadable)
        ui.modelImportButton.enabled = enabled and not busy
        ui.modelDeleteButton.enabled = enabled and not busy and row is not None and row.removable

    def _onRow(self, index: int) -> None:
        if 0 <= index < len(self._rows) and self._rows[index].name != self._chosen:
            self._choose(self._rows[index].name)

    def _choose(self, name: str) -> None:
        self.show(name)
        self.onChosen(name)
        self.onListed()

    # Getting and deleting

    def _onDownload(self) -> None:
        if self.manager.busy:
            self.manager.cancel()
            return
        row = self._row(self._chosen)
        text = _("Download {title} ({size})?\n\nLicence of the weights: {licence}.\nFrom: {url}\nThe file is verified.")
        size = megabytes(row.sizeBytes) if row.sizeBytes else _("size not known")
        if self.ask(text.format(title=row.title, size=size, licence=row.licence, url=row.url)):
            self.manager.download(row.name, self._onProgress, self._onDone)
            self._begin()

    def _onImport(self) -> None:
        title, folder = _("Import a model"), Settings.read("importFolder")
        filters = _("Model files ({endings});;All files (*)").format(endings=_FILE_FILTER)
        path = qt.QFileDialog.getOpenFileName(slicer.util.mainWindow(), title, folder, filters)
        if path:
            self.importFile(Path(path))

    def importFile(self, path: Path) -> None:
        """Check, convert and store a checkpoint; returns at once."""
        Settings.write("importFolder", path.parent)
        self.manager.importFile(path, self._onProgress, self._onDone)
        self._begin()

    def _onDelete(self) -> None:
        row = self._row(self._chosen)
        if not self.ask(_("Delete the model {title} from this computer?").format(title=row.title)):
            return
        try:
            self.manager.remove(row.name)
        except Exception as error:
            self.onProblem(getattr(error, "message", str(error)), getattr(error, "hint", ""))
            self.refresh()
            return
        self.refresh()
        self._choose(DEFAULT_MODEL)

    def _onDetails(self, _link: str) -> None:
        row = self._row(self._chosen)
        if row is not None:
            self.tell(cardOf(row))

    def _onFolder(self) -> None:
        folder = Path(self.manager.folder())
        folder.mkdir(parents=True, exist_ok=True)
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(folder)))

    def _begin(self) -> None:
        self._ui.modelProgressFrame.visible = True
        self._onProgress(_("Starting"), 0.0)
        self._updateButtons()

    def _onProgress(self, stage: str, fraction: float) -> None:
        self._ui.modelProgressBar.value = int(fraction * self._ui.modelProgressBar.maximum)
        self._ui.modelProgressLabel.text = stage

    def _onDone(self, outcome: Any) -> None:
        self._ui.modelProgressFrame.visible = False
        self.refresh()
        if outcome.state == "done":
            names = [Path(result["folder"]).name for result in outcome.results if result.get("folder")]
            self._choose(names[0] if names else self._chosen)
        elif outcome.state != "cancelled":
            self.onProblem(outcome.message, outcome.hint, outcome.details)


def askUser(text: str) -> bool:
    """Ask in a dialog; under Slicer's testing mode the answer is no."""
    if slicer.app.testingEnabled():
        return False
    return bool(slicer.util.confirmOkCancelDisplay(text, windowTitle=_("BrainFM")))


def tellUser(text: str) -> None:
    """Show rich text in a dialog."""
    slicer.util.infoDisplay(text, windowTitle=_("BrainFM"))


def _stateOf(row: ModelRow) -> str:
    states = {
        "bundled": _("Ready"),
        "installed": _("Ready"),
        "missing": _("Not here"),
        "damaged": _("Damaged"),
    }
    return states.get(row.state, row.state)


def _descriptionOf(row: ModelRow) -> str:
    titles = {
        "contrasts": _("contrasts"),
        "anatomy": _("anatomy"),
        "distance": _("cortex"),
        "bias": _("bias field"),
        "registration": _("atlas"),
    }
    card = dict(row.card)
    offered = [titles[group] for group, names in TASK_GROUPS.items() if set(names) & set(row.tasks)]
    facts: Sequence[tuple[str, str]] = (
        (_("Makes"), ", ".join(offered)),
        (_("Licence"), row.licence),
        (_("Trained on"), row.trainedOn),
        (_("Recipe"), card.get("recipe", "")),
        (_("Begun from"), card.get("start", "")),
        (_("Validation scores"), card.get("scores", "")),
        (_("Problem"), row.problem),
    )
    lines = [html.escape(row.description)] if row.description else []
    lines += [f"<b>{html.escape(name)}:</b> {html.escape(value)}" for name, value in facts if value]
    if row.card:
        lines.append(f'<a href="card">{html.escape(_("Details…"))}</a>')
    return "<br>".join(lines)
