"""Writing a volume of the scene into a file that the engine reads: an uncompressed NRRD, in short steps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from BrainFMEngine.errors import InputImageError
from slicer.i18n import tr as _
from slicer.util import arrayFromVTKMatrix
from vtk import vtkMatrix4x4
from vtk.util.numpy_support import vtk_to_numpy

from BrainFMLib.Placement import ijkToRas
from BrainFMLib.Steps import FractionSteps

FILE_NAME = "input.nrrd"
STEP_BYTES = 8 << 20
TYPES = {
    "i1": "int8",
    "u1": "uint8",
    "i2": "int16",
    "u2": "uint16",
    "i4": "int32",
    "u4": "uint32",
    "i8": "int64",
    "u8": "uint64",
    "f4": "float",
    "f8": "double",
}


@dataclass(frozen=True)
class ExportedInput:
    """A volume on disk: the file, and the id and name of the node that it came from."""

    path: Path
    nodeID: str
    name: str


def exportSteps(volumeNode: Any, folder: Path) -> FractionSteps[ExportedInput]:
    """Write a scalar volume into `folder`; yields the fraction written, returns an `ExportedInput`.

    Linear parent transforms are applied to the position in the file, so the engine sees where the scan lies in the
    world. What is written is what the volume held when this began, unless its voxels are changed in place meanwhile.

    Raises:
        InputImageError: not a scalar volume with voxels.
        OSError: the file cannot be written.
    """
    name, nodeID = volumeNode.GetName(), volumeNode.GetID()
    imageData = volumeNode.GetImageData()
    scalars = imageData.GetPointData().GetScalars() if imageData is not None else None
    if scalars is None or not hasattr(scalars, "GetVoidPointer") or scalars.GetNumberOfComponents() != 1:
        raise InputImageError(_("{name} is not a scan: it has not one number per voxel").format(name=name))
    values = np.ascontiguousarray(vtk_to_numpy(scalars))
    path = Path(folder) / FILE_NAME
    data = memoryview(values).cast("B")
    with path.open("wb") as file:
        file.write(_header(imageData.GetDimensions(), values.dtype, worldAffine(volumeNode)))
        for start in range(0, len(data), STEP_BYTES):
            file.write(data[start : start + STEP_BYTES])
            yield min(1.0, (start + STEP_BYTES) / len(data))
    return ExportedInput(path, nodeID, name)


def worldAffine(volumeNode: Any) -> np.ndarray:
    """Return voxel index to world RAS mm, (4, 4); the volume's parent transform must be linear or none."""
    toWorld = vtkMatrix4x4()
    parent = volumeNode.GetParentTransformNode()
    if parent is not None:
        parent.GetMatrixTransformToWorld(toWorld)
    return arrayFromVTKMatrix(toWorld) @ ijkToRas(volumeNode)


def _header(sizes: tuple[int, ...], dtype: np.dtype, affine: np.ndarray) -> bytes:
    def vector(values: np.ndarray) -> str:
        return f"({','.join(repr(float(value)) for value in values)})"

    lines = [
        "NRRD0004",
        f"type: {TYPES[dtype.str[1:]]}",
        "dimension: 3",
        "space: right-anterior-superior",
        f"sizes: {' '.join(str(size) for size in sizes)}",
        f"space directions: {' '.join(vector(affine[:3, axis]) for axis in range(3))}",
        "kinds: domain domain domain",
        f"endian: {'big' if np.dtype(dtype).newbyteorder('=').str[0] == '>' else 'little'}",
        "encoding: raw",
        f"space origin: {vector(affine[:3, 3])}",
    ]
    return ("\n".join(lines) + "\n\n").encode("ascii")
