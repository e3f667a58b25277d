"""The fixture `data`: the section "Data set" of BrainFMTrain, with a stand-in for the engine."""

from __future__ import annotations

import sys
from pathlib import Path

import module_bed
import pytest
from BrainFMLib.EngineProcess import EngineProcess
from train_panel import trainer  # noqa: F401

WORKER = Path(__file__).parent / "workers" / "data_worker.py"


class Data:
    """The section, with a stand-in for the engine."""

    def __init__(self, trainer):  # noqa: F811
        self.trainer, self.ui, self.panel, self.until = trainer, trainer.ui, trainer.module.data, trainer.until
        self.table = self.ui.dataTable
        self.behave()

    def behave(self, *options: object) -> None:
        """Let the stand-in behave as told from now on."""
        command = [sys.executable, str(WORKER), *(str(option) for option in options)]
        panel = self.panel
        for part in (panel.check, panel.pictures, panel.split.editor, panel.prepare.preparation):
            part.makeEngine = lambda: EngineProcess(command)

    def choose(self, folder: Path) -> None:
        """Choose a folder and wait until it is read."""
        self.ui.dataFolderEdit.currentPath = str(folder)
        self.until(lambda: self.panel._reader is None)

    def cells(self, row: int) -> list[str]:
        """What a row says."""
        return [self.table.item(row, column).text() for column in range(self.table.columnCount)]

    def check(self) -> None:
        """Press Check and wait for the end."""
        module_bed.press(self.ui.dataCheckButton)
        self.until(lambda: not self.panel.check.running)

    @property
    def summary(self) -> str:
        return self.ui.dataSummaryLabel.text

    def shown_width(self) -> int:
        """Width of the picture that is shown, 0 if there is none."""
        label = self.ui.dataPictureLabel
        pixmap = None if label.isHidden() else label.pixmap
        return 0 if pixmap is None or pixmap.isNull() else pixmap.width()


@pytest.fixture
def data(trainer):  # noqa: F811
    return Data(trainer)
