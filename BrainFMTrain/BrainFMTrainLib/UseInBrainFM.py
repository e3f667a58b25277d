"""The weights of a run as a model of the module BrainFM, with a title, and a card that says where they come from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import qt
import slicer
from BrainFMEngine.models import store
from BrainFMLib.ModelManager import ModelManager
from BrainFMLib.RunOutcome import Outcome
from BrainFMLib.Widgets.NoticePanel import NoticePanel
from slicer.i18n import tr as _

from BrainFMTrainLib.CompareChoices import CHECKPOINTS
from BrainFMTrainLib.RunList import MODEL_NAME

LONGEST_TITLE = 80


class UseInBrainFM:
    """Asks for a title and installs the best weights of a run.

    Attributes:
        onProgress: called with what is being done.
        onChanged: called when it begins and when it has ended.
        onInstalled: called with the name of the new model.
    """

    def __init__(self, manager: ModelManager, notice: NoticePanel):
        self._manager, self._notice = manager, notice
        self.onProgress: Callable[[str], None] = lambda text: None
        self.onChanged: Callable[[], None] = lambda: None
        self.onInstalled: Callable[[str], None] = lambda name: None

    def ask(self, run: Path) -> None:
        """Ask what the model shall be called, then install it; an empty title, or Cancel, does nothing."""
        label = _("What shall the model be called in the module BrainFM?")
        proposed = freeTitle(run.name, self._titles())
        normal = qt.QLineEdit.Normal
        title = qt.QInputDialog.getText(slicer.util.mainWindow(), _("Use in BrainFM"), label, normal, proposed)
        if title and title.strip():
            self.install(run, title.strip())

    def install(self, run: Path, title: str) -> None:
        """Install the best weights of a run, or the last where none were validated; returns at once."""
        title = freeTitle(title[:LONGEST_TITLE].strip(), self._titles())
        name = store.free_name(store.default_name(re.sub(r"[./\\]+", "-", title)))

        def onFinished(outcome: Outcome) -> None:
            if outcome.state == "done":
                text = _("The module BrainFM has a new model: {title}").format(title=title)
                hint = _("Choose it there under “Model”; its card says what it was trained on.")
                self._notice.notice(text, hint, severity="information")
                self.onInstalled(name)
            elif outcome.state != "cancelled":
                self._notice.notice(outcome.message, outcome.hint, outcome.details)
            self.onChanged()

        self._notice.clearNotice()
        progress = lambda text, _fraction: self.onProgress(text)  # noqa: E731
        self._manager.importFile(weightsOf(run), progress, onFinished, name, title)
        self.onChanged()

    def _titles(self) -> set[str]:
        return {row.title for row in self._manager.list()}


def weightsOf(run: Path) -> Path:
    """Return what is imported of a run: the run with its checkpoints or, where they are gone, the model it made."""
    return run if (run / CHECKPOINTS).is_dir() else run / MODEL_NAME


def freeTitle(title: str, taken: Iterable[str]) -> str:
    """Return the title, with a number behind it if a model is called so."""
    titles, number, free = set(taken), 1, title
    while free in titles:
        number += 1
        free = f"{title} {number}"
    return free
