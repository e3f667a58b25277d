"""The keys that flip through results: N forwards, Shift+N backwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer


class FlipKeys:
    """Two keys of the main window that work while the module is shown.

    Args:
        flip: called with 1 or -1.
    """

    def __init__(self, flip: Callable[[int], None]):
        actions = {"N": lambda: flip(1), "Shift+N": lambda: flip(-1)}
        self._keys = [(self._key(name, action), action) for name, action in actions.items()]

    def setEnabled(self, enabled: bool) -> None:
        """Let the keys work, or not."""
        for key, _action in self._keys:
            key.enabled = enabled

    def stop(self) -> None:
        """Remove the keys: the module is going away."""
        for key, action in self._keys:
            key.activated.disconnect(action)
            key.setParent(None)
        self._keys = []

    @staticmethod
    def _key(name: str, action: Callable[[], None]) -> Any:
        key = qt.QShortcut(qt.QKeySequence(name), slicer.util.mainWindow())
        key.activated.connect(action)
        key.enabled = False
        return key
