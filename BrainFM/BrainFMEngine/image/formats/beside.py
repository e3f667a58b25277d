"""Finding the file with the voxels of a header that names it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from BrainFMEngine.errors import InputImageError


def file_beside(header: Path, named: str) -> Path:
    """Return the path of the file that a header names; it must lie in the header's folder or below.

    Raises:
        InputImageError: a list or pattern of files, an absolute path, or one that leaves the folder.
    """
    parts = PurePosixPath(named.replace("\\", "/")).parts
    is_absolute = PurePosixPath(named).is_absolute() or bool(PureWindowsPath(named).drive)
    if not parts or named.upper().startswith("LIST") or "%" in named or " " in named and not _exists(header, named):
        raise InputImageError(f"{header.name} keeps its voxels in several files", "Save it again as one NIfTI file.")
    if is_absolute or ".." in parts:
        raise InputImageError(
            f"{header.name} names a file outside its folder: {named}", "Save it again as one NIfTI file."
        )
    return header.parent.joinpath(*parts)


def _exists(header: Path, named: str) -> bool:
    return (header.parent / named).is_file()
