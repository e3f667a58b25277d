"""Reading and writing the weights file (safetensors), with our own look at the header before anything else reads it.

The library accepts a key twice and leaves holes to the caller; this pass does not. Format: 8 bytes little-endian
header length, JSON header name -> {dtype, shape, data_offsets}, then the raw tensors without gaps.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from BrainFMEngine.errors import FileAccessError, ModelFileError
from BrainFMEngine.network.info import read_json

MAX_HEADER_BYTES = 8 << 20
_ITEM_BYTES = {"F32": 4, "F16": 2, "BF16": 2}
WEIGHT_DTYPES = (torch.float32, torch.float16, torch.bfloat16)


def read_header(path: Path) -> dict[str, tuple[int, ...]]:
    """Return tensor name -> shape after checking that the header is exactly right for the file.

    Raises:
        ModelFileError: sizes that lie, a key twice, overlapping or missing bytes, integer weights, ...
        FileAccessError: the file cannot be read.
    """
    header, data_bytes = _read_parts(path)
    header.pop("__metadata__", None)
    spans, shapes = [], {}
    for name, entry in header.items():
        shape, start, stop = _check_entry(path, name, entry)
        shapes[name] = shape
        spans.append((start, stop))
    position = 0
    for start, stop in sorted(spans):
        if start != position:
            raise ModelFileError(f"weights refused ({path}): tensors overlap or leave holes")
        position = stop
    if position != data_bytes:
        raise ModelFileError(
            f"weights refused ({path}): the header describes {position} bytes, the file holds {data_bytes}"
        )
    return shapes


def _read_parts(path: Path) -> tuple[dict, int]:
    try:
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            header_bytes = int.from_bytes(stream.read(8), "little")
            if size < 8 or header_bytes > min(size - 8, MAX_HEADER_BYTES):
                raise ModelFileError(f"weights refused ({path}): not a safetensors file, or it is cut short")
            raw = stream.read(header_bytes)
    except OSError as error:
        raise FileAccessError(f"cannot read {path}: {error.strerror or error}") from error
    if not raw.startswith(b"{"):
        raise ModelFileError(f"weights refused ({path}): not a safetensors file")
    return read_json(raw, f"the header of {path}"), size - 8 - header_bytes  # type: ignore[return-value]


def _check_entry(path: Path, name: str, entry: object) -> tuple[tuple[int, ...], int, int]:
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ModelFileError(f"weights refused ({path}): {name!r} is not described as a tensor")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _ITEM_BYTES:
        raise ModelFileError(f"weights refused ({path}): {name!r} has type {dtype}, weights are F32, F16 or BF16")
    numbers = [*shape, *offsets] if isinstance(shape, list) and isinstance(offsets, list) else [None]
    if any(isinstance(n, bool) or not isinstance(n, int) or not 0 <= n < 2**48 for n in numbers) or len(offsets) != 2:
        raise ModelFileError(f"weights refused ({path}): shape or place of {name!r} is not possible")
    start, stop = offsets
    if len(shape) > 5 or math.prod(shape) * _ITEM_BYTES[dtype] != stop - start or start == stop:
        raise ModelFileError(f"weights refused ({path}): {name!r} does not have the bytes that its shape needs")
    return tuple(shape), start, stop


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the float32 tensors of a weights file whose header has been checked.

    Raises:
        ModelFileError: the file is refused, or a weight is not a finite number.
    """
    read_header(path)
    try:
        state = safetensors.torch.load_file(path, device="cpu")
    except (SafetensorError, RuntimeError, ValueError) as error:
        raise ModelFileError(f"weights refused ({path}): {error}") from error
    state = {name: tensor.float() for name, tensor in state.items()}
    check_finite(state, str(path))
    return state


def write_weights(path: Path, state: dict[str, Tensor], dtype: torch.dtype | None) -> None:
    """Write tensors as `dtype`, None as they are; ModelFileError if a weight is not finite or no real number."""
    stored = {name: tensor.detach().to("cpu", dtype or tensor.dtype).contiguous() for name, tensor in state.items()}
    if any(tensor.dtype not in WEIGHT_DTYPES for tensor in stored.values()):
        raise ModelFileError("weights are stored as float32, float16 or bfloat16 only")
    check_finite(stored, "the weights to save")
    with open(path, "wb") as stream:  # not save_file, which makes a file that only its owner can read
        stream.write(safetensors.torch.save(stored, metadata={"format": "pt"}))
        stream.flush()
        os.fsync(stream.fileno())


def check_finite(state: dict[str, Tensor], what: str) -> None:
    """Raise ModelFileError that names the first tensor holding NaN or infinity."""
    name = first_not_finite(state)
    if name is not None:
        raise ModelFileError(f"weights refused ({what}): {name} holds values that are not numbers")


def first_not_finite(state: dict[str, Tensor]) -> str | None:
    """Return the name of the first tensor that holds NaN or infinity."""
    return next((name for name, tensor in state.items() if not torch.isfinite(tensor).all()), None)
