"""The fixture `panel`: the module's panel, open, with a setup that is complete and a worker that behaves as told."""

from __future__ import annotations

import module_bed
import pytest
import slicer
from BrainFMLib import MemoryEstimate
from BrainFMLib.Dependencies import Dependencies
from BrainFMLib.EngineProcess import EngineProcess
from BrainFMLib.Widgets import SetupPanel
from result_folder import ResultFolder

QUICK_S, SLOW_S = 20, 60


class Panel:
    """The open module, driven as a user does it."""

    def __init__(self, widget, pump, results):
        self.widget, self.module, self.ui, self.logic = widget, widget.module, widget.ui, widget.logic
        self.pump, self.results = pump, results
        self.behave("succeed")

    def behave(self, *words) -> None:
        """Let the worker behave as told from the next run on."""
        self.logic.makeEngine = lambda: module_bed.stub("--results", self.results.folder, *words)

    def choose(self, volume) -> None:
        """Choose a scan."""
        self.ui.inputSelector.setCurrentNode(volume)

    def apply(self) -> None:
        """Press Apply."""
        assert self.ui.applyButton.enabled, self.ui.statusLabel.text
        module_bed.press(self.ui.applyButton)

    def wait(self, timeout_s: float = SLOW_S):
        """Wait for the end of the run; return its outcome."""
        assert self.pump(lambda: not self.module.controller.busy, timeout_s), self.ui.progressLabel.text
        return self.logic.prediction.outcome if self.logic.prediction is not None else None

    def until(self, condition, timeout_s: float = QUICK_S) -> None:
        """Wait for something."""
        assert self.pump(condition, timeout_s)

    def run(self, volume=None):
        """Choose a scan, press Apply and wait for the end; return the outcome."""
        if volume is not None:
            self.choose(volume)
        self.apply()
        return self.wait()

    @property
    def notice(self) -> str:
        """What the panel says in its message; "" if there is none."""
        return self.ui.noticeLabel.text if module_bed.shown(self.ui.noticeFrame) else ""

    @property
    def set(self):
        """The results that the panel shows."""
        return self.module.results.current


@pytest.fixture
def folder(tmp_path):
    """A result folder that fits `module_bed.head()`."""
    return ResultFolder(tmp_path, "made", module_bed.SHAPE, module_bed.AFFINE).write()


@pytest.fixture
def setup(monkeypatch, scene, pump):
    """A setup that is complete, an estimate that is ready, and no memory of former tests."""
    module_bed.clear_settings()
    health, estimate = module_bed.says(module_bed.HEALTH_LINE), module_bed.says(module_bed.ESTIMATE_LINE)
    monkeypatch.setattr(SetupPanel, "Dependencies", lambda: Dependencies(command=health))
    made = lambda command=None, finalEvent="": EngineProcess(estimate, finalEvent=finalEvent)  # noqa: E731
    monkeypatch.setattr(MemoryEstimate, "EngineProcess", made)
    yield
    slicer.mrmlScene.Clear(0)
    pump(lambda: not module_bed.run_folders(), 2)
    assert not module_bed.run_folders()


@pytest.fixture
def panel(setup, folder, open_module, pump):
    """The module's panel, ready to run."""
    panel = Panel(open_module("BrainFM"), pump, folder)
    panel.until(lambda: panel.module.setup.ready)
    yield panel
    slicer.util.selectModule("BrainFM")  # so that it is this one that is thrown away
