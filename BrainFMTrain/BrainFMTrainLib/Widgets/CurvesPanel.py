"""Which curves the plots show, and how: lists to tick, a logarithmic axis, smoothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
from BrainFMLib import Settings

from BrainFMTrainLib.CurveNames import (
    TOTAL,
    VALIDATION_LOSS,
    lossTitle,
    scoreTitle,
    usualLosses,
    usualScores,
)
from BrainFMTrainLib.LossPlot import PlotChoice
from BrainFMTrainLib.RunFollower import RunFollower

USUAL_SMOOTHING = 5
_PREFIX, _SEPARATOR = "Train/", "|"
_NONE = "-"
"""Remembered where the user has ticked nothing."""
_NAME_ROLE = qt.Qt.UserRole


class CurvesPanel:
    """The choice of curves in the section "Runs".

    Attributes:
        onChanged: called when the plots shall look different.
    """

    def __init__(self, ui: Any):
        self._ui = ui
        self.onChanged: Callable[[], None] = lambda: None
        ui.logScaleCheckBox.checked = Settings.read(_PREFIX + "logScale", "True") == "True"
        ui.smoothingSpinBox.value = int(Settings.readFloat(_PREFIX + "smoothing", USUAL_SMOOTHING))
        ui.logScaleCheckBox.toggled.connect(self._onLook)
        ui.smoothingSpinBox.valueChanged.connect(self._onLook)
        self._losses = _TickList(ui.lossesList, "losses", lossTitle, usualLosses)
        self._scores = _TickList(ui.scoresList, "scores", scoreTitle, usualScores)
        self._losses.onChanged = self._scores.onChanged = lambda: self.onChanged()

    def offer(self, runs: Sequence[RunFollower]) -> None:
        """Offer what these runs have."""
        losses = [name for run in runs for name in run.curves.names]
        scores = [name for run in runs for name in run.scores.names]
        if TOTAL in scores:
            losses.insert(1, VALIDATION_LOSS)
        self._losses.offer(list(dict.fromkeys(losses)), len(runs) > 1)
        self._scores.offer([name for name in dict.fromkeys(scores) if name != TOTAL], len(runs) > 1)

    def choice(self) -> PlotChoice:
        """Return what is ticked."""
        smoothing, log = self._ui.smoothingSpinBox.value, self._ui.logScaleCheckBox.checked
        return PlotChoice(self._losses.chosen(), self._scores.chosen(), smoothing, log)

    def _onLook(self, *_values: Any) -> None:
        Settings.write(_PREFIX + "logScale", self._ui.logScaleCheckBox.checked)
        Settings.write(_PREFIX + "smoothing", self._ui.smoothingSpinBox.value)
        self.onChanged()


class _TickList:
    """A list of names with ticks. What the user ticks is remembered by name; before that, the usual ones are ticked."""

    def __init__(
        self,
        widget: Any,
        key: str,
        title: Callable[[str], str],
        usual: Callable[[Sequence[str], bool], list[str]],
    ):
        self._widget, self._key, self._title, self._usual = widget, _PREFIX + key, title, usual
        self.onChanged: Callable[[], None] = lambda: None
        self._names: list[str] = []
        self._several = False
        kept = Settings.read(self._key)
        self._kept: set[str] | None = set(kept.split(_SEPARATOR)) if kept else None
        widget.itemChanged.connect(self._onItem)

    def offer(self, names: list[str], several: bool) -> None:
        """List these names."""
        if names == self._names and several == self._several:
            return
        self._names, self._several = names, several
        ticked = self.chosen()
        wasBlocked = self._widget.blockSignals(True)
        self._widget.clear()
        for name in names:
            item = qt.QListWidgetItem(self._title(name))
            item.setData(_NAME_ROLE, name)
            item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsUserCheckable)
            item.setCheckState(qt.Qt.Checked if name in ticked else qt.Qt.Unchecked)
            self._widget.addItem(item)
        self._widget.blockSignals(wasBlocked)

    def chosen(self) -> list[str]:
        """Return the ticked names in their order."""
        if self._kept is None:
            return self._usual(self._names, self._several)
        return [name for name in self._names if name in self._kept]

    def _onItem(self, item: Any) -> None:
        name = str(item.data(_NAME_ROLE))
        ticked = set(self.chosen()) if self._kept is None else self._kept - {_NONE}
        self._kept = ticked | {name} if item.checkState() == qt.Qt.Checked else ticked - {name}
        Settings.write(self._key, _SEPARATOR.join(sorted(self._kept)) or _NONE)
        self.onChanged()
