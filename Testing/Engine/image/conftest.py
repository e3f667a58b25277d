"""One small valid NIfTI file as bytes, for tests that break it."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

SHAPE = (36, 34, 33)


@pytest.fixture(scope="session")
def scan() -> nib.Nifti1Image:
    """An int16 image with sform = qform, RAS, 1 mm."""
    values = np.random.default_rng(3).integers(0, 1000, SHAPE).astype(np.int16)
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    affine[:3, 3] = [-17, -16, -15]
    image = nib.Nifti1Image(values, affine)
    image.set_qform(affine, 1)
    image.set_sform(affine, 1)
    image.header.set_xyzt_units("mm")
    return image


@pytest.fixture(scope="session")
def scan_bytes(scan) -> bytes:
    return scan.to_bytes()


class FaultyFile:
    """Writes variants of a valid file: `file(344, b"n+3")` overwrites bytes at an offset."""

    def __init__(self, folder: Path, content: bytes):
        self._folder, self._content = folder, content

    def __call__(self, offset: int, patch: bytes, name: str = "scan.nii") -> Path:
        content = bytearray(self._content)
        content[offset : offset + len(patch)] = patch
        return self.write(bytes(content), name)

    def header(self, offset: int, form: str, *values: float) -> Path:
        return self(offset, struct.pack("<" + form, *values))

    def write(self, content: bytes, name: str = "scan.nii") -> Path:
        path = self._folder / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path


@pytest.fixture
def faulty(tmp_path, scan_bytes) -> FaultyFile:
    return FaultyFile(tmp_path, scan_bytes)
