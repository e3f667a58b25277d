"""Reading the files of a result: NIfTI, GIfTI, reports; what is damaged is said in a sentence."""

import gzip
import json

import numpy as np
import pytest
from BrainFMEngine.errors import FileAccessError
from BrainFMLib.GiftiFile import readSurface
from BrainFMLib.NiftiFile import STEP_BYTES, readHeader, readSteps
from BrainFMLib.ResultFiles import ResultFiles
from result_folder import ResultFolder, octahedron, write_gifti, write_nifti
from scene_results import finish

pytestmark = pytest.mark.scene


def image(dtype="float32", shape=(5, 4, 3)):
    return (np.random.default_rng(0).random(shape) * 100).astype(dtype)


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".NII.GZ"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_values_come_back(tmp_path, ending, dtype, order):
    array = image(dtype)
    path = tmp_path / f"ä{ending}"
    write_nifti(path, array, np.eye(4), order)
    if ending == ".NII.GZ":
        path.write_bytes(gzip.compress(path.read_bytes()))
    read = finish(readSteps(path))
    assert read.header.shape == (5, 4, 3) and read.array().dtype == np.dtype(dtype)
    assert np.array_equal(read.array(), array.T)


def test_scaled_values(tmp_path):
    write_nifti(tmp_path / "a.nii", image("int16"), np.eye(4), scale=(0.5, -10.0))
    assert np.allclose(finish(readSteps(tmp_path / "a.nii")).array(), image("int16").T * 0.5 - 10)


def test_vectors_keep_their_order(tmp_path):
    array = image(shape=(5, 4, 3, 1, 3))
    write_nifti(tmp_path / "a.nii", array, np.eye(4))
    assert np.array_equal(finish(readSteps(tmp_path / "a.nii")).array(), array.T)


def test_steps_are_short(tmp_path):
    array = np.zeros((128, 128, 128), np.float32)
    write_nifti(tmp_path / "a.nii", array, np.eye(4))
    fractions = list(readSteps(tmp_path / "a.nii"))
    assert len(fractions) == array.nbytes // STEP_BYTES and fractions == sorted(fractions) and fractions[-1] == 1


def broken(path, kind):
    data = bytearray(path.read_bytes())
    changes = {
        "magic": (344, b"abcd"),
        "type": (70, b"\x20\x00"),
        "size": (42, b"\xff\xff"),
        "offset": (108, b"\0" * 4),
    }
    if kind == "empty":
        data.clear()
    elif kind == "cut":
        del data[-5:]
    elif kind == "flipped":
        data[len(data) // 2] ^= 255
    else:
        at, value = changes[kind]
        data[at : at + len(value)] = value
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("ending", "kind"),
    [(".nii", kind) for kind in ("empty", "cut", "magic", "type", "size", "offset")]
    + [(".nii.gz", kind) for kind in ("empty", "cut", "flipped")],
)
def test_damaged_images_are_refused(tmp_path, ending, kind):
    path = tmp_path / f"scan_T1w{ending}"
    write_nifti(path, image(shape=(20, 20, 20)), np.eye(4))
    broken(path, kind)
    with pytest.raises(FileAccessError, match="scan_T1w") as error:
        finish(readSteps(path))
    assert error.value.hint


def test_a_missing_image(tmp_path):
    with pytest.raises(FileAccessError, match="No such file"):
        readHeader(tmp_path / "a.nii")


@pytest.mark.parametrize("encoding", ["GZipBase64Binary", "Base64Binary", "ASCII"])
def test_surfaces_come_back(tmp_path, encoding):
    vertices, faces = octahedron(np.array([1.0, 2, 3]), 5.0)
    write_gifti(tmp_path / "a.surf.gii", vertices, faces, encoding)
    read = readSurface(tmp_path / "a.surf.gii")
    assert np.allclose(read[0], vertices, atol=1e-4) and np.array_equal(read[1], faces)


@pytest.mark.parametrize("change", [("</GIFTI>", ""), ("POINTSET", "OTHER"), ('Dim0="8"', 'Dim0="9"'), ("eJ", "!!")])
def test_damaged_surfaces_are_refused(tmp_path, change):
    path = tmp_path / "a.surf.gii"
    write_gifti(path, *octahedron(np.zeros(3), 5.0))
    text = path.read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))
    with pytest.raises(FileAccessError, match="a.surf.gii"):
        readSurface(path)


def test_triangles_of_missing_vertices_are_refused(tmp_path):
    vertices, faces = octahedron(np.zeros(3), 5.0)
    write_gifti(tmp_path / "a.surf.gii", vertices, faces + 3)
    with pytest.raises(FileAccessError, match="damaged"):
        readSurface(tmp_path / "a.surf.gii")


def test_a_folder_is_read_by_its_report(tmp_path):
    results = ResultFolder(tmp_path, "häd 1", ending=".nii.gz").write({"t1"})
    files = ResultFiles(results.folder, "häd 1")
    assert files.modelName == "phantom"
    assert files.inputGrid.shape == results.shape and files.grid.sameAs(files.inputGrid)
    assert files.path("T1w") == results.path("T1w.nii.gz") and files.path("dseg") is None


@pytest.mark.parametrize("content", [None, "", "[1]", "{}", '{"input": {"grid": {}}, "grid": 3}'])
def test_a_folder_without_a_good_report_is_refused(tmp_path, content):
    results = ResultFolder(tmp_path).write({"t1"})
    results.path("report.json").unlink()
    if content is not None:
        results.path("report.json").write_text(content)
    with pytest.raises(FileAccessError, match="report.json"):
        ResultFiles(results.folder, "scan")


def test_a_report_without_a_model(tmp_path):
    results = ResultFolder(tmp_path).write({"t1"})
    results.path("report.json").write_text(json.dumps({**results.report(), "model": None}))
    assert ResultFiles(results.folder, "scan").modelName == ""
