"""The window goes on reacting: how long the GUI thread is held at most while the module works.

The figures are printed with `pytest -s`; the bounds leave room for a busy machine. The views are hidden meanwhile:
drawing them is Slicer's, and without a graphics card it takes long.
"""

import time

import module_bed
import numpy as np
import pytest
import qt
import slicer
from module_panel import folder, panel, setup  # noqa: F401
from result_folder import ResultFolder

pytestmark = pytest.mark.gui
SHAPE = (128, 128, 112)
BOUND_S = 1.0


class Gaps:
    """Measures the time between returns to the event loop."""

    def __init__(self):
        self.longest, self._last = 0.0, None
        self._timer = qt.QTimer()
        self._timer.setInterval(1)
        self._timer.timeout.connect(self._tick)

    def _tick(self):
        now = time.perf_counter()
        if self._last is not None:
            self.longest = max(self.longest, now - self._last)
        self._last = now

    def __enter__(self):
        self._timer.start()
        return self

    def __exit__(self, *ignored):
        self._timer.stop()


def spin(condition, timeout_s=60):
    """Run the event loop without pauses."""
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        slicer.app.processEvents()
        time.sleep(0.0005)
    assert condition()


@pytest.mark.parametrize("behaviour", ["succeed", "flood-events", "flood"])
def test_the_gui_thread_is_never_held_for_long(panel, tmp_path, behaviour):  # noqa: F811
    affine = np.diag([1.5, 1.5, 1.5, 1.0])
    panel.results = ResultFolder(tmp_path, "large", SHAPE, affine, radius_mm=70.0).write()
    panel.module.parameters.showResults = False
    panel.behave("--megabytes", 30, behaviour)
    panel.choose(module_bed.head("Large", SHAPE, affine))
    panel.pump(timeout_s=1.0)
    slicer.util.mainWindow().hide()
    with Gaps() as gaps:
        panel.apply()
        spin(lambda: not panel.module.controller.busy)
    print(f"\nGUI thread held for {gaps.longest * 1000:.0f} ms at most ({behaviour}, {SHAPE})")
    assert gaps.longest < BOUND_S


def test_describing_a_scan_is_quick(panel):  # noqa: F811
    volume = module_bed.head("Large", (256, 256, 256), np.eye(4))
    start = time.perf_counter()
    panel.module.input.show(volume)
    seconds = time.perf_counter() - start
    print(f"\na scan of 256³ is described in {seconds * 1000:.0f} ms")
    assert seconds < 1.0
