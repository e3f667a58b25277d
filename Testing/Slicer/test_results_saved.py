"""A saved scene has its results when it is opened again."""

import numpy as np
import pytest
import slicer
import vtk
from BrainFMLib.ColorTables import diverging
from BrainFMLib.InputExport import worldAffine
from BrainFMLib.Placement import ijkToRas
from BrainFMLib.QualityReport import QCReport
from BrainFMLib.ResultSet import ResultSet
from BrainFMLib.SceneChange import SceneChange
from BrainFMLib.VolumesTable import rowsOf
from result_folder import STRUCTURES, ResultFolder
from scene_results import OBLIQUE, SHAPE, add_scan, import_results, node_names, put_under, turn

pytestmark = pytest.mark.scene


@pytest.fixture
def reopened(scene, tmp_path):
    """What was there before saving, and the set after loading."""
    scan = add_scan()
    put_under(scan, turn())
    results = ResultFolder(tmp_path, shape=SHAPE, affine=worldAffine(scan)).write(surfaces=True)
    before = import_results(results, scan)
    facts = {
        "kinds": before.kinds(),
        "names": [node.GetName() for node in before.nodes()],
        "rows": rowsOf(before.get("volumes")),
        "qc": QCReport.of(before.get("qc")),
        "run": before.run,
        "points": slicer.util.arrayFromModelPoints(before.get("pialLeft")).copy(),
    }
    assert scene.WriteToMRB(str(tmp_path / "scene.mrb"))
    scene.Clear(0)
    assert scene.ReadFromMRB(str(tmp_path / "scene.mrb"))
    return results, facts, ResultSet.of(slicer.util.getNode("MRHead"))


def test_everything_is_back(reopened, scene):
    results, facts, found = reopened
    assert found.run == facts["run"] and found.kinds() == facts["kinds"] and found.model == "phantom"
    assert [node.GetName() for node in found.nodes()] == facts["names"]
    assert found.inputNode is slicer.util.getNode("MRHead")
    assert rowsOf(found.get("volumes")) == facts["rows"] and QCReport.of(found.get("qc")) == facts["qc"]
    for kind in ("T1w", "CT", "lp", "biasfield"):
        node = found.get(kind)
        assert np.allclose(slicer.util.arrayFromVolume(node), results.images()[kind].T, atol=1e-5)
        np.testing.assert_allclose(ijkToRas(node), OBLIQUE, atol=1e-4)
        assert node.GetParentTransformNode().GetName() == "moved"
    points = slicer.util.arrayFromModelPoints(found.get("pialLeft"))
    assert np.allclose(points, facts["points"], atol=1e-3)


def test_looks_are_back(reopened):
    found = reopened[2]
    display = found.get("lp").GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (-3, 3) and display.GetApplyThreshold()
    table = display.GetColorNode()
    assert table.GetName() == "BrainFM_Distance" and table.GetNumberOfColors() == 256
    rgba = [0.0] * 4
    table.GetColor(0, rgba)
    assert np.allclose(rgba[:3], np.array([20, 60, 150]) / 255, atol=0.01)
    assert found.get("rw").GetDisplayNode().GetColorNode() is table
    assert diverging(SceneChange(slicer.mrmlScene), "Distance") is table
    display = found.get("CT").GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (80, 40)


def test_segments_are_back_with_their_ids_and_codes(reopened):
    results, _facts, found = reopened
    node, scan = found.get("dseg"), found.inputNode
    segmentation = node.GetSegmentation()
    assert list(segmentation.GetSegmentIDs()) == [f"FS_{label}" for label in STRUCTURES]
    for label, name in STRUCTURES.items():
        segment = segmentation.GetSegment(f"FS_{label}")
        assert segment.GetName() == name and segment.GetLabelValue() == label
        voxels = slicer.util.arrayFromSegmentBinaryLabelmap(node, f"FS_{label}", scan)
        assert np.array_equal(voxels > 0, results.images()["dseg"].T == label)
    text = vtk.reference("")
    segmentation.GetSegment("FS_17").GetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), text)
    assert "SCT^5366008^Hippocampus~SCT^7771000^Left" in str(text)


def test_transforms_are_back(reopened):
    results, _facts, found = reopened
    local = (OBLIQUE @ [10, 12, 9, 1])[:3]
    world = (turn() @ [*local, 1])[:3]
    atlas = results.atlas_of(world)
    to, back = found.get("toAtlasWarp"), found.get("fromAtlasWarp")
    assert np.allclose(to.GetTransformToParent().TransformPoint(*local), atlas, atol=0.05)
    assert np.allclose(back.GetTransformToParent().TransformPoint(*atlas), local, atol=0.1)
    assert back.GetParentTransformNode().GetName() == "moved"


def test_a_further_run_updates_the_loaded_set(reopened, tmp_path):
    _results, _facts, found = reopened
    scan = found.inputNode
    names = node_names()
    again = ResultFolder(tmp_path / "again", shape=SHAPE, affine=worldAffine(scan), radius_mm=12.0).write(surfaces=True)
    assert import_results(again, scan) == found and node_names() == names
    assert np.array_equal(slicer.util.arrayFromVolume(found.get("T1w")), again.images()["T1w"].T)
