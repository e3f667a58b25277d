"""Fixtures of the Slicer tests: the modules on the real scene, with Qt as Slicer's Python sees it.

    slicer_app    slicer.app, brought up once
    scene         slicer.mrmlScene, empty
    pump          pump(condition, timeout_s): run the event loop until the condition holds
    open_module   open_module("BrainFM"): the Python widget of the module, set up, entered and shown
    screenshot    screenshot(name): a picture of the main window, kept when SLICER_SCREENSHOTS names a folder
    dialogs       dialogs.answer(...): what the user says to the next question; dialogs.asked, dialogs.opened
    vtk_errors    what VTK and MRML complained about during the test (in Slicer: red lines of the error log)
    slot_errors   errors that slots, timers and observers raised; those not taken fail the test

Test modules may import slicer, qt, ctk and the modules' own packages at the top. Where packages are missing the folder
is skipped with their names.
"""

from __future__ import annotations

import child_processes
import pytest
from harness import bed, requirements
from harness import slot_errors as kept_errors

WITHOUT_SLICER = {"test_api_lint.py", "test_harness_requirements.py", "test_real_slicer.py"}
ABOUT_THE_BED = "test_harness_"


class SlicerTests(pytest.Module):
    """A test file whose imports need the test bed."""

    def collect(self):
        reason = self.reason_to_skip()
        if reason is not None:
            raise pytest.skip.Exception(reason, allow_module_level=True)
        with bed.imports():
            return list(super().collect())

    def reason_to_skip(self):
        if not bed.in_real_slicer():
            return requirements.reason_to_skip()
        return "about the test bed" if self.path.name.startswith(ABOUT_THE_BED) else None


def pytest_pycollect_makemodule(module_path, parent):
    if module_path.name in WITHOUT_SLICER:
        return None
    return SlicerTests.from_parent(parent, path=module_path)


@pytest.fixture(autouse=True)
def _bed(request):
    if not isinstance(request.node.getparent(pytest.Module), SlicerTests):
        yield
        return
    with bed.imports():
        bed.application()
        if not bed.in_real_slicer():
            kept_errors.watch()
        child_processes.remember()
        yield
        complaints = bed.complaints()
    assert not complaints, f"raised in a slot, timer or observer, or left behind: {complaints!r}"


@pytest.fixture(autouse=True, scope="module")
def _views(request):
    """A file of tests leaves no views behind."""
    yield
    if isinstance(request.node, SlicerTests):
        with bed.imports():
            bed.forget_views()
            kept_errors.take()  # of panels that are closed already


@pytest.fixture
def slicer_app(_bed):
    return bed.application()


@pytest.fixture
def scene(slicer_app):
    bed.clear()
    yield bed.scene()
    bed.clear()


@pytest.fixture
def pump(slicer_app):
    return bed.pump


@pytest.fixture
def open_module(scene):
    yield bed.open_module
    bed.close_module()


@pytest.fixture
def screenshot(slicer_app):
    return bed.screenshot


@pytest.fixture
def dialogs(slicer_app):
    if bed.in_real_slicer():
        pytest.skip("questions wait for a user in a real Slicer")
    from harness.dialogs import dialogs

    dialogs.reset()
    return dialogs


@pytest.fixture
def vtk_errors(slicer_app):
    if bed.in_real_slicer():
        pytest.skip("a real Slicer shows errors of VTK in its log")
    from harness.mrml import vtk_errors

    vtk_errors.clear()
    return vtk_errors


@pytest.fixture
def slot_errors(slicer_app):
    if bed.in_real_slicer():
        pytest.skip("a real Slicer only prints errors of slots")
    return kept_errors
