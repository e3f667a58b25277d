"""Reading the surfaces of a result: GIfTI files (XML with packed arrays) into VTK."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import vtk
from BrainFMEngine.errors import FileAccessError
from vtk.util.numpy_support import numpy_to_vtk

DAMAGED_HINT = "Run it again."
POINTS, TRIANGLES = "NIFTI_INTENT_POINTSET", "NIFTI_INTENT_TRIANGLE"
DTYPES = {"NIFTI_TYPE_FLOAT32": "f4", "NIFTI_TYPE_FLOAT64": "f8", "NIFTI_TYPE_INT32": "i4", "NIFTI_TYPE_UINT8": "u1"}


def readSurface(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read vertices (V, 3) in RAS mm and triangles (F, 3).

    Raises:
        FileAccessError: no such file, no surface in it, or damaged.
    """
    try:
        arrays = {
            entry.get("Intent"): _decoded(entry)
            for entry in ElementTree.parse(path).getroot().iter("DataArray")
            if entry.get("Intent") in (POINTS, TRIANGLES)
        }
        vertices, triangles = arrays[POINTS].astype(np.float64), arrays[TRIANGLES].astype(np.int64)
        if triangles.size and not 0 <= triangles.min() <= triangles.max() < len(vertices):
            raise ValueError("triangles of vertices that are not there")
    except OSError as error:
        raise FileAccessError(f"{path.name} cannot be read: {error.strerror or error}", DAMAGED_HINT) from error
    except (ElementTree.ParseError, KeyError, TypeError, ValueError, zlib.error) as error:
        raise FileAccessError(f"{path.name} is damaged: no surface can be read from it", DAMAGED_HINT) from error
    return vertices, triangles


def makePolyData(vertices: np.ndarray, triangles: np.ndarray) -> vtk.vtkPolyData:
    """Return vertices (V, 3) and triangles (F, 3) as a VTK surface."""
    points = vtk.vtkPoints()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(vertices, np.float32), deep=True))
    cells = vtk.vtkCellArray()
    cells.SetData(3, numpy_to_vtk(np.ascontiguousarray(triangles, np.int32).ravel(), deep=True))
    polyData = vtk.vtkPolyData()
    polyData.SetPoints(points)
    polyData.SetPolys(cells)
    return polyData


def _decoded(entry: ElementTree.Element) -> np.ndarray:
    """Return one data array as (rows, columns)."""
    packed, encoding = entry.findtext("Data", ""), entry.get("Encoding", "")
    order = "<" if entry.get("Endian") == "LittleEndian" else ">"
    dtype = np.dtype(order + DTYPES[entry.get("DataType", "")])
    shape = tuple(int(entry.get(f"Dim{axis}", "")) for axis in range(int(entry.get("Dimensionality", ""))))
    if encoding == "ASCII":
        values = np.array(packed.split(), dtype)
    else:
        data = base64.b64decode(packed)
        values = np.frombuffer(zlib.decompress(data) if encoding == "GZipBase64Binary" else data, dtype)
    return values.reshape(shape, order="F" if entry.get("ArrayIndexingOrder") == "ColumnMajorOrder" else "C")
