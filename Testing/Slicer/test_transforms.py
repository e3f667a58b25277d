"""The transform nodes move points, images and the scan itself onto the atlas and back."""

import numpy as np
import pytest
import slicer
import vtk
from BrainFMEngine.errors import FileAccessError
from BrainFMLib.InputExport import worldAffine
from result_folder import TO_ATLAS, ResultFolder, itk_affine
from scene_results import AFFINES, OBLIQUE, SHAPE, add_scan, import_results, put_under, turn

pytestmark = pytest.mark.scene


@pytest.fixture(params=[(name, moved) for name in AFFINES for moved in (False, True)], ids=str)
def case(request, scene, tmp_path):
    """A scan, its results and what was imported."""
    name, moved = request.param
    scan = add_scan(AFFINES[name])
    if moved:
        put_under(scan, turn())
    results = ResultFolder(tmp_path, shape=SHAPE, affine=worldAffine(scan)).write({"registration", "t1"})
    return scan, results, import_results(results, scan)


def moved_by(node, point):
    """Where a point of a markup list goes when the list is put under a transform node and hardened."""
    points = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "point")
    points.AddControlPoint(*point)
    points.SetAndObserveTransformNodeID(node.GetID())
    points.HardenTransform()
    place = np.zeros(3)
    points.GetNthControlPointPositionWorld(0, place)
    return place


def local_and_world(scan):
    """Points inside the scan, in its own coordinates and in the world."""
    index = np.array([[6, 8, 9, 1], [12, 13, 10, 1], [10, 17, 14, 1], [9.5, 11.5, 10.5, 1]], float)
    return [(scan_affine(scan) @ i)[:3] for i in index], [(worldAffine(scan) @ i)[:3] for i in index]


def scan_affine(scan):
    matrix = vtk.vtkMatrix4x4()
    scan.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def test_points_of_the_scan_go_to_the_atlas(case):
    scan, results, found = case
    for local, world in zip(*local_and_world(scan), strict=True):
        expected = results.atlas_of(world)
        assert np.allclose(moved_by(found.get("toAtlasWarp"), local), expected, atol=0.05)
        affine = (TO_ATLAS @ [*world, 1])[:3]
        assert np.allclose(moved_by(found.get("toAtlasAffine"), local), affine, atol=1e-4)


def test_points_of_the_atlas_go_to_the_scan_in_the_world(case):
    scan, results, found = case
    for _local, world in zip(*local_and_world(scan), strict=True):
        assert np.allclose(moved_by(found.get("fromAtlasWarp"), results.atlas_of(world)), world, atol=0.1)


def test_there_and_back_again(case):
    scan, _results, found = case
    to, back = found.get("toAtlasWarp"), found.get("fromAtlasWarp")
    for local in local_and_world(scan)[0]:
        there = to.GetTransformToParent().TransformPoint(*local)
        assert np.allclose(back.GetTransformToParent().TransformPoint(*there), local, atol=0.01)
        assert np.allclose(to.GetTransformFromParent().TransformPoint(*there), local, atol=0.01)


def test_the_voxels_of_the_field_are_exact(case):
    scan, results, found = case
    coordinates = results.images()["atlas_coordinates"]
    to = found.get("toAtlasWarp").GetTransformToParent()
    for index in [(3, 4, 5), (10, 11, 12), (0, 0, 0), (19, 23, 21)]:
        local = (scan_affine(scan) @ [*index, 1])[:3]
        assert np.allclose(to.TransformPoint(*local), coordinates[index], atol=1e-3)


def test_beyond_the_scan_the_affine_goes_on(case):
    scan, _results, found = case
    local, world = ((affine @ [-60, 20, 50, 1])[:3] for affine in (scan_affine(scan), worldAffine(scan)))
    atlas = (TO_ATLAS @ [*world, 1])[:3]
    there = moved_by(found.get("toAtlasWarp"), local)
    assert np.linalg.norm(there - atlas) < 3.5  # what the bend is at the border
    assert np.allclose(moved_by(found.get("fromAtlasWarp"), there), world, atol=0.01)


def spot(affine, at, size=SHAPE):
    """A ball of 7 mm around a world point, as an array (Z, Y, X)."""
    index = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), axis=-1)
    points = index @ affine[:3, :3].T + affine[:3, 3]
    return np.exp(-(np.linalg.norm(points - at, axis=-1) ** 2) / 50).astype(np.float32).T


def middle_of_mass(volume):
    """World RAS mm."""
    array = slicer.util.arrayFromVolume(volume)
    zyx = [(array * grid).sum() / array.sum() for grid in np.indices(array.shape)]
    return (worldAffine(volume) @ [*zyx[::-1], 1])[:3]


def test_the_hardened_scan_lies_on_the_atlas(scene, tmp_path):
    middle = (OBLIQUE @ [*((n - 1) / 2 for n in SHAPE), 1])[:3]
    scan = add_scan(OBLIQUE, array=spot(OBLIQUE, middle))
    results = ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE).write({"registration"})
    found = import_results(results, scan)
    for kind in ("toAtlasWarp", "toAtlasAffine"):
        copy = slicer.modules.volumes.logic().CloneVolume(scene, scan, "copy")
        copy.SetAndObserveTransformNodeID(found.get(kind).GetID())
        copy.HardenTransform()
        target = results.atlas_of(middle) if kind == "toAtlasWarp" else (TO_ATLAS @ [*middle, 1])[:3]
        assert np.linalg.norm(middle_of_mass(copy) - target) < 0.7, kind


def test_a_hardened_atlas_image_lies_on_the_scan(scene, tmp_path):
    scan = add_scan()
    results = ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE).write({"registration"})
    found = import_results(results, scan)
    middle = results.centre
    grid = np.eye(4)
    grid[:3, 3] = results.atlas_of(middle) - 20
    image = add_scan(grid, array=spot(grid, results.atlas_of(middle), (41, 41, 41)), name="atlas image")
    image.SetAndObserveTransformNodeID(found.get("fromAtlasWarp").GetID())
    image.HardenTransform()
    assert np.linalg.norm(middle_of_mass(image) - middle) < 0.7


def test_results_at_one_millimetre_have_the_same_transform(scene, tmp_path):
    scan = add_scan()
    grid = ((30, 28, 26), np.array([[1.0, 0, 0, -14], [0, 1, 0, -13], [0, 0, 1, -12], [0, 0, 0, 1]]))
    results = ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE, result_grid=grid).write({"registration"})
    found = import_results(results, scan)
    assert np.allclose(
        moved_by(found.get("toAtlasWarp"), (1, 2, 3)), results.atlas_of(np.array([1.0, 2, 3])), atol=0.05
    )


def test_the_centre_of_an_itk_affine_counts(scene, tmp_path):
    results = ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE).write({"registration"})
    text = itk_affine(np.diag([2.0, 2.0, 2.0, 1.0])).replace("FixedParameters: 0 0 0", "FixedParameters: -10 -20 30")
    results.path("atlas_affine.tfm").write_text(text)
    found = import_results(results, None)
    assert np.allclose(moved_by(found.get("toAtlasAffine"), (10, 20, 30)), (10, 20, 30))
    assert np.allclose(moved_by(found.get("toAtlasAffine"), (11, 20, 30)), (12, 20, 30))


@pytest.mark.parametrize("text", ["", "Parameters: 1 2 3\nFixedParameters: 0 0 0", itk_affine(np.zeros((4, 4)))])
def test_a_damaged_affine_is_refused(scene, tmp_path, text):
    results = ResultFolder(tmp_path, shape=SHAPE, affine=OBLIQUE).write({"registration"})
    results.path("atlas_affine.tfm").write_text(text)
    with pytest.raises(FileAccessError, match="atlas_affine"):
        import_results(results, None)
