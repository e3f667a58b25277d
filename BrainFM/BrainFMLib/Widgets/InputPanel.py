"""The scan: a selector, and a line that says what the module sees in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
from slicer.i18n import tr as _

from BrainFMLib.InputCheck import InputReport, checkInput
from BrainFMLib.Widgets.Icons import setIcon
from BrainFMLib.Widgets.Texts import sentence


class InputPanel:
    """Section "Scan".

    Attributes:
        report: what is known about the chosen scan, None without one.
        onChanged: called after another scan was looked at.
    """

    def __init__(self, ui: Any):
        self._ui = ui
        self.report: InputReport | None = None
        self._looks: tuple = ()
        self.onChanged: Callable[[], None] = lambda: None
        setIcon(ui.inputWarningIcon, qt.QStyle.SP_MessageBoxWarning)
        self.show(None)

    def show(self, volumeNode: Any | None, sequence: bool = False) -> None:
        """Look at a scan and say what is seen.

        Args:
            volumeNode: the scan.
            sequence: whether the frames of its sequence will be worked on.
        """
        looks = _looksOf(volumeNode, sequence)
        if looks != self._looks:
            self._looks = looks
            self.report = checkInput(volumeNode, sequence) if volumeNode is not None else None
        report = self.report
        hint = _("Load one with Add Data or the DICOM module, or try File / Download Sample Data.")
        self._ui.inputSummaryLabel.text = hint if report is None else report.summary
        self._ui.inputSummaryLabel.visible = bool(self._ui.inputSummaryLabel.text)
        problems = []
        if report is not None:
            problems = [text for text in (report.reason, report.hint, *report.warnings) if text]
        self._ui.inputWarningLabel.text = "\n".join(sentence(problem) for problem in problems)
        self._ui.inputWarningFrame.visible = bool(problems)
        self.onChanged()

    def problem(self) -> str:
        """Return why the scan cannot be used, "" if it can."""
        if self.report is None:
            return _("Choose a scan first.")
        return "" if self.report.usable else sentence(self.report.reason)


def _looksOf(volumeNode: Any | None, sequence: bool) -> tuple:
    """Return what a report depends on: as long as it is the same there is nothing to look at again."""
    if volumeNode is None:
        return (None,)
    image, parent = volumeNode.GetImageData(), volumeNode.GetParentTransformNode()
    times = (volumeNode.GetMTime(), image.GetMTime() if image else 0, parent.GetMTime() if parent else 0)
    return (volumeNode.GetID(), sequence, *times)
