"""Apply and Cancel, how far the run is, and what went wrong, all in the panel and never in a pop-up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from BrainFMLib.Progress import timeLeftText
from BrainFMLib.Widgets.NoticePanel import NoticePanel

_DOUBLE_PRESS_S = 0.8


class RunPanel(NoticePanel):
    """The Apply button with what is below it.

    Attributes:
        onApply: called when the user presses Apply.
        onCancel: called when the user presses Cancel.
    """

    def __init__(self, ui: Any):
        super().__init__(ui)
        self.onApply: Callable[[], None] = lambda: None
        self.onCancel: Callable[[], None] = lambda: None
        self._running = False
        self._startedAt = 0.0
        ui.applyButton.clicked.connect(self._onButton)
        self.showIdle("", _("Choose a scan first."))

    def showIdle(self, text: str, problem: str) -> None:
        """Offer Apply.

        Args:
            text: on the button; "" for "Apply".
            problem: why it cannot be pressed; "" if it can.
        """
        self._running = False
        self._ui.applyButton.text = text or _("Apply")
        self._ui.applyButton.enabled = not problem
        self._ui.applyButton.toolTip = problem or _("Make the ticked results from the scan.")
        self._ui.progressFrame.visible = False
        self.showStatus(problem)

    def showStatus(self, text: str) -> None:
        """Say something in small below the button."""
        self._ui.statusLabel.text = text
        self._ui.statusLabel.visible = bool(text)

    def showRunning(self) -> None:
        """Turn Apply into Cancel."""
        self._running = True
        self._startedAt = time.monotonic()
        self._ui.applyButton.text = _("Cancel")
        self._ui.applyButton.toolTip = _("Stop; nothing that is unfinished stays behind.")
        self._ui.applyButton.enabled = True
        self.showStatus("")
        self._ui.progressFrame.visible = True
        self.clearNotice()
        self.showProgress(_("Starting"), 0.0, None)

    def showProgress(self, stage: str, fraction: float, secondsLeft: float | None) -> None:
        """Show how far the run is."""
        self._ui.progressBar.value = int(fraction * self._ui.progressBar.maximum)
        parts = (stage, _("{percent} %").format(percent=int(fraction * 100)), timeLeftText(secondsLeft))
        self._ui.progressLabel.text = " · ".join(part for part in parts if part)

    def showStopping(self) -> None:
        """Say that Cancel was heard."""
        self._ui.applyButton.enabled = False
        self._ui.applyButton.text = _("Stopping…")

    def _onButton(self) -> None:
        if not self._running:
            self.onApply()
        elif time.monotonic() - self._startedAt > _DOUBLE_PRESS_S:
            self.onCancel()
