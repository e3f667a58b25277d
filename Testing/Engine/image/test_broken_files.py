"""Refusing what cannot be right: every fault has a named cause, and nothing but BrainFM errors comes out."""

from __future__ import annotations

import gzip
import os
import struct
import sys

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from BrainFMEngine.errors import BrainFMError, FileAccessError, InputImageError
from BrainFMEngine.image.io import read_image

DIM, DATATYPE, BITPIX, PIXDIM, VOX_OFFSET, SFORM, MAGIC = 40, 70, 72, 76, 108, 280, 344


def refuse(path, match, error=InputImageError, frame=None):
    with pytest.raises(error, match=match) as caught:
        read_image(path, frame)
    assert caught.value.message and not caught.value.message.endswith(".")
    assert caught.value.hint


@pytest.mark.parametrize("name", ["cut.nii", "cut.nii.gz"])
@pytest.mark.parametrize("kept", [0.6, 0.999])
def test_cut_short(faulty, scan_bytes, name, kept):
    refuse(faulty.write(scan_bytes[: int(len(scan_bytes) * kept)], name), rf"is cut short: \d+ of {len(scan_bytes)}")


def test_cut_in_the_compressed_stream(tmp_path, scan_bytes):
    packed = gzip.compress(scan_bytes)
    for length in (len(packed) // 2, len(packed) - 4):
        (tmp_path / "cut.nii.gz").write_bytes(packed[:length])
        refuse(tmp_path / "cut.nii.gz", "is cut short")


@pytest.mark.parametrize("length", [4, 200, 347, 348, 352])
def test_header_only(faulty, scan_bytes, length):
    refuse(faulty.write(scan_bytes[:length]), "cut short|Analyze|not an image")


def test_wrong_checksum(tmp_path, scan_bytes):
    packed = bytearray(gzip.compress(scan_bytes))
    packed[-6] ^= 0xFF
    (tmp_path / "crc.nii.gz").write_bytes(packed)
    refuse(tmp_path / "crc.nii.gz", "is damaged: its checksum is wrong")


def test_flipped_bit_in_the_stream(tmp_path, scan_bytes):
    packed = gzip.compress(scan_bytes)
    for place in (len(packed) // 3, len(packed) // 2, len(packed) - 20):
        damaged = bytearray(packed)
        damaged[place] ^= 0x10
        (tmp_path / "bit.nii.gz").write_bytes(damaged)
        refuse(tmp_path / "bit.nii.gz", "is damaged|is cut short")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>sign in</html>", "web page"),
        (b"\n <html>sign in</html>", "web page"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "PNG"),
        (b"PK\x03\x04" + bytes(500), "zip"),
        (bytes(128) + b"DICM" + bytes(500), "is a DICOM file. Convert it .*dcm2niix"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "Git LFS pointer"),
        (b"hello world" * 100, "not an image"),
        (bytes(1000), "not an image"),
        (b"\0\0\0\1" + bytes(300), "header says"),
    ],
)
@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
def test_other_content(faulty, content, match, name):
    refuse(faulty.write(content, name), match)


def test_wrong_magic_is_analyze(faulty):
    refuse(faulty(MAGIC, b"n+3\0"), "Analyze")
    refuse(faulty(MAGIC, b"\0\0\0\0"), "does not say what is left and right")


def test_folder_missing_link_permission(tmp_path, faulty, scan_bytes):
    refuse(tmp_path, "is a folder")
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "1.dcm").write_bytes(bytes(128) + b"DICM")
    refuse(tmp_path / "series", "DICOM module")
    refuse(tmp_path / "nowhere.nii", "no such file", FileAccessError)
    refuse(tmp_path / "no" / "where.nii", "no such file", FileAccessError)
    refuse(tmp_path / "no" / "where.img", "no such file", FileAccessError)
    refuse("null\0byte.nii", "cannot read", FileAccessError)
    refuse(tmp_path / ("long" * 100 + ".nii"), "cannot read", FileAccessError)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes there")
def test_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe.nii")
    refuse(tmp_path / "pipe.nii", "not a regular file", FileAccessError)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_dangling_link(tmp_path):
    (tmp_path / "link.nii").symlink_to(tmp_path / "gone.nii")
    refuse(tmp_path / "link.nii", "link to a file that does not exist", FileAccessError)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="everything may be read here")
def test_forbidden_file(faulty, scan_bytes):
    path = faulty.write(scan_bytes)
    path.chmod(0)
    refuse(path, "permission denied", FileAccessError)


@pytest.mark.parametrize(
    ("dim", "match"),
    [
        ((3, 32767, 32767, 32767), "too large"),
        ((3, 1000, 1000, 1000), "too large"),
        ((3, 0, 34, 33), "header says"),
        ((3, -36, 34, 33), "header says"),
        ((9, 36, 34, 33), "9 axes"),
        ((0, 36, 34, 33), "0 axes"),
        ((-1, 36, 34, 33), "-1 axes"),
        ((2, 36, 34, 1), "not a 3D image"),
        ((3, 36, 34, 1), "not a 3D image"),
        ((3, 36, 34, 3), "too few voxels"),
        ((3, 4, 4, 4), "too few voxels"),
        ((3, 1, 1, 1), "not a 3D image"),
        ((4, 36, 34, 11, 3), "holds 3 volumes"),
        ((5, 36, 34, 11, 1, 3), "holds 3 volumes"),
        ((3, 300, 340, 330), "is cut short"),
    ],
)
def test_lying_dimensions(faulty, dim, match):
    refuse(faulty.header(DIM, f"{len(dim)}h", *dim), match)


@pytest.mark.parametrize(
    ("code", "bits", "match"),
    [
        (128, 24, "RGB"),
        (2304, 32, "RGBA"),
        (32, 64, "complex"),
        (1792, 128, "complex"),
        (1, 1, "one-bit"),
        (1536, 128, "128-bit"),
        (0, 16, "unknown data type"),
        (999, 16, "unknown data type"),
        (4, 8, "8 bits per voxel"),
        (4, 0, "0 bits per voxel"),
    ],
)
def test_types_that_are_no_scan(faulty, code, bits, match):
    refuse(faulty.header(DATATYPE, "hh", code, bits), match)


@pytest.mark.parametrize("offset", [1e9, -5.0, 100.0, 352.5, np.nan, np.inf])
def test_voxels_begin_nowhere(faulty, offset):
    refuse(faulty.header(VOX_OFFSET, "f", offset), "begin at byte|is cut short")


@pytest.mark.parametrize("size", [0, -16, 4, 1 << 30])
def test_extension_of_impossible_size(faulty, scan_bytes, size):
    content = scan_bytes[:348] + struct.pack("<4Bii", 1, 0, 0, 0, size, 6) + bytes(8) + scan_bytes[352:]
    content = content[:VOX_OFFSET] + struct.pack("<f", 368) + content[VOX_OFFSET + 4 :]
    refuse(faulty.write(content), "extension has the size")


@pytest.mark.parametrize("spacing", [(0, 1, 1), (-1, 1, 1), (np.nan, 1, 1), (1, 1, np.inf)])
def test_voxel_size_that_is_none(faulty, spacing):
    refuse(faulty.header(PIXDIM + 4, "3f", *spacing), "voxel size")


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ((np.nan, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0), "position"),
        ((1, 0, 0, np.inf, 0, 1, 0, 0, 0, 0, 1, 0), "position"),
        ((1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0), "position"),
        ((0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "position"),
        ((0.001, 0, 0, 0, 0, 0.001, 0, 0, 0, 0, 0.001, 0), "voxel size"),
        ((1000, 0, 0, 0, 0, 1000, 0, 0, 0, 0, 1000, 0), "voxel size"),
        ((15, 0, 0, 0, 0, 15, 0, 0, 0, 0, 15, 0), "too large"),
        ((0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0), "covers too little"),
    ],
)
def test_position_that_cannot_be(faulty, rows, match):
    refuse(faulty.header(SFORM, "12f", *rows), match)


def test_decompression_bomb(tmp_path, scan_bytes):
    (tmp_path / "bomb.nii.gz").write_bytes(gzip.compress(scan_bytes + bytes(40_000_000)))
    refuse(tmp_path / "bomb.nii.gz", "far more data than its header says")


def test_vectors_and_colours_of_itk(tmp_path, rng):
    vector = sitk.GetImageFromArray(rng.random((33, 34, 36, 3)).astype(np.float32), isVector=True)
    for name in ("v.nrrd", "v.mha", "v.nii.gz"):
        sitk.WriteImage(vector, str(tmp_path / name))
        refuse(tmp_path / name, "3 numbers per voxel|holds 3 volumes")


@pytest.mark.parametrize("name", ["a.nrrd", "a.mha", "a.mgz", "a.mgh"])
def test_other_formats_cut_short(tmp_path, scan, name):
    path = tmp_path / name
    if "mg" in name:
        nib.save(nib.MGHImage(np.asarray(scan.dataobj), scan.affine), path)
    else:
        sitk.WriteImage(sitk.GetImageFromArray(np.asarray(scan.dataobj)), str(path), "mha" not in name)
    content = path.read_bytes()
    for length in (100, 290, len(content) // 2, len(content) - 40):
        path.write_bytes(content[:length])
        refuse(path, "cut short|damaged|begin|end|no such file", BrainFMError)


@pytest.mark.parametrize(
    "named", ["../secret.raw", "/etc/passwd", "C:\\secret.raw", "gone.raw", "LIST", "a%d.raw 1 9 1"]
)
def test_detached_voxels_elsewhere(tmp_path, named):
    (tmp_path / "a.mhd").write_text(
        f"ObjectType = Image\nNDims = 3\nDimSize = 36 34 33\nElementType = MET_SHORT\nElementDataFile = {named}\n"
    )
    refuse(tmp_path / "a.mhd", "outside its folder|several files|no such file", BrainFMError)


def test_random_damage_never_escapes(faulty, scan_bytes, rng):
    for _ in range(150):
        content = bytearray(scan_bytes)
        for place in rng.integers(0, 352, rng.integers(1, 8)):
            content[place] = rng.integers(0, 256)
        path = faulty.write(bytes(content))
        try:
            read_image(path)
        except BrainFMError:
            pass


def test_compressed_nrrd_as_a_whole(tmp_path):
    (tmp_path / "a.nrrd.gz").write_bytes(gzip.compress(b"NRRD0004\ntype: short\n"))
    refuse(tmp_path / "a.nrrd.gz", "compressed as a whole")
