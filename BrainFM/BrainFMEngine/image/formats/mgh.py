"""MGH and MGZ headers (FreeSurfer)."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from BrainFMEngine.errors import InputImageError
from BrainFMEngine.image.forms import FIX_HINT, is_invertible
from BrainFMEngine.image.layout import Layout, check_shape
from BrainFMEngine.image.stream import DAMAGED_HINT

HEADER_BYTES = 284
DTYPES = {0: ">u1", 1: ">i4", 3: ">f4", 4: ">i2", 10: ">u2"}
GOOD_RAS_BYTES = slice(28, 30)


def is_mgh(head: bytes) -> bool:
    """Tell whether the first bytes are an MGH header (version 1 and a plausible type)."""
    return len(head) >= 28 and head[:4] == b"\0\0\0\1" and 0 <= int.from_bytes(head[20:24], "big") <= 32


def parse_mgh(head: bytes, path: Path) -> Layout:
    """Read the header; see `parse_nifti`."""
    name = path.name
    if len(head) < HEADER_BYTES:
        raise InputImageError(f"{name} is cut short: {len(head)} of {HEADER_BYTES} header bytes", DAMAGED_HINT)
    shape = tuple(int(n) for n in np.frombuffer(head, ">i4", 4, 4))
    kind = int.from_bytes(head[20:24], "big")
    if kind not in DTYPES:
        raise InputImageError(f"{name} is damaged: its header gives the unknown data type {kind}", DAMAGED_HINT)
    if shape[3] == 1:
        shape = shape[:3]
    check_shape(name, shape)
    knows_ras = head[GOOD_RAS_BYTES] == b"\0\1"
    affine = nib.freesurfer.mghformat.MGHHeader(head[:HEADER_BYTES], check=False).get_affine()
    if knows_ras and not is_invertible(affine):
        raise InputImageError(f"the position of {name} in space cannot be right", FIX_HINT)
    warnings = () if knows_ras else ("the header does not say how the image lies in space: left and right are unknown",)
    return Layout("mgh", shape, np.dtype(DTYPES[kind]), np.asarray(affine, float), HEADER_BYTES, warnings=warnings)
