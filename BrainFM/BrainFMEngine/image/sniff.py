"""Telling from the first bytes what a file is that is no image we read, so that the user hears the cause."""

from __future__ import annotations

from BrainFMEngine.errors import InputImageError

READ_HINT = "Give a NIfTI, NRRD, MetaImage or MGH/MGZ image."
DICOM_HINT = "Convert it with the DICOM module of 3D Slicer or with dcm2niix, and give the NIfTI file."
DOWNLOAD_HINT = "The download probably failed; get the file again."

SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89PNG", "a PNG picture", READ_HINT),
    (b"\xff\xd8\xff", "a JPEG picture", READ_HINT),
    (b"GIF8", "a GIF picture", READ_HINT),
    (b"II*\0", "a TIFF picture", READ_HINT),
    (b"MM\0*", "a TIFF picture", READ_HINT),
    (b"%PDF", "a PDF document", READ_HINT),
    (b"PK\x03\x04", "a zip archive", "Unpack it and give the image inside."),
    (b"BZh", "a bzip2 file", "Unpack it and give the image inside."),
    (b"\xfd7zXZ", "an xz file", "Unpack it and give the image inside."),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "Unpack it and give the image inside."),
    (b"\x89HDF", "an HDF5 file (MINC?)", "Convert it to NIfTI, for example with mnc2nii."),
    (b"CDF", "a NetCDF file (MINC?)", "Convert it to NIfTI, for example with mnc2nii."),
    (b"version https://git-lfs", "a Git LFS pointer and not the file itself", "Fetch it with git lfs pull."),
)


def refuse(name: str, head: bytes) -> InputImageError:
    """Return the error for a file whose first bytes are of no format that is read."""
    if not head:
        return InputImageError(f"{name} is empty", "Copy or download the file again.")
    if head[128:132] == b"DICM" or head[:4] in (b"\x08\0\x05\0", b"\x08\0\0\0", b"\x02\0\0\0", b"\x08\0\x08\0"):
        return InputImageError(f"{name} is a DICOM file", DICOM_HINT)
    if head.lstrip()[:200].lower().startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return InputImageError(f"{name} is a web page and not an image", DOWNLOAD_HINT)
    for signature, what, hint in SIGNATURES:
        if head.startswith(signature):
            return InputImageError(f"{name} is {what}", hint)
    return InputImageError(f"{name} is not an image of a kind that is read", READ_HINT)
