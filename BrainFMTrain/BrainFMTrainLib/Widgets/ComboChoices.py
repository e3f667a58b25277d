"""Choices in a combo box: which are offered, which is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from BrainFMTrainLib.Recipes import Choice


def fillChoices(combo: Any, choices: Sequence[Choice], chosen: str) -> None:
    """Offer choices, silently; the first is chosen if none has the name."""
    names = [choice.name for choice in choices]
    fillTitles(combo, [choice.title for choice in choices], names.index(chosen) if chosen in names else 0)


def fillTitles(combo: Any, titles: Sequence[str], index: int) -> None:
    """Offer titles, silently."""
    wasBlocked = combo.blockSignals(True)
    combo.clear()
    combo.addItems(list(titles))
    combo.currentIndex = index if titles else -1
    combo.blockSignals(wasBlocked)


def chosenOf(combo: Any, choices: Sequence[Choice]) -> str:
    """Return the name of the choice that is chosen, "" if none is."""
    index = combo.currentIndex
    return choices[index].name if 0 <= index < len(choices) else ""
