"""Written images lie where the scan lies, for nibabel and for ITK, and appear complete or not at all."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from BrainFMEngine.errors import FileAccessError
from BrainFMEngine.image.io import read_image, write_image
from BrainFMEngine.image.volume import Grid
from phantom import affine_for, rotation

SHAPE = (36, 34, 33)
LPS = np.diag([-1.0, -1, 1, 1])


@pytest.fixture
def values(rng):
    return rng.random(SHAPE).astype(np.float32)


def itk_affine_ras(path):
    image = sitk.ReadImage(str(path))
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return LPS @ affine


DIRECTIONS = {
    "ras": np.eye(3),
    "lia": np.array([[-1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
    "mirrored": np.diag([-1.0, 1, 1]),
    "oblique": rotation(11, -7, 23) @ np.diag([1.0, -1, 1]),
    "rounded": rotation(11, -7, 23).round(5),
}


@pytest.mark.parametrize("name", DIRECTIONS)
def test_both_readers_find_the_grid(tmp_path, values, name):
    grid = Grid(SHAPE, affine_for(SHAPE, (0.9, 1.1, 2.3), DIRECTIONS[name]))
    path = tmp_path / "a.nii.gz"
    write_image(path, values, grid, description="made by a test")
    image = nib.load(path)
    assert np.array_equal(image.get_fdata(dtype=np.float32), values)
    assert np.allclose(image.affine, grid.affine_ras, atol=1e-4)
    assert np.allclose(itk_affine_ras(path), grid.affine_ras, atol=1e-3)
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(path))).transpose(), values)
    assert int(image.header["qform_code"]) > 0 and int(image.header["sform_code"]) > 0


def original(tmp_path, qform, qcode, sform, scode):
    image = nib.Nifti1Image(np.random.default_rng(1).random(SHAPE).astype(np.float32), None)
    image.header.set_xyzt_units("mm")
    image.header.set_zooms((0.9, 1.1, 2.3))
    if qform is not None:
        image.header.set_qform(qform, qcode)
    if sform is not None:
        image.header.set_sform(sform, scode)
    nib.save(image, tmp_path / "original.nii")
    return tmp_path / "original.nii"


FIRST = affine_for(SHAPE, (0.9, 1.1, 2.3), rotation(5, 3, -4))
SECOND = affine_for(SHAPE, (0.9, 1.1, 2.3), rotation(-15, 0, 9))
MIRRORED = affine_for(SHAPE, (0.9, 1.1, 2.3), np.diag([-1.0, 1, 1]))


@pytest.mark.parametrize(
    ("qform", "qcode", "sform", "scode", "expected", "warning"),
    [
        (FIRST, 1, FIRST, 2, FIRST, None),
        (FIRST, 1, SECOND, 4, SECOND, r"disagree by \d+\.\d mm and 24\.\d degrees"),
        (FIRST, 1, None, 0, FIRST, None),
        (MIRRORED, 1, None, 0, MIRRORED, None),
        (None, 0, SECOND, 1, SECOND, None),
        (None, 0, None, 0, None, "left and right are unknown"),
    ],
)
def test_results_overlay_on_the_scan_in_both_readers(tmp_path, values, qform, qcode, sform, scode, expected, warning):
    source = original(tmp_path, qform, qcode, sform, scode)
    scan = read_image(source)
    path = tmp_path / "result.nii.gz"
    write_image(path, values, scan.grid, like=scan)
    if expected is not None:
        assert np.allclose(scan.affine_ras, expected, atol=1e-4)
    assert np.allclose(nib.load(path).affine, nib.load(source).affine, atol=1e-4)
    assert np.allclose(itk_affine_ras(path), itk_affine_ras(source), atol=1e-3)
    found = " ".join(scan.header["warnings"])
    assert (found == "") if warning is None else __import__("re").search(warning, found)
    if qform is not None and sform is not None:
        kept = nib.load(path).header
        assert (int(kept["qform_code"]), int(kept["sform_code"])) == (qcode, scode)


def test_small_disagreement_is_no_conflict(tmp_path):
    moved = FIRST.copy()
    moved[0, 3] += 0.05
    assert not read_image(original(tmp_path, FIRST, 1, moved, 1)).header["warnings"]


def test_two_voxel_sizes_and_units_are_doubted(tmp_path):
    larger = affine_for(SHAPE, (1.0, 1.1, 2.3))
    path = original(tmp_path, None, 0, larger, 1)
    image = nib.load(path)
    image.header["pixdim"][1] = 0.9
    image.header["xyzt_units"] = 1
    path.write_bytes(image.header.binaryblock + bytes(4) + image.get_fdata(dtype=np.float32).tobytes(order="F"))
    warnings = " ".join(read_image(path).header["warnings"])
    assert "two voxel sizes" in warnings and "metres" in warnings


def test_sheared_scan_overlays_and_itk_opens_it(tmp_path, values):
    sheared = affine_for(SHAPE, (1, 1, 1), np.array([[1, 0, 0], [0, 1, 0.2], [0, 0, 1]]))
    write_image(tmp_path / "a.nii.gz", values, Grid(SHAPE, sheared))
    assert np.allclose(nib.load(tmp_path / "a.nii.gz").affine, sheared, atol=1e-4)
    assert sitk.ReadImage(str(tmp_path / "a.nii.gz")).GetSize() == SHAPE


@pytest.mark.parametrize(
    ("dtype", "stored"), [(bool, "uint8"), (np.int16, "int16"), (np.float16, "float32"), (np.int64, "int32")]
)
def test_types(tmp_path, values, dtype, stored):
    array = (values * 3).astype(dtype)
    write_image(tmp_path / "a.nii.gz", array, Grid(SHAPE, np.eye(4)))
    image = nib.load(tmp_path / "a.nii.gz")
    assert image.get_data_dtype() == np.dtype(stored) and np.array_equal(np.asarray(image.dataobj), array)


def test_coordinates_are_4d_and_displacements_are_vectors(tmp_path, rng):
    field = rng.random((*SHAPE, 3)).astype(np.float32)
    grid = Grid(SHAPE, affine_for(SHAPE, (1, 1, 1), np.diag([-1.0, 1, 1])))
    write_image(tmp_path / "c.nii.gz", field, grid)
    assert nib.load(tmp_path / "c.nii.gz").shape == (*SHAPE, 3)
    write_image(tmp_path / "d.nii.gz", field, grid, vector=True)
    image = sitk.ReadImage(str(tmp_path / "d.nii.gz"))
    assert image.GetNumberOfComponentsPerPixel() == 3 and image.GetDimension() == 3
    assert np.array_equal(sitk.GetArrayFromImage(image).transpose(2, 1, 0, 3), field)
    assert np.allclose(itk_affine_ras(tmp_path / "d.nii.gz"), grid.affine_ras, atol=1e-4)


def test_same_bytes_each_time_and_nothing_left_over(tmp_path, values):
    grid = Grid(SHAPE, np.eye(4))
    write_image(tmp_path / "a.nii.gz", values, grid)
    first = (tmp_path / "a.nii.gz").read_bytes()
    write_image(tmp_path / "a.nii.gz", values, grid)
    assert (tmp_path / "a.nii.gz").read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["a.nii.gz"]


def test_folder_that_is_not_there(tmp_path, values):
    with pytest.raises(FileAccessError, match="cannot write"):
        write_image(tmp_path / "no" / "a.nii.gz", values, Grid(SHAPE, np.eye(4)))


def test_array_must_lie_on_the_grid(tmp_path, values):
    with pytest.raises(ValueError, match="does not lie on the grid"):
        write_image(tmp_path / "a.nii.gz", values, Grid((1, 2, 3), np.eye(4)))
