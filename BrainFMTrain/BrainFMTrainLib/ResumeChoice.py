"""Resume: with the data set that the run was trained on; where that is gone, the user says where it is now."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from BrainFMTrainLib.RunList import readRun

DATASET_NAME = "dataset.json"


class ResumeChoice:
    """Decides what a run goes on with.

    Args:
        controller: TrainingController.
        training: TrainingPanel; its device and time limit hold.
        notice: NoticePanel.
    """

    def __init__(self, controller: Any, training: Any, notice: Any):
        self._controller, self._training, self._notice = controller, training, notice

    def resume(self, folder: Path) -> None:
        """Go on with the run in a folder, or ask for its data set first."""
        seen = readRun(folder).seen
        recorded = seen.state.dataset if seen is not None else None
        if recorded is not None and (Path(recorded) / DATASET_NAME).is_file():
            self._controller.resume(self._training.request(), folder)
            return
        if recorded is not None:
            text = _("The data set of this run is gone: {folder}").format(folder=recorded)
        else:
            text = _("The run does not say which data set it was trained on")
        hint = _("Choose the same data set where it is now; a run goes on with the subjects that it began with.")
        action = (_("Choose data set…"), lambda: self._choose(folder))
        self._notice.notice(text, hint, severity="warning", action=action)

    def _choose(self, folder: Path) -> None:
        begin = self._training.request().dataset
        chosen = qt.QFileDialog.getExistingDirectory(
            slicer.util.mainWindow(), _("Data set of {run}").format(run=folder.name), str(begin or folder.parent)
        )
        if not chosen:
            return
        if not (Path(chosen) / DATASET_NAME).is_file():
            hint = _("A folder that “brainfm prepare” made has a file dataset.json.")
            self._notice.notice(_("There is no data set in {folder}").format(folder=chosen), hint)
            return
        self._controller.resume(self._training.request(), folder, Path(chosen))
