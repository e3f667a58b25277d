"""VTK observers of a widget: they go when the widget goes, as those of a C++ widget do."""

from __future__ import annotations

from collections.abc import Callable

from PySide6 import QtCore


class Observers:
    """The observers that one Qt object has added."""

    def __init__(self, owner: QtCore.QObject):
        self._held: list[tuple] = []
        owner.destroyed.connect(self.clear)

    def add(self, target, event, callback: Callable) -> None:
        """Call `callback(caller, event)` until `clear` or the end of the owner."""
        self._held.append((target, target.AddObserver(event, callback)))

    def clear(self, *_ignored) -> None:
        """Remove all of them."""
        for target, tag in self._held:
            target.RemoveObserver(tag)
        self._held.clear()
