"""A combo box that offers the members of an Enum by their labels."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Any


class ChoiceBox:
    """Shows and asks for one member.

    Args:
        combo: the widget.
        kind: Enum whose members have `label()`.
        onChosen: called with a member when the user chooses it.
    """

    def __init__(self, combo: Any, kind: type[enum.Enum], onChosen: Callable[[enum.Enum], None]):
        self._combo, self._members, self._onChosen = combo, list(kind), onChosen
        combo.clear()
        combo.addItems([member.label() for member in self._members])
        combo.connect("activated(int)", self._onActivated)

    def show(self, member: enum.Enum) -> None:
        """Choose a member."""
        self._combo.currentIndex = self._members.index(member)

    def _onActivated(self, index: int) -> None:
        self._onChosen(self._members[index])
