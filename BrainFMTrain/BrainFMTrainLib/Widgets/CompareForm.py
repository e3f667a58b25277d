"""What is compared: boxes for two models, a subject, and the picture of it that both see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from BrainFMLib.StepRunner import StepRunner

from BrainFMTrainLib.CompareChoices import inputChoices, modelSteps, subjectChoices
from BrainFMTrainLib.CompareRequest import CompareRequest
from BrainFMTrainLib.DatasetRows import SPLIT, SubjectRow, subjectSteps
from BrainFMTrainLib.Recipes import Choice
from BrainFMTrainLib.Widgets.TitledChoices import TitledChoices


class CompareForm:
    """The upper part of the section "Compare".

    Args:
        ui: the form's widgets by name.
        models: returns the rows of the models that there are.

    Attributes:
        device: returns the device to compute on, the engine's name of it.
        onChanged: called when something else is, or can be, chosen.
    """

    def __init__(self, ui: Any, models: Callable[[], Sequence[Any]]):
        self._ui, self._models = ui, models
        self.device: Callable[[], str] = lambda: "auto"
        self.onChanged: Callable[[], None] = lambda: None
        self._first, self._second = TitledChoices(ui.compareFirstComboBox), TitledChoices(ui.compareSecondComboBox)
        self._subject, self._given = TitledChoices(ui.compareSubjectComboBox), TitledChoices(ui.compareInputComboBox)
        self._folder: Path | None = None
        self._read: tuple[Path | None, float] = (None, 0.0)
        self._rows: list[SubjectRow] = []
        self._runs: list[Path] = []
        self._reader: StepRunner | None = None
        self._lister: StepRunner | None = None
        for box in (self._first, self._second, self._given):
            box.onChosen = self._onChosen
        self._subject.onChosen = self._onSubject
        ui.compareCollapsibleButton.contentsCollapsed.connect(self._onFolded)
        self.refresh()

    def setDataset(self, folder: Path | None) -> None:
        """Offer the subjects of a data set; the same one is read again if its split has changed."""
        state = (folder, _changed(folder))
        if state == self._read:
            return
        self._stopReading()
        self._folder, self._read, self._rows = folder, state, []
        if folder is not None:
            self._reader = StepRunner(subjectSteps(folder), lambda row: None, self._onRows, self._onReadError)
        else:
            self._offerSubjects()

    def setRuns(self, folders: Sequence[Path]) -> None:
        """Offer the weights of these runs, beside the models."""
        self._runs = list(folders)
        if not self._ui.compareCollapsibleButton.collapsed:
            self.refresh()

    def refresh(self) -> None:
        """Look again which models and weights there are; what is chosen stays chosen."""
        if self._lister is None:
            steps = modelSteps(self._models(), self._runs)
            self._lister = StepRunner(steps, lambda step: None, self._onModels, self._onListError)

    def setEnabled(self, enabled: bool) -> None:
        """Let the user choose, or not (while it goes on)."""
        for box in (self._first, self._second, self._subject, self._given):
            box.setEnabled(enabled)

    def request(self) -> CompareRequest:
        """Return what the form asks for."""
        first, second = self._first.chosen, self._second.chosen
        return CompareRequest(
            dataset=self._folder,
            subject=self._subject.chosen.name,
            given=self._given.chosen.name,
            models=(first.name, second.name),
            titles=(first.title, second.title),
            device=self.device(),
        )

    def stop(self) -> None:
        """End what goes on: the module is going away."""
        self._stopReading()
        if self._lister is not None:
            self._lister.stop()
            self._lister = None

    def _onFolded(self, folded: bool) -> None:
        if not folded:
            self.setDataset(self._folder)
            self.refresh()

    def _onModels(self, choices: list[Choice]) -> None:
        self._lister = None
        if choices == self._first.choices:
            return
        self._first.offer(choices)
        self._second.offer(choices)
        if self._first.index == self._second.index and len(choices) > 1:
            self._second.select(choices[-1 if self._first.index == 0 else 0].name)
        self.onChanged()

    def _onListError(self, error: Exception) -> None:
        self._lister = None

    def _onRows(self, rows: list[SubjectRow]) -> None:
        self._reader, self._rows = None, rows
        self._offerSubjects()

    def _onReadError(self, error: Exception) -> None:
        self._reader, self._rows = None, []
        self._offerSubjects()  # the section "Data set" says why

    def _offerSubjects(self) -> None:
        self._subject.offer(subjectChoices(self._rows))
        self._onSubject()

    def _onSubject(self) -> None:
        name = self._subject.chosen.name
        self._given.offer(inputChoices(next((row for row in self._rows if row.name == name), None)))
        self.onChanged()

    def _onChosen(self) -> None:
        self.onChanged()

    def _stopReading(self) -> None:
        if self._reader is not None:
            self._reader.stop()
            self._reader = None


def _changed(folder: Path | None) -> float:
    """Return when the split of a data set was written, 0 if it has none."""
    try:
        return (folder / SPLIT).stat().st_mtime if folder is not None else 0.0
    except OSError:
        return 0.0
