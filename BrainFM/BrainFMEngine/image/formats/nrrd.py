"""NRRD headers, with the voxels in the same file or in one file beside it (teem.sourceforge.net/nrrd/format.html)."""

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
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
TO_RAS = {
    "right-anterior-superior": (1, 1, 1),
    "ras": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "las": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
    "lps": (-1, -1, 1),
}
SAVE_AGAIN = "Save it again as NIfTI or as an NRRD file with raw or gzip encoding."


def is_nrrd(head: bytes) -> bool:
    """Tell whether the first bytes are those of an NRRD file."""
    return head.startswith(b"NRRD000")


def parse_nrrd(head: bytes, path: Path, read_more: Callable[[int], bytes]) -> Layout:
    """Read the header; see `parse_nifti`."""
    name = path.name
    text, end = _header_text(head, name, read_more)
    fields = _fields(text)
    try:
        sizes = [int(n) for n in fields["sizes"].split()]
        dtype, encoding = _dtype(fields, name), fields["encoding"].lower()
        if len(sizes) != int(fields["dimension"]):
            raise ValueError("sizes and dimension differ")
        space_axes = _space_axes(fields, sizes, name)
        affine, warnings = _affine(fields, len(sizes), space_axes)
    except (KeyError, ValueError, IndexError) as error:
        raise InputImageError(f"{name} is damaged: its NRRD header cannot be understood", DAMAGED_HINT) from error
    skip = int(fields.get("byte skip", fields.get("byteskip", "0")))
    if encoding not in ("raw", "gzip", "gz") or (encoding != "raw" and skip):
        raise InputImageError(f"{name} has {encoding} encoding, which is not read", SAVE_AGAIN)
    shape = tuple(sizes[axis] for axis in space_axes) + tuple(sizes[len(space_axes) :])
    check_shape(name, shape)
    if not is_invertible(affine):
        raise InputImageError(f"the position of {name} in space cannot be right", FIX_HINT)
    detached = fields.get("data file", fields.get("datafile"))
    data_path = file_beside(path, detached) if detached else None
    return Layout(
        format="nrrd",
        shape=shape,
        dtype=dtype,
        affine_ras=affine,
        offset=-1 if skip == -1 else (0 if detached else end) + max(skip, 0),
        data_path=data_path,
        compressed=encoding != "raw",
        warnings=warnings,
    )


def _header_text(head: bytes, name: str, read_more: Callable[[int], bytes]) -> tuple[str, int]:
    """Return the header as text, and the number of bytes up to and with the empty line that ends it."""
    data = head
    while (ending := re.search(rb"\r?\n\r?\n", data)) is None and len(data) < MAX_HEADER_BYTES:
        more = read_more(1 << 16)
        if not more:
            # A header without voxels of its own may end with the file.
            return data.decode("utf-8", "replace"), len(data)
        data += more
    if ending is None:
        raise InputImageError(f"{name} is damaged: its NRRD header has no end", DAMAGED_HINT)
    return data[: ending.start()].decode("utf-8", "replace"), ending.end()


def _fields(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines()[1:] if line and not line.startswith("#") and ":=" not in line]
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {key.strip().lower(): value.strip() for key, value in pairs}


def _dtype(fields: dict[str, str], name: str) -> np.dtype:
    kind = fields["type"].lower()
    code = next((code for code, names in TYPES.items() if kind in names), None)
    if code is None:
        raise InputImageError(f"{name} holds {kind} values", "Convert it to one real number per voxel.")
    order = ">" if fields.get("endian", "little").lower() == "big" else "<"
    return np.dtype(order + code)


def _space_axes(fields: dict[str, str], sizes: list[int], name: str) -> list[int]:
    """Return the three array axes that lie in space; they must come first in the file."""
    directions = _vectors(fields.get("space directions", ""))
    kinds = fields.get("kinds", "").lower().split()
    other = [axis for axis, vector in enumerate(directions) if vector is None]
    other = other or [axis for axis, kind in enumerate(kinds) if kind not in ("domain", "space", "???", "none")]
    if any(axis < 3 and sizes[axis] > 1 for axis in other):
        what = kinds[other[0]] if other[0] < len(kinds) else "several"
        raise InputImageError(
            f"{name} holds {sizes[other[0]]} numbers per voxel ({what})", "Export one volume as NIfTI and give that."
        )
    return [axis for axis in range(len(sizes)) if axis not in other][:3]


def _affine(fields: dict[str, str], dimension: int, space_axes: list[int]) -> tuple[np.ndarray, tuple[str, ...]]:
    affine = np.eye(4)
    directions = [vector for vector in _vectors(fields.get("space directions", "")) if vector is not None]
    signs = TO_RAS.get(fields.get("space", "").lower())
    if directions:
        affine[:3, :3] = np.array(directions[:3], float).T
    elif "spacings" in fields:
        spacings = [float(value) for value in fields["spacings"].split()]
        affine[:3, :3] = np.diag([spacings[axis] for axis in space_axes[:3]])
    origin = _vectors(fields.get("space origin", ""))
    if origin and origin[0] is not None:
        affine[:3, 3] = origin[0]
    # Without a space, ITK's convention (left-posterior-superior) is what wrote nearly every such file.
    affine[:3] *= np.array(signs or TO_RAS["lps"], float)[:, None]
    if signs is None or not directions:
        return affine, ("the header does not say how the image lies in space: left and right are unknown",)
    return affine, ()


def _vectors(text: str) -> list[list[float] | None]:
    """Return the vectors of "none (1,0,0) (0,1,0) (0,0,1)"."""
    found = re.findall(r"none|\(([^)]*)\)", text, re.IGNORECASE)
    return [[float(value) for value in vector.split(",")] if vector else None for vector in found]
