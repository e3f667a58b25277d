"""Files, scenes, subject hierarchy: slicer.util on the test bed."""

import numpy as np
import pytest
import slicer

pytestmark = pytest.mark.scene
AFFINE = np.array([[0.0, -2, 0, 9], [1.5, 0, 0, -4], [0, 0, 3, 7], [0, 0, 0, 1]])


def add_volume(name="T1"):
    return slicer.util.addVolumeFromArray(np.arange(24, dtype=np.int16).reshape(2, 3, 4), ijkToRAS=AFFINE, name=name)


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd", ".mha"])
def test_volumes_go_to_files_and_back(scene, tmp_path, ending):
    path = str(tmp_path / f"v{ending}")
    assert slicer.util.saveNode(add_volume(), path)
    again = slicer.util.loadVolume(path)
    assert np.array_equal(slicer.util.arrayFromVolume(again), np.arange(24).reshape(2, 3, 4))
    matrix = slicer.util.vtkMatrixFromArray(np.eye(4))
    again.GetIJKToRASMatrix(matrix)
    assert np.allclose(slicer.util.arrayFromVTKMatrix(matrix), AFFINE, atol=1e-4)


def test_what_is_not_there_is_said(scene, tmp_path):
    with pytest.raises(RuntimeError):
        slicer.util.loadVolume(str(tmp_path / "nothing.nii"))


def test_a_scene_comes_back_with_all_it_held(scene, tmp_path):
    volume = add_volume()
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    volume.SetAndObserveTransformNodeID(transform.GetID())
    table = slicer.util.updateTableFromArray(None, (np.arange(3.0),), ["x"])
    assert table.GetNumberOfRows() == 3
    text = scene.AddNewNodeByClass("vtkMRMLTextNode", "note")
    text.SetText("hello")
    parameters = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "of a module")
    parameters.SetParameter("flip", "true")
    parameters.SetNodeReferenceID("input", volume.GetID())
    path = str(tmp_path / "scene.mrb")
    assert slicer.util.saveScene(path)
    scene.Clear(0)
    assert scene.GetFirstNodeByName("T1") is None
    slicer.util.loadScene(path)
    again = scene.GetFirstNodeByName("of a module")
    assert again.GetParameter("flip") == "true" and again.GetNodeReference("input").GetName() == "T1"
    assert scene.GetFirstNodeByName("T1").GetParentTransformNode().GetName() == "moved"
    assert scene.GetFirstNodeByName("note").GetText() == "hello"


def test_nodes_get_an_item_in_the_hierarchy(scene):
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    volume = add_volume()
    item = hierarchy.GetItemByDataNode(volume)
    assert item and hierarchy.GetItemName(item) == "T1"
    hidden = scene.AddNewNodeByClass("vtkMRMLScriptedModuleNode", "hidden")
    assert not hierarchy.GetItemByDataNode(hidden)
    scene.RemoveNode(volume)
    assert not hierarchy.GetItemByDataNode(volume)


def test_module_logics_are_slicers_own(slicer_app):
    assert slicer.modules.volumes.logic().GetClassName() == "vtkSlicerVolumesLogic"
    assert slicer.util.getModuleLogic("Segmentations").GetClassName() == "vtkSlicerSegmentationsModuleLogic"
    assert slicer_app.applicationLogic().GetClassName() == "vtkSlicerApplicationLogic"
    with pytest.raises(AttributeError):
        _ = slicer.modules.nonsense


def test_an_error_in_an_observer_is_kept(scene, slot_errors):
    node = add_volume()
    tag = node.AddObserver("ModifiedEvent", lambda *_: 1 / 0)
    node.Modified()
    node.RemoveObserver(tag)
    assert [type(error) for error in slot_errors.take()] == [ZeroDivisionError]


def test_what_vtk_complains_about_is_kept(scene, vtk_errors):
    scene.AddNode(None)
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName("/no/such/file.nii")
    storage.ReadData(add_volume())
    assert any("ERROR" in text.upper() or "fail" in text for text in vtk_errors)


def test_label_maps_become_segments_and_surfaces(scene):
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[5:15, 5:15, 5:15] = 3
    node = slicer.util.addVolumeFromArray(labels, name="labels", nodeClassName="vtkMRMLLabelMapVolumeNode")
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "seg")
    slicer.modules.segmentations.logic().ImportLabelmapToSegmentationNode(node, segmentation)
    segmentation.CreateClosedSurfaceRepresentation()
    identifier = segmentation.GetSegmentation().GetNthSegmentID(0)
    assert segmentation.GetClosedSurfaceInternalRepresentation(identifier).GetNumberOfPoints() > 100
    assert slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, identifier, node).sum() == 1000


def test_the_application_tells_where_it_is(slicer_app):
    from pathlib import Path

    assert Path(slicer_app.temporaryPath).is_dir() and slicer_app.testingEnabled()
    assert (slicer_app.majorVersion, slicer_app.minorVersion >= 10) == (5, True)
    assert slicer_app.mrmlScene() is slicer.mrmlScene
    with pytest.raises(AttributeError):
        slicer_app.majorVersion = 6
