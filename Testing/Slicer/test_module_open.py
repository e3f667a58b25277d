"""The first look at the module: quick, without torch, and clear about what to do."""

import sys

import module_bed
import numpy as np
import pytest
import slicer
from BrainFMLib import MemoryEstimate
from module_panel import folder, panel, setup  # noqa: F401

pytestmark = pytest.mark.gui
BOXES = ("contrasts", "anatomy", "distance", "bias", "registration")


def test_opening_loads_no_torch(setup, open_module):  # noqa: F811
    heavy = {"torch", "nibabel", "SimpleITK"}
    before = heavy & set(sys.modules)  # tests of the engine may have run in this process
    widget = open_module("BrainFM")
    assert heavy & set(sys.modules) == before
    assert widget.module is not None


def test_first_look_says_what_to_do(panel):  # noqa: F811
    ui = panel.ui
    assert panel.widget.parent is not None
    assert "Load" in ui.inputSummaryLabel.text
    assert not ui.applyButton.enabled
    assert "scan" in ui.statusLabel.text
    assert all(getattr(ui, f"{name}CheckBox").checked for name in BOXES)
    for name in ("results", "options", "batch", "model", "setup", "log"):
        assert getattr(ui, f"{name}CollapsibleButton").collapsed
    assert not panel.notice
    assert "compact" in ui.modelCollapsibleButton.text


def test_a_scan_is_described_and_chosen_by_itself(panel):  # noqa: F811
    volume = module_bed.head()
    panel.until(lambda: panel.ui.inputSelector.currentNode() is volume)
    text = panel.ui.inputSummaryLabel.text
    assert "MR (guess)" in text and "20 × 24 × 22" in text and "2 × 2 × 2 mm" in text and "RAS" in text
    assert panel.ui.applyButton.enabled
    assert not module_bed.shown(panel.ui.inputWarningFrame)


def test_memory_is_told_beside_what_is_free(panel):  # noqa: F811
    panel.choose(module_bed.head())
    panel.until(lambda: "3.1 GB" in panel.ui.statusLabel.text)
    assert "9.8 GB are free" in panel.ui.statusLabel.text
    assert "Test GPU" in panel.ui.statusLabel.text


def test_what_was_told_stays_while_it_is_asked_again(panel, monkeypatch):  # noqa: F811
    panel.choose(module_bed.head())
    panel.until(lambda: "3.1 GB" in panel.ui.statusLabel.text)
    monkeypatch.setattr(MemoryEstimate, "_FRESH_S", 0.0)
    panel.ui.flipCheckBox.checked = True
    panel.until(lambda: panel.module.estimate._asked is not None)
    panel.until(lambda: "3.1 GB" in panel.ui.statusLabel.text)
    panel.ui.flipCheckBox.checked = False
    assert "3.1 GB" in panel.ui.statusLabel.text


def test_one_slice_is_refused_with_a_reason(panel):  # noqa: F811
    slice_ = slicer.util.addVolumeFromArray(np.ones((1, 20, 20), np.float32), name="Slice")
    panel.choose(slice_)
    assert not panel.ui.applyButton.enabled
    assert "single slice" in panel.ui.statusLabel.text
    assert module_bed.shown(panel.ui.inputWarningFrame)


@pytest.mark.parametrize("kind", ["vtkMRMLLabelMapVolumeNode", "vtkMRMLVectorVolumeNode"])
def test_volumes_that_are_no_scans_are_not_offered(panel, kind):  # noqa: F811
    node = slicer.mrmlScene.AddNewNodeByClass(kind, "Other")
    slicer.util.updateVolumeFromArray(node, np.ones((4, 4, 4, 3) if "Vector" in kind else (4, 4, 4), np.int16))
    panel.pump(timeout_s=0.5)
    assert panel.ui.inputSelector.currentNode() is None


def test_a_volume_under_a_bending_transform_is_refused(panel):  # noqa: F811
    volume = module_bed.head()
    panel.choose(volume)
    bspline = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLGridTransformNode")
    volume.SetAndObserveTransformNodeID(bspline.GetID())
    panel.choose(None)
    panel.choose(volume)
    assert not panel.ui.applyButton.enabled
    assert "bends" in panel.ui.statusLabel.text


def test_without_any_task_there_is_nothing_to_apply(panel):  # noqa: F811
    panel.choose(module_bed.head())
    for name in BOXES:
        getattr(panel.ui, f"{name}CheckBox").checked = False
    assert not panel.ui.applyButton.enabled
    assert "Tick" in panel.ui.statusLabel.text
    panel.ui.biasCheckBox.checked = True
    assert panel.ui.applyButton.enabled
    assert panel.module.request().tasks() == ["bias"]


def test_self_test_of_the_module(panel):  # noqa: F811
    import BrainFM

    BrainFM.BrainFMTest().runTest()


def test_texts_of_the_module(panel):  # noqa: F811
    module = slicer.modules.brainfm
    assert list(module.categories) == ["Neuroimaging"]
    assert "2509.00549" in module.acknowledgementText and "ECCV 2024" in module.acknowledgementText
    assert "Research use only" in module.helpText
