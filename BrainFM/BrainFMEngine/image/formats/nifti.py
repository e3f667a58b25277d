"""NIfTI-1 and NIfTI-2 headers, single files and pairs."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from BrainFMEngine.errors import InputImageError
from BrainFMEngine.image.forms import choose_form
from BrainFMEngine.image.layout import Layout, check_shape
from BrainFMEngine.image.stream import DAMAGED_HINT

HEADER_BYTES = {"nifti1": 348, "nifti2": 540}
DTYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8"}
REFUSED_TYPES = {
    1: "one-bit",
    32: "complex",
    128: "RGB colour",
    1536: "128-bit float",
    1792: "complex",
    2048: "complex",
    2304: "RGBA colour",
}


def is_nifti(head: bytes) -> bool:
    """Tell whether the first bytes are a header of the NIfTI/Analyze family."""
    return len(head) >= 4 and (_order(head) is not None)


def parse_nifti(head: bytes, path: Path, read_more: Callable[[int], bytes]) -> Layout:
    """Read the header.

    Args:
        head: the first bytes of the (inflated) file, 540 or more where the file has them.
        path: of the file with the header.
        read_more: returns up to n (inflated) bytes that follow `head`.

    Raises:
        InputImageError: the header contradicts itself, or the image is none that can be processed.
    """
    name = path.name
    order, kind = _order(head) or ("<", "nifti1")
    if len(head) < HEADER_BYTES[kind]:
        raise InputImageError(f"{name} is cut short: {len(head)} of {HEADER_BYTES[kind]} header bytes", DAMAGED_HINT)
    is_pair = _is_pair(head, kind, name)
    header_class = {"nifti1": nib.Nifti1Header, "nifti2": nib.Nifti2Header}[kind]
    header = header_class(head[: HEADER_BYTES[kind]], endianness=order, check=False)
    shape = _shape(name, header)
    dtype = _dtype(name, header, order)
    check_shape(name, shape)
    forms = choose_form(name, header, shape[:3])
    offset = _offset(name, header, kind, is_pair)
    if not is_pair:
        _check_extensions(name, head, HEADER_BYTES[kind], offset, order, read_more)
    slope, intercept = _scaling(header)
    return Layout(
        format=kind,
        shape=shape,
        dtype=dtype,
        affine_ras=forms.affine_ras,
        offset=offset,
        data_path=_data_of_pair(path) if is_pair else None,
        slope=slope,
        intercept=intercept,
        header={key: getattr(forms, key) for key in ("qform", "sform", "qform_code", "sform_code")},
        warnings=forms.warnings,
    )


def header_of_pair(path: Path) -> Path:
    """Return the header file when `path` is the voxel file of a pair, else `path`."""
    for ending in (".img", ".img.gz"):
        if path.name.lower().endswith(ending):
            stem = path.name[: -len(ending)]
            return _sibling(path, {f"{stem}.hdr".lower(), f"{stem}.hdr.gz".lower()}) or path
    return path


def _data_of_pair(path: Path) -> Path:
    stem = path.name[: path.name.lower().rfind(".hdr")]
    found = _sibling(path, {f"{stem}.img".lower(), f"{stem}.img.gz".lower()})
    if found is None:
        raise InputImageError(f"{path.name} is the header of a NIfTI pair, and {stem}.img is not beside it")
    return found


def _sibling(path: Path, lower_names: set[str]) -> Path | None:
    if not path.parent.is_dir():
        return None
    return next((other for other in sorted(path.parent.iterdir()) if other.name.lower() in lower_names), None)


def _order(head: bytes) -> tuple[str, str] | None:
    """Return (byte order, kind) from the header size that the first four bytes give."""
    for order in "<>":
        size = struct.unpack(order + "i", head[:4])[0]
        for kind, expected in HEADER_BYTES.items():
            if size == expected:
                return order, kind
    return None


def _is_pair(head: bytes, kind: str, name: str) -> bool:
    magic = head[344:348] if kind == "nifti1" else head[4:8]
    single, pair = (b"n+1\0", b"ni1\0") if kind == "nifti1" else (b"n+2\0", b"ni2\0")
    if magic not in (single, pair):
        raise InputImageError(
            f"{name} is an Analyze 7.5 image or a damaged NIfTI image; it does not say what is left and right",
            "Convert the original images to NIfTI, for example with dcm2niix.",
        )
    return magic == pair


def _shape(name: str, header: Any) -> tuple[int, ...]:
    dim = [int(n) for n in header["dim"]]
    if not 1 <= dim[0] <= 7:
        raise InputImageError(f"{name} is damaged: its header says that it has {dim[0]} axes", DAMAGED_HINT)
    shape = dim[1 : dim[0] + 1]
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    return tuple(shape)


def _dtype(name: str, header: Any, order: str) -> np.dtype:
    code, bits = int(header["datatype"]), int(header["bitpix"])
    if code in REFUSED_TYPES:
        raise InputImageError(f"{name} holds {REFUSED_TYPES[code]} values", "Convert it to one real number per voxel.")
    if code not in DTYPES:
        raise InputImageError(f"{name} is damaged: its header gives the unknown data type {code}", DAMAGED_HINT)
    dtype = np.dtype(order + DTYPES[code])
    if bits != dtype.itemsize * 8:
        raise InputImageError(
            f"{name} is damaged: its header gives {bits} bits per voxel for {dtype.name} values", DAMAGED_HINT
        )
    return dtype


def _offset(name: str, header: Any, kind: str, is_pair: bool) -> int:
    stored = float(header["vox_offset"])
    smallest = 0 if is_pair else HEADER_BYTES[kind] + 4
    if stored == 0:
        return smallest
    if not np.isfinite(stored) or stored != int(stored) or not smallest <= stored < 2**40:
        raise InputImageError(f"{name} is damaged: its header says that voxels begin at byte {stored:g}", DAMAGED_HINT)
    return int(stored)


def _check_extensions(
    name: str, head: bytes, start: int, end: int, order: str, read_more: Callable[[int], bytes]
) -> None:
    """Follow the chain of header extensions; each must be of a possible size and end before the voxels."""
    data = head + read_more(max(min(end, 1 << 24) - len(head), 0))
    if len(data) <= start or data[start] == 0:
        return
    position = start + 4
    while position < min(end, len(data)):
        size = struct.unpack_from(order + "i", data, position)[0] if position + 8 <= len(data) else 0
        if size < 8 or position + size > end:
            raise InputImageError(f"{name} is damaged: a header extension has the size {size}", DAMAGED_HINT)
        position += size


def _scaling(header: Any) -> tuple[float, float]:
    """Return slope and intercept; NIfTI says that a slope of 0 (or no number) means no scaling."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not np.isfinite(slope) or slope == 0:
        return 1.0, 0.0
    return slope, intercept if np.isfinite(intercept) else 0.0
