"""The file that the engine reads is the volume, where it lies in the world."""

import json
import os
import subprocess

import numpy as np
import pytest
import slicer
from BrainFMEngine.errors import InputImageError
from BrainFMEngine.image.formats.nrrd import parse_nrrd
from BrainFMLib.InputExport import STEP_BYTES, exportSteps, worldAffine
from BrainFMLib.Placement import ijkToRas
from scene_results import AFFINES, SHAPE, add_scan, finish, put_under, turn

pytestmark = pytest.mark.scene


@pytest.mark.parametrize("name", AFFINES)
@pytest.mark.parametrize("moved", [False, True])
def test_slicer_and_the_engine_read_it_alike(scene, tmp_path, name, moved):
    scan = add_scan(AFFINES[name], name="ü scan / 1")
    if moved:
        put_under(put_under(scan, turn()), turn(-70, (1, 2, 3)), "higher")
    exported = finish(exportSteps(scan, tmp_path))
    assert exported.path == tmp_path / "input.nrrd" and exported.name == "ü scan / 1"
    assert scene.GetNodeByID(exported.nodeID) is scan
    data = exported.path.read_bytes()
    layout = parse_nrrd(data[:4096], exported.path, lambda count: b"")
    np.testing.assert_allclose(layout.affine_ras, worldAffine(scan), atol=1e-9)
    assert layout.shape == SHAPE and not layout.warnings
    values = np.frombuffer(data, layout.dtype, offset=layout.offset).reshape(SHAPE, order="F")
    assert np.array_equal(values, slicer.util.arrayFromVolume(scan).T)
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    storage = slicer.vtkMRMLNRRDStorageNode()
    storage.SetFileName(str(exported.path))
    assert storage.ReadData(node)
    np.testing.assert_allclose(ijkToRas(node), worldAffine(scan), atol=1e-6)
    assert np.array_equal(slicer.util.arrayFromVolume(node), slicer.util.arrayFromVolume(scan))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "float32", "float64"])
def test_every_type_is_kept(scene, tmp_path, dtype):
    scan = add_scan(array=np.arange(8 * 9 * 10).reshape(8, 9, 10).astype(dtype))
    path = finish(exportSteps(scan, tmp_path)).path
    layout = parse_nrrd(path.read_bytes()[:4096], path, lambda count: b"")
    assert layout.dtype == np.dtype(dtype) and path.stat().st_size == layout.offset + 720 * np.dtype(dtype).itemsize


def test_steps_are_short(scene, tmp_path):
    scan = add_scan(array=np.zeros((160, 160, 160), np.float32))
    fractions = list(exportSteps(scan, tmp_path))
    assert len(fractions) == -(-(160**3 * 4) // STEP_BYTES) and fractions[-1] == 1


def test_a_scan_that_is_deleted_meanwhile_is_written_to_its_end(scene, tmp_path):
    scan = add_scan(array=np.full((160, 160, 160), 7, np.float32))
    steps = exportSteps(scan, tmp_path)
    next(steps)
    scene.RemoveNode(scan)
    del scan
    path = finish(steps).path
    assert np.all(np.frombuffer(path.read_bytes()[-(160**3) * 4 :], np.float32) == 7)


def test_what_is_no_scan_is_refused(scene, tmp_path):
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing")
    with pytest.raises(InputImageError, match="nothing"):
        finish(exportSteps(empty, tmp_path))
    vector = slicer.util.addVolumeFromArray(np.zeros((9, 9, 9, 3)), nodeClassName="vtkMRMLVectorVolumeNode")
    with pytest.raises(InputImageError):
        finish(exportSteps(vector, tmp_path))


def test_the_engine_itself_reads_it(scene, tmp_path):
    python = os.environ.get("BRAINFM_PYTHON")
    if not python:
        pytest.skip("BRAINFM_PYTHON does not name an interpreter with the engine")
    scan = add_scan(AFFINES["sheared"], shape=(40, 40, 40))
    path = finish(exportSteps(scan, tmp_path)).path
    code = f"from BrainFMEngine.image.io import read_image; v = read_image({str(path)!r}); print(v.affine_ras.tolist())"
    text = subprocess.run([python, "-c", code], capture_output=True, check=True, text=True).stdout
    np.testing.assert_allclose(np.array(json.loads(text)), AFFINES["sheared"], atol=1e-9)
