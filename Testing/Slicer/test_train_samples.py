"""Samples on the screen: side by side in linked views, from the first Generate to the end of the scene."""

import module_bed
import numpy as np
import pytest
import slicer
import vtk
from BrainFMTrainLib import SampleNodes, SampleViews
from shown_samples import COUNT, composite, generate, layers, outlined, record, samples, settle, tick
from train_panel import trainer  # noqa: F401

pytestmark = pytest.mark.gui
GENERATES = 50


def layout():
    return slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")


def slice_node(column, row=0):
    return slicer.app.layoutManager().sliceWidget(SampleViews.viewName(row, column)).mrmlSliceNode()


def folders():
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    found, items = [], vtk.vtkIdList()
    tree.GetItemChildren(tree.GetSceneItemID(), items, True)
    for number in range(items.GetNumberOfIds()):
        if tree.GetItemName(items.GetId(number)) == "BrainFM samples":
            found.append(items.GetId(number))
    return found


def test_a_row_for_each_orientation_a_column_for_each_sample(trainer):  # noqa: F811
    assert trainer.ui.axialCheckBox.checked and trainer.ui.coronalCheckBox.checked
    generate(trainer)
    assert [node.GetName() for node in samples()] == [f"Sample {n}, severity {n / 4:.2f}" for n in (1, 2, 3, 4)]
    for row, orientation in enumerate(("Axial", "Coronal")):
        for column in range(COUNT):
            node, shown = slice_node(column, row), composite(column, row)
            assert shown.GetBackgroundVolumeID() == samples()[column].GetID()
            assert shown.GetLinkedControl() and shown.GetHotLinkedControl()
            assert node.GetOrientation() == orientation and node.GetViewGroup() == SampleViews.VIEW_GROUP
            assert node.GetLayoutLabel() == f"{column + 1}: severity {(column + 1) / 4:.2f}"


def test_views_follow_each_other(trainer):  # noqa: F811
    generate(trainer)
    logic = slicer.app.layoutManager().sliceWidget(SampleViews.viewName(0, 0)).sliceLogic()
    node = logic.GetSliceNode()
    logic.StartSliceNodeInteraction(node.SliceToRASFlag)
    logic.SetSliceOffset(5.0)
    logic.EndSliceNodeInteraction()
    assert [slice_node(column).GetSliceOffset() for column in range(COUNT)] == [5.0] * COUNT


def test_the_whole_sample_is_in_its_view(trainer):  # noqa: F811
    generate(trainer)
    trainer.pump(timeout_s=0.3)
    for column in range(COUNT):
        assert min(slice_node(column).GetFieldOfView()[:2]) >= 8


def test_each_sample_has_a_window_of_its_own(trainer):  # noqa: F811
    trainer.ui.previewSeedSpinBox.value, trainer.ui.seedLockButton.checked = 7, True
    generate(trainer)
    for node in samples():
        display = node.GetDisplayNode()
        low, high = display.GetWindowLevelMin(), display.GetWindowLevelMax()
        values = slicer.util.arrayFromVolume(node)
        assert not display.GetAutoWindowLevel() and low <= values.max() <= high and high - low < 10


def test_what_was_drawn_stands_in_the_corner(trainer):  # noqa: F811
    generate(trainer)
    shown = trainer.module.preview.display._captions._shown
    assert [actor.GetInput() for _renderer, actor in shown.values()] == ["painted\nnoise"] * COUNT, "in the first row"
    renderer = shown[SampleViews.viewName(0, 0)][0]
    trainer.module.preview.stop()
    assert not renderer.GetActors2D().GetNumberOfItems() or not any(
        isinstance(renderer.GetActors2D().GetItemAsObject(n), vtk.vtkTextActor)
        for n in range(renderer.GetActors2D().GetNumberOfItems())
    )


def test_fewer_samples_leave_nothing_behind(trainer):  # noqa: F811
    tick(trainer, "bias", "clean")
    generate(trainer)
    trainer.ui.samplesSpinBox.value = 2
    generate(trainer)
    assert len(samples()) == 2 and SampleNodes.find("clean-3") is None and SampleNodes.find("clean-1") is not None


def test_orientations_change_without_asking(trainer):  # noqa: F811
    generate(trainer)
    number = trainer.module.preview.worker._number
    trainer.ui.sagittalCheckBox.checked = True
    trainer.ui.axialCheckBox.checked = trainer.ui.coronalCheckBox.checked = False
    settle(trainer)
    assert slice_node(0).GetOrientation() == "Sagittal" and composite(1).GetBackgroundVolumeID() == samples()[1].GetID()
    assert trainer.module.preview.worker._number == number


def test_leaving_gives_the_layout_back_and_coming_shows_the_samples_again(trainer):  # noqa: F811
    before = layout().GetViewArrangement()
    tick(trainer, "distance")
    generate(trainer)
    shown = layout().GetViewArrangement()
    slicer.util.selectModule("Data")
    assert layout().GetViewArrangement() == before
    slicer.util.selectModule("BrainFMTrain")
    settle(trainer)
    assert layout().GetViewArrangement() == shown and len(layers(1)) == 1
    trainer.module.exit()
    assert layout().GetViewArrangement() == before


def test_samples_that_come_after_the_module_was_left_wait(trainer):  # noqa: F811
    before = layout().GetViewArrangement()
    module_bed.press(trainer.ui.generateButton)
    slicer.util.selectModule("Data")
    settle(trainer)
    assert layout().GetViewArrangement() == before and len(samples()) == COUNT
    slicer.util.selectModule("BrainFMTrain")
    settle(trainer)
    assert SampleViews.isShown() and composite(0).GetBackgroundVolumeID() == samples()[0].GetID()


def test_closing_the_scene_leaves_the_table_and_the_users_layout(trainer):  # noqa: F811
    before = layout().GetViewArrangement()
    tick(trainer, "outline", "atlas", "bias")
    generate(trainer)
    rows = trainer.ui.sampleTable.rowCount
    slicer.mrmlScene.Clear(0)
    settle(trainer)
    assert not samples() and trainer.ui.sampleTable.rowCount == rows > 0 and not trainer.notice
    trainer.until(lambda: layout().GetViewArrangement() == before)
    trainer.module.exit()
    assert layout().GetViewArrangement() == before
    trainer.module.enter()
    tick(trainer, "grid")
    assert not SampleViews.isShown() and not samples()
    generate(trainer)
    assert len(samples()) == COUNT and outlined(0) and len(layers(0)) == 4


def test_a_sample_that_the_user_deletes(trainer):  # noqa: F811
    tick(trainer, "outline", "distance")
    generate(trainer)
    slicer.mrmlScene.RemoveNode(samples()[1])
    settle(trainer)
    assert not layers(1) and not outlined(1) and layers(0) and outlined(2)
    tick(trainer, "clean")
    assert not layers(1) and len(layers(2)) == 2 and not trainer.notice
    generate(trainer)
    assert len(samples()) == COUNT and len(layers(1)) == 2


def test_a_target_that_the_user_deletes_comes_back_with_its_tick(trainer):  # noqa: F811
    tick(trainer, "distance")
    generate(trainer)
    slicer.mrmlScene.RemoveNode(SampleNodes.find("distance"))
    settle(trainer)
    assert not layers(0)
    tick(trainer, "distance", on=False)
    tick(trainer, "distance")
    assert len(layers(0)) == 1


def test_nothing_is_saved_with_the_scene(trainer, tmp_path):  # noqa: F811
    module_bed.head("Patient")
    tick(trainer, "segmentation", "distance", "bias", "atlas")
    generate(trainer)
    assert slicer.mrmlScene.WriteToMRB(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear(0)
    assert slicer.mrmlScene.ReadFromMRB(str(tmp_path / "scene.mrb"))
    volumes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    assert [node.GetName() for node in volumes] == ["Patient"]


def test_samples_lie_in_one_folder(trainer):  # noqa: F811
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    tick(trainer, "clean")
    generate(trainer)
    (folder,) = folders()
    items = vtk.vtkIdList()
    tree.GetItemChildren(folder, items)
    assert items.GetNumberOfIds() == 2 * COUNT
    generate(trainer)
    assert folders() == [folder]


def test_fifty_generates_leave_no_more_than_two(trainer):  # noqa: F811
    """Nodes, observers, actors, views and files; the window is hidden, because drawing it takes longest."""
    tick(trainer, "distance", "bias")
    trainer.ui.coronalCheckBox.checked = False
    slicer.util.mainWindow().hide()
    counts = []
    for number in range(GENERATES):
        trainer.ui.samplesSpinBox.value = 1 + number % 2
        module_bed.press(trainer.ui.newSeedButton)
        settle(trainer)
        if number in (3, GENERATES - 1):
            counts.append(amounts(trainer))
    assert counts[0] == counts[1]


def amounts(trainer):  # noqa: F811
    """How much of everything there is."""
    display, worker = trainer.module.preview.display, trainer.module.preview.worker
    renderers = [renderer for renderer, _actor in display._captions._shown.values()]
    return {
        "nodes": slicer.mrmlScene.GetNumberOfNodes(),
        "observers": len(display.Observations),
        "actors": [renderer.GetViewProps().GetNumberOfItems() for renderer in renderers],
        "views": len(slicer.app.layoutManager().sliceViewNames()),
        "files": sorted(path.name for path in worker.folder().rglob("*.nii")),
        "folders": sum(path.is_dir() for path in worker.folder().iterdir()),
        "items": len(folders()),
    }


def test_the_same_seed_gives_the_same_picture(trainer):  # noqa: F811
    trainer.ui.seedLockButton.checked = True
    generate(trainer)
    before = [slicer.util.arrayFromVolume(node).copy() for node in samples()]
    tick(trainer, "clean", "bias")
    generate(trainer)
    after = [slicer.util.arrayFromVolume(node) for node in samples()]
    assert all(np.array_equal(first, second) for first, second in zip(before, after, strict=True))


def test_samples_that_are_on_their_way_do_not_come_into_the_next_scene(trainer):  # noqa: F811
    before, preview = layout().GetViewArrangement(), trainer.module.preview
    generate(trainer)
    sent = record(trainer)
    module_bed.press(trainer.ui.generateButton)
    trainer.until(lambda: preview.worker.busy)
    slicer.mrmlScene.Clear(0)
    assert not preview.requests.busy and not preview.display.busy
    assert sent[-1] == {"cancel": sent[0]["request"]} and not module_bed.shown(trainer.ui.previewProgressBar)
    trainer.pump(timeout_s=0.5)
    assert not samples() and not trainer.notice
    trainer.until(lambda: layout().GetViewArrangement() == before)
    generate(trainer)
    assert len(samples()) == COUNT
