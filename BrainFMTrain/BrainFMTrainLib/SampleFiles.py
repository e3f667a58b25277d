"""The images of `brainfm preview`: read in short steps, with the place that their header names."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import vtk
from BrainFMEngine.errors import FileAccessError
from BrainFMLib.NiftiFile import HEADER_BYTES, readSteps
from BrainFMLib.Steps import FractionSteps
from vtk.util.numpy_support import numpy_to_vtk

_FORM, _ROWS = 254, 280
"""Bytes of the header where the kind of its affine and the affine itself stand."""
HINT = "Generate again."


@dataclass(frozen=True)
class SampleImage:
    """An image.

    Attributes:
        array: (C, Z, Y, X) values; C is 1 for one value a voxel.
        values: the same as VTK's array, x fastest, component after component.
        affine: (4, 4) voxel to RAS mm.
    """

    array: np.ndarray
    values: vtk.vtkDataArray
    affine: np.ndarray

    def component(self, index: int) -> vtk.vtkDataArray:
        """Return one component as VTK's array, without copying where there is only one."""
        return self.values if len(self.array) == 1 else vtkArray(self.array[index])


def vtkArray(values: np.ndarray) -> vtk.vtkDataArray:
    """Copy values (Z, Y, X) into VTK's memory."""
    return numpy_to_vtk(np.ascontiguousarray(values).ravel(), deep=True)


def sampleImageSteps(path: Path) -> FractionSteps[SampleImage]:
    """Read an image in steps of a few milliseconds; yields the fraction read.

    Raises:
        FileAccessError: it is not there, no NIfTI-1 file, or damaged.
    """
    affine = _affine(path)
    image = yield from readSteps(path)
    shape = image.header.shape
    array = image.array().reshape((-1, *shape[2::-1]))
    return SampleImage(array, image.values, affine)


def _affine(path: Path) -> np.ndarray:
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
        order = "<" if struct.unpack_from("<i", header)[0] == HEADER_BYTES else ">"
        (form,) = struct.unpack_from(f"{order}h", header, _FORM)
        rows = struct.unpack_from(f"{order}12f", header, _ROWS)
    except (OSError, struct.error) as error:
        raise FileAccessError(
            f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}", HINT
        ) from error
    affine = np.eye(4)
    if form > 0:
        affine[:3] = np.reshape(rows, (3, 4))
    return affine
