"""What a header promises about the voxels, and reading one volume of them while holding the file to its promise."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from BrainFMEngine.errors import FileAccessError, InputImageError
from BrainFMEngine.image.stream import DAMAGED_HINT, ByteStream

MAX_STORED_VOXELS = 400_000_000
SMALLEST_AXIS = 8


@dataclass(frozen=True)
class Layout:
    """How one image is stored.

    Attributes:
        format: "nifti1", "nifti2", "mgh", "nrrd" or "metaimage".
        shape: (X, Y, Z, further axes...), first axis fastest in the file.
        dtype: of the stored numbers, with byte order.
        affine_ras: (4, 4) float64, voxel index to RAS mm.
        offset: bytes before the first voxel; -1: the voxels are the file's last bytes.
        data_path: the file with the voxels, where it is not the file with the header.
        compressed: whether the voxels alone (from `offset` on) are compressed; None: the whole file may be, and
            `offset` counts inflated bytes.
        slope, intercept: stored number to value.
        header: what is needed to write results like the input (see `image.io`).
        warnings: what is doubtful about the header.
    """

    format: str
    shape: tuple[int, ...]
    dtype: np.dtype
    affine_ras: np.ndarray
    offset: int
    data_path: Path | None = None
    compressed: bool | None = None
    slope: float = 1.0
    intercept: float = 0.0
    header: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def frames(self) -> int:
        """Number of volumes."""
        return math.prod(self.shape[3:])

    @property
    def frame_bytes(self) -> int:
        """Bytes of one volume."""
        return math.prod(self.shape[:3]) * self.dtype.itemsize


def check_shape(name: str, shape: tuple[int, ...]) -> None:
    """Refuse shapes that are no 3D image, before anything is allocated.

    Raises:
        InputImageError: an axis is empty, too short, or the whole is too large.
    """
    text = " x ".join(str(n) for n in shape)
    if any(n < 1 for n in shape):
        raise InputImageError(f"{name} is damaged: its header says {text} voxels", DAMAGED_HINT)
    if len(shape) < 3 or min(shape[:3]) < 2:
        raise InputImageError(f"{name} is not a 3D image: {text} voxels", "Give the whole scan, not one slice.")
    if min(shape[:3]) < SMALLEST_AXIS:
        raise InputImageError(
            f"{name} has too few voxels: {text}, at least {SMALLEST_AXIS} along each axis are needed",
            "Give the whole scan.",
        )
    if math.prod(shape) > MAX_STORED_VOXELS:
        raise InputImageError(
            f"{name} is too large: {text} voxels, at most {MAX_STORED_VOXELS:.0e} are read",
            "Crop or downsample it around the head first; or the header is damaged.",
        )


def choose_frame(name: str, shape: tuple[int, ...], frame: int | None) -> int:
    """Return which volume to read, counted from 0 over all axes after the third.

    Raises:
        InputImageError: several volumes and no choice, or a choice that does not exist.
    """
    frames = math.prod(shape[3:])
    if frame is None and frames > 1:
        raise InputImageError(
            f"{name} holds {frames} volumes", f"Choose one with --volume N, N from 0 to {frames - 1}."
        )
    if frame is not None and not 0 <= frame < frames:
        raise InputImageError(f"{name} has no volume {frame}", f"Volumes are counted from 0 to {frames - 1}.")
    return frame or 0


def read_frame(layout: Layout, path: Path, frame: int) -> np.ndarray:
    """Read one volume, verify the length and the checksum of the whole file, and apply the scaling.

    Returns:
        (X, Y, Z) C-order; float32, or float64 where float32 would lose more than 1e-6 of the range.

    Raises:
        InputImageError: cut short, or damaged.
        FileAccessError: the data file cannot be opened.
    """
    data_path = layout.data_path or path
    with open_file(data_path) as file:
        _seek_start(file, data_path, layout)
        stream = ByteStream(file, data_path.name, layout.compressed)
        start = layout.offset if layout.compressed is None else 0
        stored = _read_stored(stream, data_path.name, layout, start, frame)
    return np.ascontiguousarray(_scaled(stored, layout).transpose())


def open_file(path: Path) -> BinaryIO:
    """Open a file for reading.

    Raises:
        FileAccessError: with the reason in words.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise FileAccessError(f"cannot read {path}: it is not a regular file", "Give the path of an image file.")
    try:
        return open(path, "rb")
    except FileNotFoundError as error:
        dangling = path.is_symlink()
        cause = "it is a link to a file that does not exist" if dangling else "there is no such file"
        raise FileAccessError(f"cannot read {path}: {cause}", "Check the path.") from error
    except PermissionError as error:
        raise FileAccessError(f"cannot read {path}: permission denied", "Ask for read permission.") from error
    except (OSError, ValueError) as error:
        raise FileAccessError(f"cannot read {path}: {error}", "Check the path.") from error


def _seek_start(file: BinaryIO, path: Path, layout: Layout) -> None:
    """Go to where the stream of voxels starts, in formats that say whether voxels are compressed."""
    if layout.offset < 0:
        promised, size = layout.frame_bytes * layout.frames, path.stat().st_size
        if size < promised:
            raise cut_short(path.name, size, promised)
        file.seek(size - promised)
    elif layout.compressed is not None:
        file.seek(layout.offset)


def _read_stored(stream: ByteStream, name: str, layout: Layout, start: int, frame: int) -> np.ndarray:
    """Return the stored numbers of one volume, (Z, Y, X), after having read the file to its end."""
    promised = start + layout.frame_bytes * layout.frames
    if not stream.is_compressed and (there := stream.bytes_left()) < promised:
        raise cut_short(name, there, promised)
    stream.skip(start + frame * layout.frame_bytes)
    stored = np.empty(layout.frame_bytes, np.uint8)
    stream.read_into(stored.data)
    stream.skip(promised - stream.position)
    if stream.position < promised or not stream.finish():
        raise cut_short(name, min(stream.position, promised), promised)
    return stored.view(layout.dtype).reshape(layout.shape[2::-1])


def cut_short(name: str, there: int, promised: int) -> InputImageError:
    """Return the error for a file that ends too early."""
    return InputImageError(f"{name} is cut short: {there} of {promised} bytes are there", DAMAGED_HINT)


def _scaled(stored: np.ndarray, layout: Layout) -> np.ndarray:
    if layout.slope != 1 or layout.intercept != 0:
        return as_float32_if_harmless(stored * np.float64(layout.slope) + layout.intercept)
    if np.can_cast(stored.dtype, np.float32):
        return stored.astype(np.float32)
    return as_float32_if_harmless(stored.astype(np.float64))


def as_float32_if_harmless(values: np.ndarray) -> np.ndarray:
    """Return float32 unless that loses more than 1e-6 of the range of the finite values (or overflows)."""
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = values.astype(np.float32)
        finite = values[np.isfinite(values)]
        if finite.size == 0:
            return narrow
        low, high = finite.min(), finite.max()
        spacing_lost = np.spacing(np.float32(max(abs(low), abs(high))))
        return narrow if spacing_lost <= 1e-6 * (high - low) else values
