"""Reading one scan from a file, by content and not by name. Writing is in `image.write`.

What `read_image` keeps in `Volume.header`: "format"; "warnings", those given while reading; "frame"; and for NIfTI
"qform", "sform" (matrices or None), "qform_code" and "sform_code", so that results overlay in any viewer.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from BrainFMEngine.errors import FileAccessError, InputImageError
from BrainFMEngine.image.checks import check_geometry
from BrainFMEngine.image.formats.metaimage import is_metaimage, parse_metaimage
from BrainFMEngine.image.formats.mgh import is_mgh, parse_mgh
from BrainFMEngine.image.formats.nifti import header_of_pair, is_nifti, parse_nifti
from BrainFMEngine.image.formats.nrrd import is_nrrd, parse_nrrd
from BrainFMEngine.image.layout import Layout, choose_frame, open_file, read_frame
from BrainFMEngine.image.sniff import DICOM_HINT, READ_HINT, refuse
from BrainFMEngine.image.stream import ByteStream
from BrainFMEngine.image.volume import Volume
from BrainFMEngine.image.write import write_image
from BrainFMEngine.progress import Progress, SilentProgress

__all__ = ["read_image", "read_layout", "write_image"]

logger = logging.getLogger(__name__)

HEAD_BYTES = 1024


def read_image(path: str | os.PathLike, frame: int | None = None, progress: Progress | None = None) -> Volume:
    """Read a 3D scan: NIfTI-1/2 (also pairs), NRRD, MetaImage or MGH; plain or gzip.

    Args:
        path: of the file.
        frame: which volume of a series, from 0; None when there is only one.
        progress: told what is doubtful.

    Returns:
        Array (X, Y, Z) C-order with the file's scaling applied; float32, or float64 where float32 would not do.
        NaN and infinities are kept; `conform` deals with them.

    Raises:
        InputImageError: the file is no scan that can be right; refused from its header where that tells.
        FileAccessError: it cannot be opened.
    """
    try:
        volume = _read(header_of_pair(Path(path)), frame)
    except OSError as error:
        raise FileAccessError(f"cannot read {path}: {error.strerror or error}", "Check the disk.") from error
    for warning in volume.header["warnings"]:
        (progress or SilentProgress()).warning(warning)
    return volume


def _read(path: Path, frame: int | None) -> Volume:
    layout = read_layout(path)
    chosen = choose_frame(path.name, layout.shape, frame)
    warnings = (*layout.warnings, *check_geometry(path.name, layout.shape[:3], layout.affine_ras))
    array = read_frame(layout, path, chosen)
    header = {**layout.header, "format": layout.format, "frame": chosen, "warnings": warnings}
    return Volume(array, layout.affine_ras, path, header)


def read_layout(path: Path) -> Layout:
    """Read and check the header alone.

    Raises:
        InputImageError, FileAccessError: as `read_image`.
    """
    if os.path.isdir(path):
        hint = DICOM_HINT.replace("it", "the scan", 1) if _holds_dicom(path) else READ_HINT
        raise InputImageError(f"{path.name or path} is a folder and not an image", hint)
    with open_file(path) as file:
        stream = ByteStream(file, path.name)
        head = stream.read(HEAD_BYTES)
        if stream.is_compressed and (is_nrrd(head) or is_metaimage(head)):
            raise InputImageError(f"{path.name} is compressed as a whole", "Unpack it and give the image inside.")
        if is_nrrd(head):
            return parse_nrrd(head, path, stream.read)
        if is_nifti(head):
            return parse_nifti(head, path, stream.read)
        if is_metaimage(head):
            return parse_metaimage(head, path, stream.read)
        if is_mgh(head):
            return parse_mgh(head, path)
        raise refuse(path.name, head)


def _holds_dicom(folder: Path) -> bool:
    for entry in sorted(folder.iterdir())[:20]:
        if entry.is_file():
            with open_file(entry) as file:
                if file.read(132)[128:] == b"DICM":
                    return True
    return False
