"""A combo box whose entries have a name for the engine and a title for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from BrainFMTrainLib.Recipes import Choice
from BrainFMTrainLib.Widgets.ComboChoices import fillChoices


class TitledChoices:
    """Fills a combo box, and says what is chosen.

    Attributes:
        choices: what is offered.
        onChosen: called when the user chooses another one.

    Args:
        box: QComboBox.
    """

    def __init__(self, box: Any):
        self._box = box
        self.choices: list[Choice] = []
        self.onChosen: Callable[[], None] = lambda: None
        box.currentIndexChanged.connect(self._onIndex)

    @property
    def index(self) -> int:
        """Number of the chosen one, -1 for none."""
        return self._box.currentIndex

    @property
    def chosen(self) -> Choice:
        """What is chosen; a choice without a name if nothing is."""
        return self.choices[self.index] if 0 <= self.index < len(self.choices) else Choice("", "")

    def offer(self, choices: Sequence[Choice]) -> None:
        """Offer these; what was chosen stays chosen if it is among them, otherwise the first one is."""
        former, self.choices = self.chosen.name, list(choices)
        fillChoices(self._box, self.choices, former)

    def select(self, name: str) -> None:
        """Choose one without telling; a name that is not offered changes nothing."""
        names = [choice.name for choice in self.choices]
        if name in names:
            wasBlocked = self._box.blockSignals(True)
            self._box.currentIndex = names.index(name)
            self._box.blockSignals(wasBlocked)

    def setEnabled(self, enabled: bool) -> None:
        """Let the user choose, or not."""
        self._box.enabled = enabled

    def _onIndex(self, *_index: Any) -> None:
        self.onChosen()
