"""Reading the NIfTI-1 files of a result (`.nii`, `.nii.gz`) in short steps, straight into VTK's memory.

Slicer's Python has no nibabel. Where an image lies is not read from its header: the report says it exactly.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import vtk
from BrainFMEngine.errors import FileAccessError
from vtk.util.numpy_support import create_vtk_array, get_vtk_array_type, vtk_to_numpy

from BrainFMLib.Steps import FractionSteps

HEADER_BYTES = 348
STEP_BYTES = 4 << 20
DTYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4"}
DAMAGED_HINT = "Run it again."


@dataclass(frozen=True)
class NiftiHeader:
    """What a header says.

    Attributes:
        shape: sizes along x, y, z and further axes.
        dtype: of the stored numbers, with their byte order.
        offset: bytes before the first of them.
        slope: stored numbers times `slope` plus `intercept` are the values.
        intercept: see `slope`.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    offset: int
    slope: float
    intercept: float


@dataclass(frozen=True)
class NiftiImage:
    """An image: its header, and the values as a VTK array of one component, x fastest."""

    header: NiftiHeader
    values: vtk.vtkDataArray

    def array(self) -> np.ndarray:
        """Return the values without copying: (..., Z, Y, X)."""
        return vtk_to_numpy(self.values).reshape(self.header.shape[::-1])


def readHeader(path: Path) -> NiftiHeader:
    """Read the header alone.

    Raises:
        FileAccessError: no such file, or no NIfTI-1 header.
    """
    with _opened(path) as file:
        return _parsed(file.read(HEADER_BYTES), path)


def readSteps(path: Path) -> FractionSteps[NiftiImage]:
    """Read an image in steps of a few milliseconds; yields the fraction that is read, returns the image.

    Raises:
        FileAccessError: no such file, no NIfTI-1 file, cut short or damaged.
    """
    with _opened(path) as file:
        header = _parsed(file.read(HEADER_BYTES), path)
        file.read(header.offset - HEADER_BYTES)
        native = header.dtype.newbyteorder("=")
        values = create_vtk_array(get_vtk_array_type(native))
        values.SetNumberOfValues(math.prod(header.shape))
        stored = vtk_to_numpy(values)
        target = memoryview(stored).cast("B")
        done = 0
        while done < len(target):
            count = file.readinto(target[done : done + STEP_BYTES])
            if not count:
                raise FileAccessError(f"{path.name} is cut short", DAMAGED_HINT)
            done += count
            yield done / len(target)
        if file.read(1):  # reaching the end also makes a compressed stream compare its checksum
            raise FileAccessError(f"{path.name} is damaged: it is longer than its header says", DAMAGED_HINT)
    if header.dtype != native:
        for part in _parts(stored):
            part.byteswap(inplace=True)
            yield 1.0
    if (header.slope, header.intercept) != (1.0, 0.0):
        values = yield from _scaledSteps(stored, header)
    return NiftiImage(header, values)


@contextmanager
def _opened(path: Path):
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb", buffering=0) as file:
            yield file
    except (OSError, EOFError, ValueError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileAccessError(f"{path.name} cannot be read: {reason}", DAMAGED_HINT) from error


def _parsed(data: bytes, path: Path) -> NiftiHeader:
    order = "<" if data[:4] == struct.pack("<i", HEADER_BYTES) else ">"
    if len(data) < HEADER_BYTES or data[344:347] != b"n+1" or struct.unpack(f"{order}i", data[:4])[0] != HEADER_BYTES:
        raise FileAccessError(f"{path.name} is no NIfTI-1 file", DAMAGED_HINT)
    dimension, *sizes = struct.unpack(f"{order}8h", data[40:56])
    (code,) = struct.unpack(f"{order}h", data[70:72])
    offset, slope, intercept = struct.unpack(f"{order}3f", data[108:120])
    shape = tuple(sizes[:dimension]) if 3 <= dimension <= 7 else ()
    if code not in DTYPES or not shape or min(shape) < 1 or offset < HEADER_BYTES:
        raise FileAccessError(f"{path.name} is damaged: its header makes no sense", DAMAGED_HINT)
    plain = not (np.isfinite(slope) and slope and np.isfinite(intercept))
    scale = (1.0, 0.0) if plain else (slope, intercept)
    return NiftiHeader(shape, np.dtype(order + DTYPES[code]), int(offset), *scale)


def _parts(values: np.ndarray) -> Iterator[np.ndarray]:
    count = STEP_BYTES // 4
    return (values[start : start + count] for start in range(0, values.size, count))


def _scaledSteps(stored: np.ndarray, header: NiftiHeader) -> FractionSteps[vtk.vtkDataArray]:
    values = vtk.vtkFloatArray()
    values.SetNumberOfValues(stored.size)
    for target, part in zip(_parts(vtk_to_numpy(values)), _parts(stored), strict=True):
        target[:] = part * np.float32(header.slope) + np.float32(header.intercept)
        yield 1.0
    return values
