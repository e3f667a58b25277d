"""Results come into the scene on the input's grid, named after it, in a folder beside it."""

import numpy as np
import pytest
import slicer
from BrainFMEngine.errors import FileAccessError
from BrainFMLib.InputExport import worldAffine
from BrainFMLib.Placement import ijkToRas
from BrainFMLib.Results import importSteps
from BrainFMLib.ResultSet import KINDS, ResultSet
from result_folder import ResultFolder
from scene_results import AFFINES, OBLIQUE, SHAPE, add_scan, import_results, node_names, put_under, turn

pytestmark = pytest.mark.scene
VOLUMES = [kind for kind in KINDS[:-2] if not kind.startswith(("pial", "white", "to", "from", "dseg", "highres"))]


def results_for(scan, tmp_path, **options):
    return ResultFolder(tmp_path, shape=SHAPE, affine=worldAffine(scan), **options)


def test_every_kind_is_there_under_its_name(scene, tmp_path):
    scan = add_scan()
    found = import_results(results_for(scan, tmp_path).write(surfaces=True), scan)
    assert found.kinds() == [kind for kind in KINDS if kind != "highres"]
    names = {kind: found.get(kind).GetName() for kind in found.kinds()}
    assert names["T1w"] == "MRHead_T1w" and names["dseg"] == "MRHead_Segmentation"
    assert names["lp"] == "MRHead_Distance_LeftPial" and names["toAtlasWarp"] == "MRHead_ToAtlas"
    assert names["pialLeft"] == "MRHead_LeftPial" and names["volumes"] == "MRHead_Volumes"
    assert names["qc"] == "MRHead_QC" and found.get("nothing") is None


def test_nodes_say_where_they_come_from(scene, tmp_path):
    scan = add_scan()
    found = import_results(results_for(scan, tmp_path).write(), scan)
    assert found == ResultSet.of(scan) and ResultSet.all(scene) == [found]
    assert found.inputNode is scan and found.inputName == "MRHead" and found.model == "phantom" and found.number == 1
    for kind in found.kinds():
        node = found.get(kind)
        assert node.GetAttribute("BrainFM.Kind") == kind and node.GetAttribute("BrainFM.Run") == found.run
        assert node.GetNodeReference("BrainFM.Input") is scan


@pytest.mark.parametrize("name", AFFINES)
@pytest.mark.parametrize("moved", [False, True])
def test_volumes_lie_on_the_grid_of_the_input(scene, tmp_path, name, moved):
    scan = add_scan(AFFINES[name])
    parent = put_under(scan, turn()) if moved else None
    results = results_for(scan, tmp_path).write()
    found = import_results(results, scan)
    images = results.images()
    for kind in VOLUMES:
        node = found.get(kind)
        assert node.GetImageData().GetDimensions() == SHAPE
        np.testing.assert_allclose(ijkToRas(node), AFFINES[name], atol=1e-6)
        assert node.GetParentTransformNode() is parent
        assert np.array_equal(slicer.util.arrayFromVolume(node), images[kind].T), kind


@pytest.mark.parametrize("moved", [False, True])
def test_results_at_one_millimetre_lie_where_the_scan_is(scene, tmp_path, moved):
    scan = add_scan()
    if moved:
        put_under(scan, turn())
    grid = ((30, 28, 26), np.array([[1.0, 0, 0, -14], [0, 1, 0, -13], [0, 0, 1, -12], [0, 0, 0, 1]]))
    results = results_for(scan, tmp_path, result_grid=grid).write({"t1", "seg"})
    found = import_results(results, scan)
    assert found.get("T1w").GetImageData().GetDimensions() == grid[0]
    np.testing.assert_allclose(worldAffine(found.get("T1w")), grid[1], atol=1e-6)
    assert found.get("T1w").GetParentTransformNode() is scan.GetParentTransformNode()


def test_a_deleted_input_leaves_results_where_the_files_say(scene, tmp_path):
    scan = add_scan()
    put_under(scan, turn())
    world = worldAffine(scan)
    results = results_for(scan, tmp_path).write(surfaces=True)
    scene.RemoveNode(scan)
    for gone in (None, scan):
        found = import_results(results, gone, "Old name", mode="new")
        np.testing.assert_allclose(ijkToRas(found.get("T1w")), world, atol=1e-6)
        assert found.get("T1w").GetName() == "Old name_T1w" and found.inputNode is None
        assert found.inputName == "Old name" and found.get("T1w").GetTransformNodeID() is None
        assert found.get("toAtlasWarp") is not None and found.get("pialLeft") is not None
        found.remove()


def test_an_input_deleted_while_results_are_read(scene, tmp_path):
    scan = add_scan()
    results = results_for(scan, tmp_path).write({"t1", "seg"})
    steps = importSteps(results.folder, "scan", scan, "MRHead", scene)
    for _ in range(3):
        next(steps)
    scene.RemoveNode(scan)
    with pytest.raises(StopIteration) as stop:
        while True:
            next(steps)
    found = stop.value.value
    np.testing.assert_allclose(ijkToRas(found.get("T1w")), OBLIQUE, atol=1e-6)
    assert found.get("dseg").GetSegmentation().GetNumberOfSegments() == 8


def test_an_input_that_is_another_scan_by_now(scene, tmp_path):
    scan = add_scan()
    results = results_for(scan, tmp_path).write({"t1"})
    slicer.util.updateVolumeFromArray(scan, np.zeros((4, 5, 6), np.int16))
    found = import_results(results, scan)
    np.testing.assert_allclose(ijkToRas(found.get("T1w")), OBLIQUE, atol=1e-6)


def test_an_input_that_moved_takes_its_results_along(scene, tmp_path):
    scan = add_scan()
    results = results_for(scan, tmp_path).write({"t1"})
    parent = put_under(scan, turn())
    found = import_results(results, scan)
    np.testing.assert_allclose(ijkToRas(found.get("T1w")), OBLIQUE, atol=1e-6)
    assert found.get("T1w").GetParentTransformNode() is parent
    scan.HardenTransform()
    found = import_results(results, scan)
    np.testing.assert_allclose(ijkToRas(found.get("T1w")), turn() @ OBLIQUE, atol=1e-6)


def test_only_what_is_there_is_imported(scene, tmp_path):
    scan = add_scan()
    found = import_results(results_for(scan, tmp_path).write({"bias"}), scan)
    assert found.kinds() == ["biasfield", "corrected", "qc"]


def test_progress_goes_from_nothing_to_done(scene, tmp_path):
    scan = add_scan()
    results = results_for(scan, tmp_path).write(surfaces=True)
    told = list(importSteps(results.folder, "scan", scan, "MRHead", scene))
    fractions = [fraction for _label, fraction in told]
    assert fractions == sorted(fractions) and fractions[0] < 0.1 and fractions[-1] == 1
    assert all(label for label, _fraction in told)


def test_a_folder_beside_the_input_holds_the_results(scene, tmp_path):
    scan = add_scan()
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    patient = tree.CreateSubjectItem(tree.GetSceneItemID(), "Patient")
    study = tree.CreateStudyItem(patient, "Study")
    tree.SetItemParent(tree.GetItemByDataNode(scan), study)
    found = import_results(results_for(scan, tmp_path).write(surfaces=True), scan)
    folders = {tree.GetItemParent(tree.GetItemByDataNode(node)) for node in found.nodes()}
    assert len(folders) == 1
    folder = folders.pop()
    assert tree.GetItemName(folder) == "MRHead BrainFM" and tree.GetItemParent(folder) == study


def test_an_empty_folder_is_refused(scene, tmp_path):
    before = node_names()
    with pytest.raises(FileAccessError, match="not complete"):
        import_results(ResultFolder(tmp_path), None)
    with pytest.raises(FileAccessError, match="no results"):
        import_results(ResultFolder(tmp_path).write(set()), None)
    assert node_names() == before


def test_removing_a_set_leaves_nothing(scene, tmp_path):
    scan = add_scan()
    results = results_for(scan, tmp_path).write({"t1", "seg", "registration"})
    results_before = node_names()
    found = import_results(results, scan)
    found.remove()
    assert node_names() == results_before and ResultSet.of(scan) is None
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    assert not tree.GetItemByName("MRHead BrainFM")
