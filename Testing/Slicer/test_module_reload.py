"""Developers press Reload: what goes on ends, nothing of the old panel stays at work, and the new one works."""

import sys

import child_processes
import module_bed
import pytest
import slicer
from BrainFMLib.ResultSet import ResultSet
from module_panel import folder, panel, setup  # noqa: F401

pytestmark = pytest.mark.gui
PACKAGES = ("BrainFM", "BrainFMLib")


@pytest.fixture(autouse=True)
def modules_as_before():
    """Other tests go on with the modules that they imported."""
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] in PACKAGES}
    yield
    for name in [name for name in sys.modules if name.split(".")[0] in PACKAGES]:
        del sys.modules[name]
    sys.modules.update(before)


def reload(panel):  # noqa: F811
    """Press Reload; the new Python widget, ready for the worker that behaves as told."""
    make, former = panel.logic.makeEngine, panel.widget
    panel.widget.onReload()
    widget = slicer.modules.brainfm.widgetRepresentation().self()
    assert widget is not former and widget is slicer.modules.BrainFMWidget
    assert type(widget.module) is not type(former.module)
    widget.logic.makeEngine = make
    widget.module.setup.dependencies.discard()  # its own look at the setup would end later, and say something else
    widget.module.setup.dependencies.health = module_bed.READY
    return widget


def visible_forms():
    return [child for child in slicer.modules.brainfm.widgetRepresentation().children() if getattr(child, "visible", 0)]


def test_reload_in_mid_run_ends_the_run(panel, tmp_path):  # noqa: F811
    panel.behave("--pids", tmp_path / "pids", "grandchild")
    panel.choose(module_bed.head("Victim"))
    panel.apply()
    panel.until(lambda: panel.logic.prediction is not None and panel.logic.prediction.state == "running")
    panel.until((tmp_path / "pids").is_file)
    former = panel.logic.prediction
    reload(panel)
    panel.until(lambda: not child_processes.of_this_test())
    panel.until(lambda: not module_bed.run_folders())
    assert former.state == "discarded", former.outcome
    assert not ResultSet.all(slicer.mrmlScene)


def test_the_new_panel_takes_over(panel):  # noqa: F811
    volume = module_bed.head("Kept")
    panel.run(volume)
    panel.ui.flipCheckBox.checked = True
    made, layout = panel.set, slicer.app.layoutManager().layout
    widget = reload(panel)
    panel.pump(timeout_s=0.5)
    assert len(visible_forms()) == 1
    assert widget.module.entered and widget.ui.inputSelector.currentNode() is volume
    assert widget.module.parameters.flip and widget.ui.flipCheckBox.checked
    assert widget.module.results.current.run == made.run
    assert slicer.app.layoutManager().layout != layout  # the user's own is back
    panel.behave("succeed")
    widget.logic.makeEngine = panel.logic.makeEngine
    module_bed.press(widget.ui.applyButton)
    assert panel.pump(lambda: not widget.module.controller.busy, 20)
    assert widget.logic.prediction.outcome.state == "done"
    assert len(ResultSet.all(slicer.mrmlScene)) == 1


def test_nothing_of_the_old_panel_stays_at_work(panel):  # noqa: F811
    panel.run(module_bed.head())
    reload(panel)
    panel.pump(timeout_s=0.2)
    called = set()

    def note(frame, event, _argument):
        name = frame.f_globals.get("__name__", "")
        if event == "call" and name.startswith("BrainFMLib") and frame.f_globals is not vars(sys.modules[name]):
            called.add(f"{name}.{frame.f_code.co_name}")

    sys.setprofile(note)
    try:
        module_bed.head("Another")
        panel.pump(timeout_s=0.6)
        slicer.mrmlScene.Clear(0)
        panel.pump(timeout_s=0.6)
    finally:
        sys.setprofile(None)
    assert not {name for name in called if not name.startswith("BrainFMLib.Health.")}  # READY is of the old one
