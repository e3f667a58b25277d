"""Writing NIfTI images that overlay on the input in any viewer."""

from __future__ import annotations

import gzip
import os
import uuid
from pathlib import Path

import nibabel as nib
import numpy as np

from BrainFMEngine.errors import FileAccessError
from BrainFMEngine.image.volume import Grid, Volume

SCANNER = 1
MILLIMETRE = "mm"
STORED_AS = {"bool": "uint8", "float16": "float32", "int64": "int32", "uint64": "uint32"}


def write_image(
    path: str | os.PathLike,
    array: np.ndarray,
    grid: Grid,
    like: Volume | None = None,
    description: str = "",
    vector: bool = False,
    intent: str | int = "none",
) -> None:
    """Write a NIfTI-1 file; it appears complete or not at all, and the same input gives the same bytes.

    Args:
        path: ends in .nii.gz, or in .nii for an uncompressed file.
        array: (X, Y, Z) or (X, Y, Z, C); its dtype is kept where other programs read it, else the next best.
        grid: where the voxels are.
        like: the scan as read; when `grid` is its grid, its own qform, sform and codes are written.
        description: up to 79 characters for the header.
        vector: write (X, Y, Z, C) as one vector per voxel (5D), as ITK expects of displacement fields.
            With the default intent (vector, 1007) ITK takes the components as they are; with "displacement vector"
            (1006) it takes them for RAS and turns them into LPS.
        intent: NIfTI intent name or code, for example "label" or 1006 (displacement vector).

    Raises:
        FileAccessError: the file cannot be written.
    """
    if tuple(array.shape[:3]) != tuple(grid.shape):
        raise ValueError(f"array {array.shape} does not lie on the grid {grid.shape}")
    stored = array.astype(STORED_AS.get(array.dtype.name, array.dtype), copy=False)
    image = nib.Nifti1Image(stored[:, :, :, None, :] if vector else stored, None, dtype=stored.dtype)
    header = image.header
    header.set_xyzt_units(MILLIMETRE)
    header["descrip"] = description.encode("ascii", "replace")[:79]
    header.set_intent("vector" if vector and intent == "none" else intent, allow_unknown=True)
    _set_forms(image, grid, like)
    _write_atomically(Path(path), image)


def orthonormal(affine_ras: np.ndarray) -> np.ndarray:
    """Return the affine with the nearest orthogonal axes (polar decomposition), same voxel sizes and origin."""
    spacing_mm = np.linalg.norm(affine_ras[:3, :3], axis=0)
    left, _, right = np.linalg.svd(affine_ras[:3, :3] / spacing_mm)
    result = np.array(affine_ras, np.float64)
    result[:3, :3] = left @ right * spacing_mm
    return result


def _set_forms(image: nib.Nifti1Image, grid: Grid, like: Volume | None) -> None:
    kept = like.header if like is not None and grid.same_as(like.grid) else {}
    qform, sform = kept.get("qform"), kept.get("sform")
    if kept.get("format", "").startswith("nifti") and qform is None and sform is None:
        # A scan that does not say where it lies is shown differently by each viewer; results must follow it.
        image.header.set_zooms(tuple(grid.spacing_mm) + image.header.get_zooms()[3:])
        return
    sform_code = kept.get("sform_code") or kept.get("qform_code") or SCANNER
    qform_code = kept.get("qform_code") if qform is not None else sform_code
    image.header.set_sform(grid.affine_ras if sform is None else sform, sform_code)
    image.header.set_qform(orthonormal(grid.affine_ras) if qform is None else qform, qform_code, strip_shears=True)


def _write_atomically(path: Path, image: nib.Nifti1Image) -> None:
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with open(temporary, "xb") as file:
            if path.name.lower().endswith(".gz"):
                with gzip.GzipFile("", "wb", compresslevel=4, fileobj=file, mtime=0) as packed:
                    image.to_stream(packed)
            else:
                image.to_stream(file)
        os.replace(temporary, path)
    except OSError as error:
        raise FileAccessError(
            f"cannot write {path}: {error.strerror or error}", "Check the folder's permissions and the free space."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
