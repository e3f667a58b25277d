"""Reading what can be read: every format, by content; the same values whatever the storage."""

from __future__ import annotations

import gzip
import os

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from BrainFMEngine.errors import InputImageError
from BrainFMEngine.image.io import read_image
from BrainFMEngine.progress import SilentProgress

OBLIQUE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.2, -0.1, 0.3) @ np.diag([-0.9, 1.1, 1.2]), [12.0, -30.0, 5.0]
)


@pytest.fixture
def values(rng):
    return rng.integers(0, 1000, (36, 34, 33)).astype(np.int16)


def write(path, values, affine=OBLIQUE, kind=nib.Nifti1Image, **header):
    image = kind(values, affine)
    for key, value in header.items():
        image.header[key] = value
    nib.save(image, path)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "umläut und blank $(x).nii.gz", "-dash..dots.nii", "a.hdr"])
def test_nifti1(tmp_path, values, name):
    kind = nib.Nifti1Pair if name.endswith("hdr") else nib.Nifti1Image
    volume = read_image(write(tmp_path / name, values, kind=kind))
    assert volume.array.dtype == np.float32 and volume.array.flags.c_contiguous
    assert np.array_equal(volume.array, values)
    assert np.allclose(volume.affine_ras, OBLIQUE, atol=1e-5)


def test_pair_may_be_named_by_its_voxel_file(tmp_path, values):
    write(tmp_path / "a.hdr", values, kind=nib.Nifti1Pair)
    assert np.array_equal(read_image(tmp_path / "a.img").array, values)


def test_pair_without_its_voxels_is_refused(tmp_path, values):
    path = write(tmp_path / "a.hdr", values, kind=nib.Nifti1Pair)
    (tmp_path / "a.img").unlink()
    with pytest.raises(InputImageError, match="a.img is not beside it"):
        read_image(path)


def test_nifti2(tmp_path, values):
    volume = read_image(write(tmp_path / "a.nii.gz", values, kind=nib.Nifti2Image))
    assert np.array_equal(volume.array, values) and np.allclose(volume.affine_ras, OBLIQUE, atol=1e-5)


@pytest.mark.parametrize(("stored", "name"), [("a.nii.gz", "A.NII"), ("a.nii", "A.NII.GZ"), ("a.nii.gz", "no_ending")])
def test_content_counts_and_not_the_name(tmp_path, values, stored, name):
    os.replace(write(tmp_path / stored, values), tmp_path / name)
    assert np.array_equal(read_image(tmp_path / name).array, values)


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", ">i2", ">f4", ">f8"])
def test_every_type_gives_the_same(tmp_path, values, dtype):
    values = (values % 100).astype(np.float32)
    image = nib.Nifti1Image(values.astype(dtype), OBLIQUE, dtype=np.dtype(dtype))
    header = image.header.as_byteswapped(">") if dtype.startswith(">") else image.header
    nib.save(nib.Nifti1Image(values.astype(dtype), OBLIQUE, header), tmp_path / "a.nii")
    volume = read_image(tmp_path / "a.nii")
    assert volume.array.dtype == np.float32 and np.array_equal(volume.array, values)


def test_wide_numbers_keep_their_detail(tmp_path, values):
    offset = 10**12
    volume = read_image(write(tmp_path / "a.nii", values.astype(np.float64) + offset))
    assert np.array_equal(volume.array - offset, values)


@pytest.mark.parametrize(
    ("slope", "intercept", "expected"), [(2, -5, (2, -5)), (0, 7, (1, 0)), (np.nan, 3, (1, 0)), (0.5, np.nan, (0.5, 0))]
)
def test_scaling(faulty, scan, slope, intercept, expected):
    volume = read_image(faulty.header(112, "ff", slope, intercept))
    assert np.allclose(volume.array, np.asarray(scan.dataobj) * expected[0] + expected[1])


def test_mgz(tmp_path, values):
    for name in ("a.mgz", "a.mgh"):
        volume = read_image(write(tmp_path / name, values, kind=nib.MGHImage))
        assert np.array_equal(volume.array, values) and np.allclose(volume.affine_ras, OBLIQUE, atol=1e-4)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("name", ["a.nrrd", "a.nhdr", "a.mha", "a.mhd"])
@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.uint8])
def test_itk_formats(tmp_path, values, name, compress, dtype):
    lps = np.diag([-1.0, -1, 1, 1]) @ OBLIQUE
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image = sitk.GetImageFromArray(values.astype(dtype).transpose())
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    sitk.WriteImage(image, str(tmp_path / name), compress)
    volume = read_image(tmp_path / name)
    assert np.array_equal(volume.array, values.astype(dtype))
    assert np.allclose(volume.affine_ras, OBLIQUE, atol=1e-5)
    assert not volume.header["warnings"]


def test_nrrd_in_ras_space(tmp_path, values):
    text = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: right-anterior-superior\nsizes: 36 34 33\n"
        "space directions: (0,2,0) (-1,0,0) (0,0,1.5)\nkinds: domain domain domain\nendian: little\n"
        "encoding: raw\nspace origin: (1,2,3)\n\n"
    )
    (tmp_path / "a.nrrd").write_bytes(text.encode() + values.tobytes(order="F"))
    volume = read_image(tmp_path / "a.nrrd")
    assert np.array_equal(volume.array, values)
    assert np.array_equal(volume.affine_ras, [[0, -1, 0, 1], [2, 0, 0, 2], [0, 0, 1.5, 3], [0, 0, 0, 1]])


def test_one_volume_of_a_series(tmp_path, rng):
    series = rng.integers(0, 100, (36, 34, 33, 3)).astype(np.int16)
    path = write(tmp_path / "a.nii.gz", series)
    with pytest.raises(InputImageError, match=r"holds 3 volumes.*--volume N"):
        read_image(path)
    assert np.array_equal(read_image(path, frame=2).array, series[..., 2])
    with pytest.raises(InputImageError, match="has no volume 3"):
        read_image(path, frame=3)


@pytest.mark.parametrize("extra", [(1,), (1, 1), (1, 1, 1)])
def test_single_volume_in_more_axes(tmp_path, values, extra):
    assert read_image(write(tmp_path / "a.nii", values.reshape(values.shape + extra))).array.shape == values.shape


def test_trailing_bytes_and_joined_members_are_read(tmp_path, scan_bytes, scan):
    half = len(scan_bytes) // 2
    for name, content in (
        ("trailing.nii", scan_bytes + b"tail" * 10),
        ("trailing.nii.gz", gzip.compress(scan_bytes) + b"tail" * 10),
        ("zeros.nii.gz", gzip.compress(scan_bytes) + bytes(512)),
        ("members.nii.gz", gzip.compress(scan_bytes[:half]) + gzip.compress(scan_bytes[half:])),
    ):
        (tmp_path / name).write_bytes(content)
        assert np.array_equal(read_image(tmp_path / name).array, np.asarray(scan.dataobj))


def test_header_extensions_are_skipped(tmp_path, values):
    image = nib.Nifti1Image(values, OBLIQUE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"hello" * 100))
    nib.save(image, tmp_path / "a.nii.gz")
    assert np.array_equal(read_image(tmp_path / "a.nii.gz").array, values)


def test_warnings_are_reported_and_kept(tmp_path, values):
    progress = SilentProgress()
    volume = read_image(write(tmp_path / "a.nii", values, np.diag([1, 1, 6.0, 1])), progress=progress)
    assert len(progress.warnings) == 1 and "voxels are large" in progress.warnings[0]
    assert volume.header["warnings"] == tuple(progress.warnings)
