"""The layouts: what each view shows, that views move together, and that the user's own layout comes back."""

import module_bed
import numpy as np
import pytest
import slicer
from BrainFMLib import Checkerboard, Layouts, Navigation
from BrainFMLib.LayoutPlans import INPUT, NAMES, VIEW_GROUP, planFor, viewName
from module_panel import folder, panel, setup  # noqa: F401

pytestmark = pytest.mark.gui
FOUR_UP = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView


@pytest.fixture
def ready(panel):  # noqa: F811
    """The panel with results, in the user's own layout."""
    slicer.app.layoutManager().setLayout(FOUR_UP)
    panel.module.parameters.showResults = False
    panel.run(module_bed.head("Case"))
    assert slicer.app.layoutManager().layout == FOUR_UP
    return panel


def press(panel, name):  # noqa: F811
    getattr(panel.ui, f"{name.lower()}LayoutButton").click()
    panel.pump(timeout_s=0.3)
    assert Layouts.currentLayout() == name


def shown(plan):
    """Background, overlay and orientation of each view of a layout, by kind."""
    rows = []
    for number in range(len(plan.panes)):
        composite, node = Layouts.compositeNode(viewName(number)), Layouts.sliceNode(viewName(number))
        rows.append((composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID(), node.GetOrientation()))
    return rows


@pytest.mark.parametrize("name", NAMES)
def test_each_view_shows_what_the_plan_says(ready, name):
    press(ready, name)
    plan, found = planFor(name, ready.set.kinds()), ready.set
    assert getattr(ready.ui, f"{name.lower()}LayoutButton").checked
    expected = []
    for pane in plan.panes:
        background = found.inputNode if pane.background == INPUT else found.get(pane.background)
        overlay = found.get(pane.overlay) if pane.overlay else None
        expected.append((background.GetID(), overlay and overlay.GetID(), pane.orientation))
    assert shown(plan) == expected
    mapped = slicer.app.layoutManager().sliceViewNames()
    assert list(mapped) == [viewName(number) for number in range(len(plan.panes))]
    for number, pane in enumerate(plan.panes):
        composite, node = Layouts.compositeNode(viewName(number)), Layouts.sliceNode(viewName(number))
        assert composite.GetLinkedControl() and composite.GetHotLinkedControl()
        assert node.GetViewGroup() == VIEW_GROUP
        assert node.GetLayoutLabel() == pane.label


def test_contrasts_beside_the_scan(ready):
    press(ready, "Contrasts")
    kinds = [pane.background for pane in planFor("Contrasts", ready.set.kinds()).panes]
    assert kinds == [INPUT, "T1w", "T2w", "FLAIR", "CT"]
    assert slicer.app.layoutManager().threeDViewCount == 0


def test_anatomy_has_a_3d_view_and_the_table(ready):
    press(ready, "Anatomy")
    manager = slicer.app.layoutManager()
    assert manager.threeDViewCount == 1 and manager.tableViewCount == 1
    assert manager.tableWidget(0).mrmlTableViewNode().GetTableNodeID() == ready.set.get("volumes").GetID()
    display = ready.set.get("dseg").GetDisplayNode()
    assert display.GetVisibility2D() and display.GetOpacity2DFill() == pytest.approx(0.5)
    ready.until(lambda: display.GetVisibility3D() and not ready.module.results._making, 20)
    assert ready.ui.show3DButton.checked
    closed = slicer.vtkSegmentationConverter.GetClosedSurfaceRepresentationName()
    assert ready.set.get("dseg").GetSegmentation().ContainsRepresentation(closed)
    ready.ui.show3DButton.click()
    assert not display.GetVisibility3D()


def test_cortex_shows_surfaces_and_one_legend(ready):
    press(ready, "Cortex")
    for kind in ("pialLeft", "whiteRight"):
        display = ready.set.get(kind).GetDisplayNode()
        assert display.GetVisibility() and display.GetVisibility2D() and display.GetVisibility3D()
    legends = [slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(ready.set.get(kind)) for kind in ("rp", "lp", "rw")]
    assert [bool(legend.GetVisibility()) for legend in legends] == [True, False, False]
    assert list(legends[0].GetViewNodeIDs()) == [Layouts.sliceNode(viewName(0)).GetID()]
    assert not ready.set.get("dseg").GetDisplayNode().GetVisibility2D()


@pytest.mark.parametrize("name", ["Cortex", "Bias", "Atlas"])
def test_the_slider_blends_the_overlay_and_is_remembered(ready, name):
    press(ready, name)
    plan = planFor(name, ready.set.kinds())
    number = next(number for number, pane in enumerate(plan.panes) if pane.overlay)
    composite = Layouts.compositeNode(viewName(number))
    assert composite.GetForegroundOpacity() == pytest.approx(plan.opacity)
    ready.ui.overlaySlider.value = 0.3
    assert composite.GetForegroundOpacity() == pytest.approx(0.3)
    press(ready, "Contrasts")
    press(ready, name)
    assert composite.GetForegroundOpacity() == pytest.approx(0.3)
    assert ready.ui.overlaySlider.value == pytest.approx(0.3)


def test_the_slider_fades_the_anatomy_in(ready):
    press(ready, "Contrasts")
    display = ready.set.get("dseg").GetDisplayNode()
    assert not display.GetVisibility2D()
    ready.ui.overlaySlider.value = 0.4
    assert display.GetVisibility2D() and display.GetOpacity2DFill() == pytest.approx(0.4)


def test_views_of_one_orientation_move_together(ready):
    press(ready, "Contrasts")
    logic = slicer.app.applicationLogic().GetSliceLogicByLayoutName(viewName(0))
    logic.StartSliceNodeInteraction(slicer.vtkMRMLSliceNode.XYZOriginFlag | slicer.vtkMRMLSliceNode.SliceToRASFlag)
    logic.SetSliceOffset(30.0)
    logic.EndSliceNodeInteraction()
    for number in range(5):
        other = slicer.app.applicationLogic().GetSliceLogicByLayoutName(viewName(number))
        assert other.GetSliceOffset() == pytest.approx(30.0)


def test_checkerboard_of_scan_and_atlas(ready):
    press(ready, "Atlas")
    before = module_bed.nodes()
    ready.ui.checkerboardCheckBox.checked = True
    ready.until(lambda: module_bed.nodes() != before)
    composite = Layouts.compositeNode(viewName(1))
    ready.until(lambda: composite.GetForegroundVolumeID() != ready.set.get("atlas").GetID())
    squares = slicer.mrmlScene.GetNodeByID(composite.GetForegroundVolumeID())
    assert squares.GetHideFromEditors() and not squares.GetSaveWithScene()
    voxels, atlas = slicer.util.arrayFromVolume(squares), slicer.util.arrayFromVolume(ready.set.get("atlas"))
    part = (voxels >= 0).sum() / (atlas > 0).sum()
    assert 0.3 < part < 0.7
    np.testing.assert_array_equal(voxels[voxels >= 0], atlas[voxels >= 0])
    ready.ui.checkerboardCheckBox.checked = False
    assert module_bed.nodes() == before
    assert composite.GetForegroundVolumeID() == ready.set.get("atlas").GetID()


def test_leaving_the_atlas_removes_the_checkerboard(ready):
    before = module_bed.nodes()
    press(ready, "Atlas")
    ready.ui.checkerboardCheckBox.checked = True
    press(ready, "Contrasts")
    ready.pump(timeout_s=0.5)
    assert module_bed.nodes() == before
    assert not ready.ui.checkerboardCheckBox.checked
    count = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    volumes = [slicer.mrmlScene.GetNthNodeByClass(index, "vtkMRMLScalarVolumeNode") for index in range(count)]
    assert not [volume for volume in volumes if volume.GetAttribute(Checkerboard.ATTRIBUTE)]


def test_my_layout_brings_everything_back(ready):
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView)
    display = ready.set.get("dseg").GetDisplayNode()
    display.SetOpacity2DFill(0.21)
    model = ready.set.get("pialLeft").GetDisplayNode()
    model.SetVisibility3D(False)
    red = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceCompositeNode()
    red.SetBackgroundVolumeID(ready.set.get("T2w").GetID())
    for name in NAMES:
        press(ready, name)
        ready.ui.overlaySlider.value = 0.77
    ready.ui.restoreLayoutButton.click()
    assert slicer.app.layoutManager().layout == slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView
    assert display.GetOpacity2DFill() == pytest.approx(0.21) and display.GetVisibility2D()
    assert not model.GetVisibility3D() and model.GetVisibility2D()
    assert red.GetBackgroundVolumeID() == ready.set.get("T2w").GetID()
    assert not ready.ui.restoreLayoutButton.enabled
    assert not any(getattr(ready.ui, f"{name.lower()}LayoutButton").checked for name in NAMES)


def test_leaving_the_module_brings_the_layout_back(ready):
    press(ready, "Cortex")
    slicer.util.selectModule("")
    assert slicer.app.layoutManager().layout == FOUR_UP


def test_layouts_without_their_results_are_not_offered(panel):  # noqa: F811
    panel.results.folder.rename(panel.results.folder.with_name("old"))
    panel.results.write({"t1", "bias"})
    panel.run(module_bed.head())
    enabled = [name for name in NAMES if getattr(panel.ui, f"{name.lower()}LayoutButton").enabled]
    assert enabled == ["Contrasts", "Bias"]
    assert not module_bed.shown(panel.ui.volumesFrame)
    plan = planFor("Contrasts", panel.set.kinds())
    assert [pane.background for pane in plan.panes] == [INPUT, "T1w"] and not plan.overlay


def test_scripts_can_use_the_layouts(ready):
    Layouts.showLayout("Bias", ready.set)
    assert Layouts.currentLayout() == "Bias"
    Layouts.restoreLayout()
    assert Layouts.currentLayout() == ""
    with pytest.raises(ValueError, match="nothing for the layout"):
        ready.set.get("atlas").SetAttribute("BrainFM.Kind", "")
        Layouts.showLayout("Atlas", ready.set)


def test_layouts_start_where_the_user_looks(ready):
    node = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    node.JumpSliceByOffsetting(20.0, 22.0, 35.0)
    press(ready, "Contrasts")
    logic = slicer.app.applicationLogic().GetSliceLogicByLayoutName(viewName(2))
    assert logic.GetSliceOffset() == pytest.approx(35.0)
    ready.pump(timeout_s=0.4)
    assert logic.GetSliceOffset() == pytest.approx(35.0)


def test_flip_in_the_large_view(ready):
    press(ready, "Contrasts")
    composites = [Layouts.compositeNode(viewName(number)) for number in range(5)]
    former = [composite.GetBackgroundVolumeID() for composite in composites]
    ready.ui.nextResultButton.click()
    assert ready.ui.flipLabel.text == "T1w (2 of 7)"
    assert composites[0].GetBackgroundVolumeID() == ready.set.get("T1w").GetID()
    assert [composite.GetBackgroundVolumeID() for composite in composites[1:]] == former[1:]
    ready.ui.previousResultButton.click()
    ready.ui.previousResultButton.click()
    assert ready.ui.flipLabel.text == "Atlas (7 of 7)"


def test_flip_in_the_users_own_views(ready):
    Navigation.flipThrough(ready.set, 1)
    title, number, count = Navigation.flipThrough(ready.set, 1)
    assert count == 7
    ids = {
        slicer.app.layoutManager().sliceWidget(name).mrmlSliceCompositeNode().GetBackgroundVolumeID()
        for name in ("Red", "Green", "Yellow")
    }
    assert len(ids) == 1 and Navigation.titleOf(ready.set, slicer.mrmlScene.GetNodeByID(ids.pop())) == title
