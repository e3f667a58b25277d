"""Every range of the generator: shown in words and units, changed, found, and reset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import qt
from BrainFMLib.StepRunner import StepRunner
from slicer.i18n import tr as _

from BrainFMTrainLib.GeneratorDescription import GeneratorDescription
from BrainFMTrainLib.GeneratorRanges import GeneratorRanges, RangeGroup
from BrainFMTrainLib.RangeOption import RangeOption
from BrainFMTrainLib.Widgets.RangeGroupBox import RangeGroupBox
from BrainFMTrainLib.Widgets.RangeRow import RangeRow

SETTLE_MS = 200
"""A recipe that is being chosen has to be at rest before it is looked up."""


class RangesPanel:
    """Section "Ranges of the generator". Its rows are made when it is first opened, a few at a time.

    Args:
        ui: the form's widgets by name.

    Attributes:
        description: asks the engine which ranges there are.
        ready: tells whether the engine can be asked.
        recipe: gives the recipe whose defaults are shown.
        onChanged: called when the user changed or reset something.
        onDescribed: called when the engine said which ranges there are.
    """

    def __init__(self, ui: Any):
        self._ui = ui
        self.description = GeneratorDescription()
        self.description.onReady, self.description.onProblem = self._onDescription, self._onProblem
        self.ready: Callable[[], bool] = lambda: True
        self.recipe: Callable[[], dict[str, str]] = dict
        self.onChanged: Callable[[], None] = lambda: None
        self.onDescribed: Callable[[], None] = lambda: None
        self._changes: dict[str, Any] = {}
        self._severities: tuple[float, ...] = (0.5,)
        self._boxes: dict[str, RangeGroupBox] = {}
        self._rows: dict[str, RangeRow] = {}
        self._maker: StepRunner | None = None
        self._soon = qt.QTimer()
        self._soon.setSingleShot(True)
        self._soon.interval = SETTLE_MS
        self._soon.timeout.connect(self._lookUp)
        ui.rangesCollapsibleButton.contentsCollapsed.connect(self._onCollapsed)
        ui.rangesFilterEdit.textChanged.connect(self._filter)
        ui.rangesChangedCheckBox.toggled.connect(self._filter)
        ui.rangesResetButton.clicked.connect(self._onResetAll)
        self._showState()

    @property
    def rows(self) -> dict[str, RangeRow]:
        """Path -> row, of those that are made."""
        return self._rows

    def changes(self) -> dict[str, Any]:
        """Return path -> value of what was changed, as `brainfm preview` takes it in "options"."""
        return dict(self._changes)

    def setChanges(self, changes: Mapping[str, Any]) -> None:
        """Show changes that were kept."""
        self._changes = dict(changes)
        self._dropUnknown()
        self._showAll()

    def setSeverities(self, severities: Sequence[float]) -> None:
        """Show the defaults at the severities of the samples, rising."""
        if tuple(severities) == self._severities:
            return
        self._severities = tuple(severities)
        for row in self._rows.values():
            if row.option.followsSeverity and row.option.path not in self._changes and not row.problem:
                self._show(row)
        self._showState()

    def problem(self) -> str:
        """Return what is wrong with the ranges in a sentence, "" if nothing is."""
        written = next((row.problem for row in self._rows.values() if row.problem), "")
        ranges = self.description.ranges
        return written or (ranges.problem(self._changes) if ranges is not None else "")

    def follow(self) -> None:
        """Ask for the ranges if they are looked at and the recipe or the setup has changed."""
        if not self._ui.rangesCollapsibleButton.collapsed:
            self._soon.start()

    def stop(self) -> None:
        """The module is going away."""
        self._soon.stop()
        self.description.stop()
        self._stopMaking()

    # What the engine says

    def _lookUp(self) -> None:
        if self.ready():
            self.description.want(self.recipe())
        self._showState()

    def _onCollapsed(self, _collapsed: bool) -> None:
        self.follow()

    def _onDescription(self) -> None:
        self._dropUnknown()
        self._stopMaking()
        self._maker = StepRunner(self._makeSteps(), lambda value: None, self._onMade, self._onFailed)
        self.onDescribed()

    def _onProblem(self, message: str, hint: str, _details: str) -> None:
        self._ui.rangesStateLabel.text = " ".join(text for text in (message, hint) if text)
        self._ui.rangesStateLabel.visible = True

    def _onFailed(self, error: Exception) -> None:
        self._maker = None
        self._onProblem(str(error), "", "")

    def _dropUnknown(self) -> None:
        """Forget changes of ranges that this engine does not have."""
        ranges = self.description.ranges
        if ranges is not None:
            self._changes = {path: value for path, value in self._changes.items() if ranges.option(path) is not None}

    # The rows

    def _makeSteps(self) -> Iterator[None]:
        """Make what is missing, a row a step; another recipe has other defaults for the rows that are there."""
        for group in self._ranges.groups:
            box = self._boxes.get(group.name)
            if box is None:
                box = self._boxes[group.name] = RangeGroupBox(group, self._onResetGroup)
                self._ui.rangesContents.layout().addWidget(box.widget)
            for option in group.options:
                row = self._rows.get(option.path)
                if row is None:
                    row = self._rows[option.path] = box.add(option)
                    row.onEdited, row.onProblem, row.onShow = self._onEdited, self._onRowProblem, self._show
                row.option = option
                self._show(row)
                yield
        self._filter()

    def _onMade(self, _value: Any) -> None:
        self._maker = None
        self._showState()

    def _stopMaking(self) -> None:
        if self._maker is not None:
            self._maker.stop()
            self._maker = None

    @property
    def _ranges(self) -> GeneratorRanges:
        assert self.description.ranges is not None
        return self.description.ranges

    def _show(self, row: RangeRow) -> None:
        option, default = row.option, self._defaultTexts(row.option)
        texts = option.texts(self._changes[option.path]) if option.path in self._changes else default
        isSpread = option.path not in self._changes and any("…" in text for text in default)
        row.show([""] * len(texts) if isSpread else texts, default)
        self._mark(row)

    def _showAll(self) -> None:
        for row in self._rows.values():
            self._show(row)
        self._showState()

    def _defaultTexts(self, option: RangeOption) -> list[str]:
        """Return what the fields say of the default: of the mildest and severest sample where they differ."""
        first, last = (
            option.texts(self._ranges.default(option, severity))
            for severity in (self._severities[0], self._severities[-1])
        )
        return [low if low == high else f"{low} … {high}" for low, high in zip(first, last, strict=True)]

    def _mark(self, row: RangeRow) -> None:
        option = row.option
        changed = option.path in self._changes
        row.mark(changed, self._toolTip(option, changed))

    def _toolTip(self, option: RangeOption, changed: bool) -> str:
        lines = [option.help]
        if option.limits():
            lines.append(_("Possible: {limits}.").format(limits=option.limits()))
        names = [name for name in option.defaults if option.followsSeverity] or [next(iter(option.defaults))]
        values = [option.text(option.defaults[name]) for name in names]
        default = ", ".join(
            f"{name} {value}" if len(names) > 1 else value for name, value in zip(names, values, strict=True)
        )
        words = _("You changed it, for every severity. It was: {default}.") if changed else _("Default: {default}.")
        return "\n".join([*(line for line in lines if line), words.format(default=default)])

    # What the user does

    def _onEdited(self, path: str, value: Any) -> None:
        if value is None:
            self._changes.pop(path, None)
        else:
            self._changes[path] = value
        self._mark(self._rows[path])
        self._showState()
        self.onChanged()

    def _onRowProblem(self) -> None:
        self._showState()
        self.onChanged()

    def _onResetGroup(self, group: RangeGroup) -> None:
        self._reset([option.path for option in group.options])

    def _onResetAll(self) -> None:
        self._reset(list(self._changes) + list(self._rows))

    def _reset(self, paths: list[str]) -> None:
        for path in paths:
            self._changes.pop(path, None)
            if path in self._rows:
                self._show(self._rows[path])
        self._showState()
        self.onChanged()

    # Finding, and what is said

    def _filter(self, _value: Any = None) -> None:
        words, onlyChanged = str(self._ui.rangesFilterEdit.text).lower().split(), self._ui.rangesChangedCheckBox.checked
        for box in self._boxes.values():
            for row in box.rows:
                wrong = not row.matches(words, box.title) or (onlyChanged and row.option.path not in self._changes)
                if wrong != row.hidden:
                    row.setHidden(wrong)
            box.showFiltered(bool(words) or onlyChanged)

    def _showState(self) -> None:
        """Say how many are changed and what is wrong."""
        ui, count = self._ui, len(self._changes)
        title = _("Ranges of the generator")
        ui.rangesCollapsibleButton.text = f"{title} ({_('{n} changed').format(n=count)})" if count else title
        for box in self._boxes.values():
            box.showCount(sum(row.option.path in self._changes for row in box.rows))
        ui.rangesResetButton.enabled = bool(count) or any(row.problem for row in self._rows.values())
        text = self.problem()
        if not text and self.description.ranges is None:
            waiting = _("Looking up the ranges…") if self.description.running else ""
            text = waiting if self.ready() else _("Complete the setup below; then the ranges appear here.")
        ui.rangesStateLabel.text, ui.rangesStateLabel.visible = text, bool(text)
