"""The window goes on reacting: how long the GUI thread is held at most while the module works, and by what.

The figures are printed with `pytest -s`. BRAINFM_TIMING_SIZE=256 takes scans of 256³ voxels. The views are hidden
meanwhile: drawing them is Slicer's, and without a graphics card it takes long.
"""

import os
import shutil
import time

import module_bed
import numpy as np
import pytest
import slicer
from BrainFMLib.SegmentSurfaces import hasSurfaces
from gui_holds import GuiHolds
from module_panel import folder, panel, setup  # noqa: F401
from result_folder import ResultFolder

pytestmark = pytest.mark.gui
SIZE = int(os.environ.get("BRAINFM_TIMING_SIZE", "96"))
SHAPE, AFFINE = (SIZE, SIZE, SIZE), np.diag([180 / SIZE, 180 / SIZE, 180 / SIZE, 1.0])
BOUND_MS = 500.0
WAIT_S = 240


def spin(condition=lambda: False, timeout_s=WAIT_S):
    """Run the event loop almost without pauses; whether the condition came true."""
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        slicer.app.processEvents()
        time.sleep(0.0005)
    return condition()


def check(holds, title):
    """Print the longest holds; they must not be far beyond 100 ms on any machine."""
    print(f"\n{title}, {' × '.join(map(str, SHAPE))} voxels; longest holds of the GUI thread:\n{holds.report()}")
    assert holds.longest.milliseconds < BOUND_MS, holds.report()


@pytest.fixture
def large(panel, tmp_path_factory):  # noqa: F811
    """The panel with a large scan and its results, the views hidden."""
    folder = tmp_path_factory.mktemp("large")  # noqa: F811
    panel.results = ResultFolder(folder, "large", SHAPE, AFFINE, radius_mm=70.0).write()
    panel.module.parameters.showResults = False
    panel.behave("succeed")
    volume = module_bed.head("Large", SHAPE, AFFINE)
    slicer.util.mainWindow().hide()
    with GuiHolds() as holds:
        panel.choose(volume)
        spin(timeout_s=0.5)
    check(holds, "Choosing a scan")
    yield panel
    shutil.rmtree(panel.results.folder)


def run(panel, title):  # noqa: F811
    with GuiHolds() as holds:
        panel.apply()
        assert spin(lambda: not panel.module.controller.busy)
        spin(timeout_s=0.3)
    assert panel.set is not None
    check(holds, title)


@pytest.mark.timeout(600)
def test_a_run_the_3d_surfaces_and_a_run_again(large):
    run(large, "A run")
    with GuiHolds() as holds:
        large.ui.show3DButton.checked = True
        assert spin(lambda: hasSurfaces(large.set.get("dseg")))
    check(holds, "Show 3D")
    run(large, "A run that replaces results and their surfaces")


@pytest.mark.parametrize("behaviour", ["flood-events", "flood"])
def test_an_engine_that_talks_much(panel, behaviour):  # noqa: F811
    panel.module.parameters.showResults = False
    panel.behave("--megabytes", 30, behaviour)
    panel.choose(module_bed.head())
    slicer.util.mainWindow().hide()
    with GuiHolds() as holds:
        panel.apply()
        assert spin(lambda: not panel.module.controller.busy)
    check(holds, behaviour)
