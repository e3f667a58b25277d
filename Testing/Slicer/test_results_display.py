"""How results look: windows, colours, legends, surfaces."""

import numpy as np
import pytest
import slicer
from BrainFMLib.ColorTables import showLegend
from BrainFMLib.InputExport import worldAffine
from result_folder import ResultFolder
from scene_results import AFFINES, OBLIQUE, SHAPE, add_scan, import_results, put_under, turn

pytestmark = pytest.mark.scene


@pytest.fixture
def scan(scene):
    scan = add_scan()
    scan.CreateDefaultDisplayNodes()
    scan.GetDisplayNode().AutoWindowLevelOff()
    scan.GetDisplayNode().SetWindowLevel(321, 123)
    return scan


@pytest.fixture
def found(scan, tmp_path):
    return import_results(ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE).write(), scan)


def limits(node):
    display = node.GetDisplayNode()
    assert not display.GetAutoWindowLevel()
    return display.GetWindowLevelMin(), display.GetWindowLevelMax()


@pytest.mark.parametrize("kind", ["T1w", "T2w", "FLAIR", "atlas"])
def test_the_window_of_contrasts_is_that_of_the_brain(found, tmp_path, kind):
    array = slicer.util.arrayFromVolume(found.get(kind))
    labels = ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE).images()["dseg"].T
    brain = array[(labels > 0) & (labels < 900)]
    low, high = limits(found.get(kind))
    first, last = np.percentile(brain, (1, 99.5))
    assert low < first < last < high and high - low == pytest.approx(1.2 * (last - first), rel=0.05)
    assert found.get(kind).GetDisplayNode().GetColorNodeID() == "vtkMRMLColorTableNodeGrey"


def test_without_anatomy_the_window_is_that_of_the_head(scene, tmp_path):
    found = import_results(ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE).write({"t1"}), None)
    array = slicer.util.arrayFromVolume(found.get("T1w"))
    low, high = limits(found.get("T1w"))
    head = array[array > 0]
    assert head.min() <= low < np.percentile(head, 5) and np.percentile(head, 95) < high <= head.max()


def test_ct_is_in_hounsfield_units_with_a_brain_window(found):
    node = found.get("CT")
    display = node.GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (80, 40)
    assert display.GetNumberOfWindowLevelPresets() == 4
    assert (display.GetWindowPreset(3), display.GetLevelPreset(3)) == (2500, 480)
    assert node.GetVoxelValueUnits().GetCodeValue() == "[hnsf'U]"
    assert slicer.util.arrayFromVolume(node).dtype == np.int16 and slicer.util.arrayFromVolume(node).min() == -1000


def test_distances_share_one_diverging_table_about_zero(found):
    nodes = [found.get(kind) for kind in ("lp", "lw", "rp", "rw")]
    tables = {node.GetDisplayNode().GetColorNodeID() for node in nodes}
    assert len(tables) == 1
    table = slicer.mrmlScene.GetNodeByID(tables.pop())
    assert table.GetName() == "BrainFM_Distance" and table.GetNumberOfColors() == 256
    first, middle, last = (np.array(color(table, index)) for index in (0, 127, 255))
    assert first[2] > first[0] + 0.3 and last[0] > last[2] + 0.3
    assert middle.min() > 0.9 and np.allclose(middle, color(table, 128), atol=0.02)
    assert all(limits(node) == (-3, 3) for node in nodes)


def color(table, index):
    rgba = [0.0] * 4
    table.GetColor(index, rgba)
    return rgba[:3]


def test_distances_far_from_the_surface_are_clear(found):
    display = found.get("lp").GetDisplayNode()
    assert display.GetApplyThreshold()
    assert (display.GetLowerThreshold(), display.GetUpperThreshold()) == (-2.5, 2.5)


def test_the_bias_field_has_its_own_table_about_one(found):
    low, high = limits(found.get("biasfield"))
    array = slicer.util.arrayFromVolume(found.get("biasfield"))
    assert low + high == pytest.approx(2) and high >= 1.1
    assert low <= np.percentile(array, 5) and np.percentile(array, 95) <= high
    table = found.get("biasfield").GetDisplayNode().GetColorNode()
    assert table.GetName() == "BrainFM_Bias" and max(color(table, 128)) < 0.15
    assert max(color(table, 0)) > 0.8 and max(color(table, 255)) > 0.8


@pytest.mark.parametrize(("kind", "title"), [("lp", "mm"), ("biasfield", "×")])
def test_colours_are_explained_by_a_legend(found, kind, title):
    node = found.get(kind)
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(node)
    assert legend.GetVisibility() and legend.GetTitleText() == title
    assert showLegend(node, title, "%.1f", False) is legend and not legend.GetVisibility()


def test_the_corrected_scan_looks_as_the_scan_does(found):
    display = found.get("corrected").GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel(), display.GetAutoWindowLevel()) == (321, 123, 0)


def test_without_an_input_the_corrected_scan_has_a_window(scene, tmp_path):
    found = import_results(ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE).write({"bias"}), None)
    assert limits(found.get("corrected"))[1] > 100


def test_flat_results_are_no_problem(scene, tmp_path, monkeypatch):
    images = ResultFolder.images
    monkeypatch.setattr(ResultFolder, "images", lambda self: {k: v * 0 for k, v in images(self).items()})
    found = import_results(ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE).write({"t1", "bias"}), None)
    assert limits(found.get("T1w"))[1] > limits(found.get("T1w"))[0]


@pytest.mark.parametrize("name", AFFINES)
@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize("files", [True, False])
def test_surfaces_lie_where_the_distance_is_zero(scene, tmp_path, name, moved, files):
    scan = add_scan(AFFINES[name])
    if moved:
        put_under(scan, turn())
    results = ResultFolder(tmp_path, shape=SHAPE, affine=worldAffine(scan)).write({"distance"}, surfaces=files)
    found = import_results(results, scan, surfaces=not files)
    for kind in ("pialLeft", "whiteRight"):
        node = found.get(kind)
        assert node.GetParentTransformNode() is scan.GetParentTransformNode()
        points = slicer.util.arrayFromModelPoints(node).astype(float)
        to_world = worldAffine(scan) @ np.linalg.inv(AFFINES[name])
        world = points @ to_world[:3, :3].T + to_world[:3, 3]
        if files:
            expected = {"pialLeft": 10.0, "whiteRight": 8.0}[kind]
            assert np.allclose(np.linalg.norm(world - results.centre, axis=1), expected, atol=1e-3)
        else:
            shift, size = {"pialLeft": (-5, 10), "whiteRight": (5, 8)}[kind]
            away = np.linalg.norm(world - (results.centre + [shift, 0, 0]), axis=1)
            assert np.abs(away - size).max() < 1.2 and abs(np.median(away) - size) < 0.3
        assert outward(node) > 0.99


def outward(model):
    """Part of the points whose normal points away from the middle."""
    points = slicer.util.arrayFromModelPoints(model)
    normals = slicer.util.arrayFromModelPointData(model, "Normals")
    return ((points - points.mean(axis=0)) * normals).sum(axis=1).__gt__(0).mean()


def test_surfaces_show_in_3d_and_as_lines(scan, tmp_path):
    results = ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE).write({"distance"}, surfaces=True)
    found = import_results(results, scan)
    for kind in ("pialLeft", "whiteLeft"):
        display = found.get(kind).GetDisplayNode()
        assert display.GetVisibility() and display.GetVisibility2D()
    pial, white = (found.get(kind).GetDisplayNode() for kind in ("pialLeft", "whiteLeft"))
    assert pial.GetOpacity() < 1 == white.GetOpacity() and pial.GetColor() != white.GetColor()


def test_surfaces_are_made_only_when_asked_for(scan, tmp_path):
    results = ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE).write({"distance"})
    assert import_results(results, scan).kinds() == ["lp", "lw", "rp", "rw", "qc"]


def test_a_map_without_an_inside_gives_no_surface(scan, tmp_path, monkeypatch):
    distance = ResultFolder.distance
    monkeypatch.setattr(ResultFolder, "distance", lambda self, *arguments: np.abs(distance(self, *arguments)) + 0.1)
    results = ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE).write({"distance"})
    assert import_results(results, scan, surfaces=True).kinds() == ["lp", "lw", "rp", "rw", "qc"]
