"""What the engine says, line by line."""

from __future__ import annotations

from typing import Any

import qt

_FLUSH_MS = 100


class LogPanel:
    """Section "Log"; lines are shown ten times a second at most, so that a flood of them does not slow anything."""

    def __init__(self, ui: Any):
        self._ui = ui
        self._waiting: list[str] = []
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.interval = _FLUSH_MS
        self._timer.timeout.connect(self.flush)
        ui.logCopyButton.clicked.connect(self._onCopy)
        ui.logClearButton.clicked.connect(self.clear)

    def append(self, line: str) -> None:
        """Add a line."""
        self._waiting.append(line.rstrip())
        del self._waiting[: -self._ui.logText.maximumBlockCount]
        if not self._timer.active:
            self._timer.start()

    def flush(self) -> None:
        """Show the lines that wait."""
        if self._waiting:
            self._ui.logText.appendPlainText("\n".join(self._waiting))
            self._waiting.clear()

    def text(self) -> str:
        """Return the whole log."""
        self.flush()
        return str(self._ui.logText.plainText)

    def clear(self) -> None:
        """Forget the log."""
        self._waiting.clear()
        self._ui.logText.clear()

    def stop(self) -> None:
        """Stop the timer: the module is going away."""
        self._timer.stop()

    def _onCopy(self) -> None:
        qt.QApplication.clipboard().setText(self.text())
