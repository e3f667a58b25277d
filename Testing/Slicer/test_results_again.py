"""A second run of the same input: update or new; and whatever fails leaves the scene as it was."""

import json

import numpy as np
import pytest
import slicer
from BrainFMEngine.errors import FileAccessError
from BrainFMLib import Results
from BrainFMLib.InputExport import worldAffine
from BrainFMLib.Placement import ijkToRas
from BrainFMLib.Results import importSteps
from BrainFMLib.ResultSet import ResultSet
from result_folder import ResultFolder
from scene_results import SHAPE, add_scan, import_results, node_names
from vtk.util.numpy_support import vtk_to_numpy

pytestmark = pytest.mark.scene


@pytest.fixture
def scan(scene):
    return add_scan()


def results_for(scan, folder, **options):
    return ResultFolder(folder, shape=SHAPE, affine=worldAffine(scan), **options)


def test_update_reuses_the_nodes_and_keeps_how_they_look(scan, tmp_path):
    first = import_results(results_for(scan, tmp_path / "1").write(surfaces=True), scan)
    ids = {kind: first.get(kind).GetID() for kind in first.kinds()}
    first.get("T1w").GetDisplayNode().SetWindowLevel(7, 3)
    first.get("lp").GetDisplayNode().SetAndObserveColorNodeID("vtkMRMLColorTableNodeGrey")
    first.get("pialLeft").GetDisplayNode().SetColor(0, 1, 0)
    first.get("T1w").SetName("mine")
    names = node_names()
    second = import_results(results_for(scan, tmp_path / "2", radius_mm=15.0).write(surfaces=True), scan)
    assert second == first and {kind: second.get(kind).GetID() for kind in second.kinds()} == ids
    assert node_names() == names
    display = second.get("T1w").GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (7, 3) and not display.GetAutoWindowLevel()
    assert second.get("lp").GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeGrey"
    assert second.get("pialLeft").GetDisplayNode().GetColor() == (0, 1, 0)
    expected = results_for(scan, tmp_path, radius_mm=15.0).images()["T1w"].T
    assert np.array_equal(slicer.util.arrayFromVolume(second.get("T1w")), expected)


def test_update_keeps_kinds_that_were_not_asked_for_again(scan, tmp_path):
    first = import_results(results_for(scan, tmp_path / "1").write({"t1", "seg"}), scan)
    second = import_results(results_for(scan, tmp_path / "2").write({"bias"}), scan)
    assert second == first and second.kinds() == ["T1w", "dseg", "biasfield", "corrected", "volumes", "qc"]


def test_new_makes_a_set_of_its_own_with_a_number(scan, tmp_path):
    results = results_for(scan, tmp_path).write({"t1", "seg"})
    first, second, third = (import_results(results, scan, mode="new") for _ in range(3))
    assert len({first, second, third}) == 3 and ResultSet.allOf(scan) == [first, second, third]
    assert ResultSet.of(scan) == third
    assert [found.get("T1w").GetName() for found in (first, second, third)] == [
        "MRHead_T1w",
        "MRHead_T1w_2",
        "MRHead_T1w_3",
    ]
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scan.GetScene())
    assert tree.GetItemByName("MRHead BrainFM") and tree.GetItemByName("MRHead BrainFM 3")
    first.remove()
    assert import_results(results, scan) == third


def test_two_inputs_have_their_own_sets(scan, tmp_path):
    other = add_scan(name="Other")
    results = results_for(scan, tmp_path).write({"t1"})
    first, second = import_results(results, scan), import_results(results, other, "Other")
    assert first != second and ResultSet.of(scan) == first and ResultSet.of(other) == second


def test_a_deleted_result_is_made_again(scan, tmp_path):
    results = results_for(scan, tmp_path).write({"t1", "t2"})
    found = import_results(results, scan)
    scan.GetScene().RemoveNode(found.get("T1w"))
    assert import_results(results, scan) == found and found.kinds() == ["T1w", "T2w", "qc"]


def segments(node):
    """Id, colour, label and voxels of every segment."""
    segmentation = node.GetSegmentation()
    for index in range(segmentation.GetNumberOfSegments()):
        segment = segmentation.GetNthSegment(index)
        labels = segment.GetRepresentation("Binary labelmap")
        voxels = vtk_to_numpy(labels.GetPointData().GetScalars())
        yield segmentation.GetNthSegmentID(index), segment.GetColor(), (voxels == segment.GetLabelValue()).sum()


def state(scan):
    """What of the scene must not change."""
    found = ResultSet.of(scan)
    values = {}
    for kind in found.kinds() if found else ():
        node = found.get(kind)
        if node.IsA("vtkMRMLVolumeNode"):
            values[kind] = (slicer.util.arrayFromVolume(node).tobytes(), ijkToRas(node).tobytes())
        elif kind == "dseg":
            values[kind] = list(segments(node))
        elif kind.endswith("Warp"):
            values[kind] = node.GetTransformToParent().TransformPoint(1, 2, 3)
        elif kind == "toAtlasAffine":
            values[kind] = node.GetTransformToParent().TransformPoint(1, 2, 3)
        elif kind == "volumes":
            values[kind] = slicer.util.arrayFromTableColumn(node, "Volume").tolist()
        elif kind == "qc":
            values[kind] = node.GetText(), node.GetAttribute("BrainFM.QC")
    models = [node.GetAttribute("BrainFM.Model") for node in found.nodes()] if found else []
    tree = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scan.GetScene())
    return node_names(), models, values, bool(tree.GetItemByName("MRHead BrainFM")), tree.GetNumberOfItems()


@pytest.mark.parametrize("mode", ["update", "new"])
@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("failing", ["reading", "segmentation", "volumes", "last step"])
def test_a_failure_leaves_the_scene_as_it_was(scan, tmp_path, monkeypatch, mode, earlier, failing):
    if earlier:
        import_results(results_for(scan, tmp_path / "1", radius_mm=15.0).write(), scan)
    before = state(scan)
    results = results_for(scan, tmp_path / "2").write()
    report = {**results.report(), "model": {"name": "another"}}
    results.path("report.json").write_text(json.dumps(report), encoding="utf-8")
    if failing == "reading":
        path = results.path("atlas_warp.nii")
        path.write_bytes(path.read_bytes()[:-9])
    elif failing == "last step":
        monkeypatch.setattr(Results.ResultSet, "mark", lambda self, node, kind, *_: 1 / (kind.name != "qc"))
    else:
        content = Results.CONTENTS[failing]

        def show(*arguments):
            content.show(*arguments)
            raise FileAccessError("no more room")

        monkeypatch.setitem(Results.CONTENTS, failing, Results.Content(content.load, show, content.isThere))
    with pytest.raises((FileAccessError, ZeroDivisionError)):
        import_results(results, scan, mode=mode)
    assert state(scan) == before


@pytest.mark.parametrize("until", [0.0, 0.4, 0.9, 0.93, 0.96, 0.99])
def test_a_closed_import_leaves_the_scene_as_it_was(scan, tmp_path, until):
    results = results_for(scan, tmp_path).write()
    before = state(scan)
    steps = importSteps(results.folder, "scan", scan, "MRHead", scan.GetScene())
    for _label, fraction in steps:
        if fraction >= until:
            break
    steps.close()
    assert state(scan) == before


def test_a_scene_closed_meanwhile(scene, scan, tmp_path):
    results = results_for(scan, tmp_path).write()
    steps = importSteps(results.folder, "scan", scan, "MRHead", scene)
    for _label, fraction in steps:
        if fraction > 0.95:
            break
    scene.Clear(0)
    steps.close()
    assert not ResultSet.all(scene)
