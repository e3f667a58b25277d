"""A message in the panel: what went wrong and what to do; never a pop-up."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

import qt

from BrainFMLib.Widgets.Icons import setIcon
from BrainFMLib.Widgets.Texts import sentence


class NoticePanel:
    """The frame `noticeFrame` of a form with what is in it."""

    def __init__(self, ui: Any):
        self._ui = ui
        self._details = ""
        self._action: Callable[[], None] = lambda: None
        ui.noticeCloseButton.clicked.connect(self.clearNotice)
        ui.noticeCopyButton.clicked.connect(self._onCopy)
        ui.noticeActionButton.clicked.connect(self._onAction)
        self.clearNotice()

    def notice(
        self,
        message: str,
        hint: str = "",
        details: str = "",
        severity: str = "error",
        action: tuple[str, Callable[[], None]] | None = None,
    ) -> None:
        """Say something in the panel.

        Args:
            message: one sentence.
            hint: what the user can do.
            details: what "Copy details" copies; without it there is no such button.
            severity: "error", "warning" or "information".
            action: text of a button and what it does.
        """
        icons = {
            "error": qt.QStyle.SP_MessageBoxCritical,
            "warning": qt.QStyle.SP_MessageBoxWarning,
            "information": qt.QStyle.SP_MessageBoxInformation,
        }
        setIcon(self._ui.noticeIcon, icons[severity])
        rest = f"<br>{html.escape(sentence(hint))}" if hint else ""
        self._ui.noticeLabel.text = f"<b>{html.escape(sentence(message))}</b>{rest}"
        self._details = details
        self._ui.noticeCopyButton.visible = bool(details)
        self._ui.noticeActionButton.visible = action is not None
        self._ui.noticeActionButton.text, self._action = action or ("", lambda: None)
        self._ui.noticeFrame.visible = True

    def clearNotice(self) -> None:
        """Take the message away."""
        self._details = ""
        self._ui.noticeFrame.visible = False

    def _onCopy(self) -> None:
        qt.QApplication.clipboard().setText(self._details)

    def _onAction(self) -> None:
        action = self._action
        self.clearNotice()
        action()
