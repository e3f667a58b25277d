"""MetaImage headers (.mha, .mhd), with the voxels in the same file or in one file beside it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from BrainFMEngine.errors import InputImageError
from BrainFMEngine.image.formats.beside import file_beside
from BrainFMEngine.image.forms import FIX_HINT, is_invertible
from BrainFMEngine.image.layout import Layout, check_shape
from BrainFMEngine.image.stream import DAMAGED_HINT

MAX_HEADER_BYTES = 1 << 20
TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0])
SAVE_AGAIN = "Save it again as one NIfTI file."


def is_metaimage(head: bytes) -> bool:
    """Tell whether the first bytes are those of a MetaImage header."""
    return re.match(rb"\s*(ObjectType|ObjectSubType|NDims|Comment|TransformType|BinaryData)\s*=", head) is not None


def parse_metaimage(head: bytes, path: Path, read_more: Callable[[int], bytes]) -> Layout:
    """Read the header; see `parse_nifti`."""
    name = path.name
    text, end = _header_text(head, name, read_more)
    fields = {
        k.strip().lower(): v.strip() for k, v in (line.split("=", 1) for line in text.splitlines() if "=" in line)
    }
    try:
        shape = tuple(int(n) for n in fields["dimsize"].split())
        if len(shape) != int(fields["ndims"]):
            raise ValueError("DimSize and NDims differ")
        dtype = _dtype(fields, name)
        data_file, skip = fields["elementdatafile"], int(fields.get("headersize", "0"))
        affine = _affine(fields, len(shape))
    except (KeyError, ValueError, IndexError) as error:
        raise InputImageError(f"{name} is damaged: its MetaImage header cannot be understood", DAMAGED_HINT) from error
    check_shape(name, shape)
    if not is_invertible(affine):
        raise InputImageError(f"the position of {name} in space cannot be right", FIX_HINT)
    is_local = data_file.upper() == "LOCAL"
    knows_space = any(key in fields for key in ("transformmatrix", "rotation", "orientation"))
    return Layout(
        format="metaimage",
        shape=shape,
        dtype=dtype,
        affine_ras=affine,
        offset=-1 if skip == -1 else (end if is_local else 0) + max(skip, 0),
        data_path=None if is_local else file_beside(path, data_file),
        compressed=_truth(fields, "compresseddata"),
        warnings=()
        if knows_space
        else ("the header does not say how the image lies in space: left and right are unknown",),
    )


def _header_text(head: bytes, name: str, read_more: Callable[[int], bytes]) -> tuple[str, int]:
    """Return the header as text, and the number of bytes up to the end of its last line, ElementDataFile."""
    data = head
    while (ending := re.search(rb"ElementDataFile\s*=[^\n]*(\n|$)", data)) is None and len(data) < MAX_HEADER_BYTES:
        more = read_more(1 << 16)
        if not more:
            break
        data += more
    if ending is None:
        raise InputImageError(f"{name} is damaged: its MetaImage header has no end", DAMAGED_HINT)
    return data[: ending.end()].decode("utf-8", "replace"), ending.end()


def _dtype(fields: dict[str, str], name: str) -> np.dtype:
    channels, kind = int(fields.get("elementnumberofchannels", "1")), fields["elementtype"].upper()
    if channels != 1 or kind not in TYPES:
        what = f"{channels} numbers per voxel" if channels != 1 else f"{kind} values"
        raise InputImageError(f"{name} holds {what}", "Convert it to one real number per voxel.")
    if fields.get("binarydata", "True").lower() == "false":
        raise InputImageError(f"{name} holds its voxels as text, which is not read", SAVE_AGAIN)
    is_big = _truth(fields, "elementbyteordermsb") or _truth(fields, "binarydatabyteordermsb")
    return np.dtype((">" if is_big else "<") + TYPES[kind])


def _truth(fields: dict[str, str], key: str) -> bool:
    return fields.get(key, "False").lower() in ("true", "1")


def _numbers(fields: dict[str, str], *keys: str) -> list[float] | None:
    text = next((fields[key] for key in keys if key in fields), None)
    return None if text is None else [float(value) for value in text.split()]


def _affine(fields: dict[str, str], dimension: int) -> np.ndarray:
    """Return voxel index to RAS mm; the file speaks LPS, and its matrix lists one axis after the other."""
    spacing = _numbers(fields, "elementspacing", "elementsize") or [1.0] * dimension
    if min(spacing[:3]) <= 0:
        return np.full((4, 4), np.nan)
    matrix = _numbers(fields, "transformmatrix", "rotation", "orientation") or np.eye(dimension).ravel().tolist()
    axes = np.array(matrix, float).reshape(dimension, dimension)[:3, :3].T
    origin = np.array((_numbers(fields, "offset", "origin", "position") or [0.0] * dimension)[:3])
    affine = np.eye(4)
    affine[:3, :3] = LPS_TO_RAS @ axes @ np.diag(spacing[:3])
    affine[:3, 3] = LPS_TO_RAS @ origin
    return affine
