"""3D surfaces of the segmentation: made in a child process, the same as here, and made anew when results are."""

import logging
import sys
from pathlib import Path

import child_processes
import module_bed
import numpy as np
import pytest
import slicer
from BrainFMLib import SurfaceProcess
from BrainFMLib.LabelSurfaces import LabelledImage, makeHere
from BrainFMLib.SegmentSurfaces import hasSurfaces, surfaceSteps
from BrainFMLib.StepRunner import StepRunner
from BrainFMLib.SurfaceFile import readSurface
from BrainFMLib.SurfaceProcess import makeInChild
from BrainFMLib.Widgets import RunPanel
from module_panel import folder, panel, setup  # noqa: F401
from result_folder import ResultFolder
from scene_results import OBLIQUE, add_scan, finish, import_results

AFFINE = np.array([[-1.5, 0, 0, 20.0], [0, 0, 2.0, -5.0], [0, 1.2, 0, 3.0], [0, 0, 0, 1.0]])
SIZE = 24


def ball(value=3, radius=8.0) -> np.ndarray:
    """Labels (Z, Y, X) with a ball in the middle."""
    z, y, x = np.indices((SIZE,) * 3) - (SIZE - 1) / 2
    return np.where(x**2 + y**2 + z**2 < radius**2, value, 0).astype(np.uint8)


def surfaces_folders() -> list[Path]:
    return list(Path(slicer.app.temporaryPath).glob("BrainFM-surfaces-*"))


def run(steps, pump, timeout_s=20):
    """Run steps as the module does; what they return or raise."""
    ended = []
    StepRunner(steps, lambda step: None, ended.append, ended.append)
    assert pump(lambda: ended, timeout_s)
    return ended[0]


@pytest.mark.scene
@pytest.mark.parametrize("affine", [AFFINE, AFFINE @ np.diag([-1, 1, 1, 1])])
def test_a_surface_lies_around_its_voxels_and_faces_outwards(scene, affine):
    (made,) = finish(makeHere([LabelledImage(ball(), (5, 6, 7), affine, (3, 4))], 0.5))
    assert made[4].GetNumberOfPoints() == 0
    points, normals = (slicer.util.arrayFromModelPoints, slicer.util.arrayFromModelPointData)
    model = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode")
    model.SetAndObservePolyData(made[3])
    centre = (affine @ [5 + 11.5, 6 + 11.5, 7 + 11.5, 1])[:3]
    voxels = (points(model) - centre) @ np.linalg.inv(affine[:3, :3]).T
    assert np.allclose(np.linalg.norm(voxels, axis=1), 8.0, atol=0.6)
    assert (np.sum((points(model) - centre) * normals(model, "Normals"), axis=1) > 0).all()


@pytest.mark.gui
def test_a_child_process_makes_the_same(scene, pump, caplog):
    images = [LabelledImage(ball(), (0, 0, 0), AFFINE, (3, 9)), LabelledImage(ball(7), (1, 2, 3), AFFINE, (7,))]
    here, there = finish(makeHere(images, 0.5)), run(makeInChild(images, 0.5), pump)
    for one, other in zip(here, there, strict=True):
        assert one.keys() == other.keys()
        for value in one:
            assert one[value].GetNumberOfPolys() == other[value].GetNumberOfPolys()
            assert np.allclose(one[value].GetBounds(), other[value].GetBounds(), atol=1e-4)
    assert there[0][3].GetPointData().GetNormals() is not None
    assert "within Slicer" not in caplog.text
    assert not surfaces_folders()


@pytest.mark.gui
@pytest.mark.parametrize("python", ["/no/such/python", sys.executable + " -c exit(3)"])
def test_where_there_is_no_child_process_they_are_made_here(scene, pump, monkeypatch, caplog, python):
    program, *words = python.split()
    command = [program, *words] if words else [program]
    made = SurfaceProcess.EngineProcess
    monkeypatch.setattr(SurfaceProcess, "EngineProcess", lambda ignored: made(command))
    with caplog.at_level(logging.WARNING):
        (surfaces,) = run(makeInChild([LabelledImage(ball(), (0, 0, 0), AFFINE, (3,))], 0.5), pump)
    assert surfaces[3].GetNumberOfPolys() > 100
    assert "within Slicer" in caplog.text and not surfaces_folders()


@pytest.mark.gui
def test_stopping_ends_the_child_process_and_changes_nothing(scene, pump, tmp_path):
    scan = add_scan()
    node = import_results(ResultFolder(tmp_path, affine=OBLIQUE).write({"seg"}), scan).get("dseg")
    runner = StepRunner(surfaceSteps(node, makeInChild), lambda step: None, pytest.fail, pytest.fail)
    assert pump(child_processes.of_this_test, 5)
    runner.stop()
    assert pump(lambda: not child_processes.of_this_test(), 3)
    assert not hasSurfaces(node) and not surfaces_folders()


@pytest.mark.scene
def test_a_file_that_is_cut_short_is_refused(tmp_path):
    path = tmp_path / "a.surface"
    path.write_bytes(np.array([5, 2], np.int64).tobytes() + bytes(20))
    with pytest.raises(ValueError, match="cut short"):
        readSurface(path)


@pytest.mark.gui
def test_running_again_keeps_the_3d_view(panel):  # noqa: F811
    panel.run(module_bed.head())
    assert panel.ui.contrastsLayoutButton.checked  # which has no 3D view
    panel.ui.show3DButton.checked = True
    assert panel.ui.anatomyLayoutButton.checked
    panel.until(lambda: hasSurfaces(panel.set.get("dseg")), 20)
    former = panel.set.get("dseg").GetSegmentation().GetSegment("FS_3").GetRepresentation("Closed surface")
    results = ResultFolder(panel.results.folder.parent, "made", module_bed.SHAPE, module_bed.AFFINE, radius_mm=12.0)
    panel.results = results.write()
    assert panel.run().state == "done"
    node = panel.set.get("dseg")
    now = node.GetSegmentation().GetSegment("FS_3").GetRepresentation("Closed surface")
    assert hasSurfaces(node) and panel.ui.show3DButton.checked and node.GetDisplayNode().GetVisibility3D()
    assert np.ptp(now.GetBounds()) < np.ptp(former.GetBounds())
    assert not surfaces_folders()


@pytest.mark.gui
def test_cancelling_in_that_moment_leaves_the_former_results(panel, monkeypatch):  # noqa: F811
    panel.run(module_bed.head())
    panel.ui.show3DButton.checked = True
    panel.until(lambda: hasSurfaces(panel.set.get("dseg")), 20)
    node, before = panel.set.get("dseg"), module_bed.nodes()
    former = node.GetSegmentation().GetSegment("FS_3").GetRepresentation("Closed surface")
    monkeypatch.setattr(RunPanel, "_DOUBLE_PRESS_S", 0.0)
    panel.apply()
    panel.until(surfaces_folders, 20)
    module_bed.press(panel.ui.applyButton)
    assert panel.wait().state == "cancelled"
    assert node.GetSegmentation().GetSegment("FS_3").GetRepresentation("Closed surface") is former
    assert module_bed.nodes() == before and not surfaces_folders()
