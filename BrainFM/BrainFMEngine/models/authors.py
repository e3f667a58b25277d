"""Reading a `.pth` file of the authors of BrainFM or Brain-ID without executing anything in it.

Order: zip structure and CRC, scan of the pickle for exact names, torch's weights-only reader with the same names,
then the schema. There is no fallback: a file that fails any step is refused, and the step says why.
"""

from __future__ import annotations

import argparse
import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.hashing import file_sha256
from BrainFMEngine.models.catalogue import catalogue
from BrainFMEngine.models.pickle_scan import check_pickle
from BrainFMEngine.models.torch_zip import read_checked_pickle, refusal
from BrainFMEngine.network.weights_file import WEIGHT_DTYPES, first_not_finite

logger = logging.getLogger(__name__)

OLDEST_TORCH = (2, 6)
"""Before, the weights-only reader could be made to execute code (CVE-2025-32434)."""
OLDEST_TORCH_FOR_UNKNOWN_FILES = (2, 10)
"""Before, a crafted file could corrupt memory (CVE-2026-24747), so only files of known hash are read."""


@dataclass(frozen=True)
class AuthorsFile:
    """What a checkpoint of the authors holds.

    Attributes:
        path: the file.
        sha256: of the file.
        known: whether the catalogue knows this hash.
        system: which project's training wrote it, judged by the stored arguments; None without any.
        state: tensor name -> CPU tensor, in file order, names as in the file.
        arguments: training arguments (`train_args` of BrainFM, `args` of Brain-ID) as plain tables.
        generator_arguments: `gen_args` of BrainFM.
        epoch: number of finished epochs, None if not stored.
    """

    path: Path
    sha256: str
    known: bool
    system: Literal["BrainFM", "Brain-ID"] | None
    state: dict[str, Tensor]
    arguments: dict[str, Any] = field(default_factory=dict)
    generator_arguments: dict[str, Any] = field(default_factory=dict)
    epoch: int | None = None


def read_authors_file(path: str | Path) -> AuthorsFile:
    """Read a checkpoint written by the authors' training code.

    Raises:
        ModelFileError: the file is refused; the message names the cause.
        FileAccessError: the file cannot be read.
    """
    path = Path(path)
    check_pickle(path, read_checked_pickle(path))
    sha256 = file_sha256(path)
    known = any(entry.sha256 == sha256 for entry in catalogue())
    check_torch_version(path, torch.__version__, known)
    content = _load(path)
    if not isinstance(content, dict) or not isinstance(content.get("model"), dict):
        raise refusal(path, "it has no 'model' entry with weights, so it is no checkpoint of BrainFM or Brain-ID")
    system = next((name for key, name in (("train_args", "BrainFM"), ("args", "Brain-ID")) if key in content), None)
    epoch = content.get("epoch")
    return AuthorsFile(
        path=path,
        sha256=sha256,
        known=known,
        system=system,  # type: ignore[arg-type]
        state=_checked_state(path, content["model"]),
        arguments=_table(content.get("train_args", content.get("args"))),
        generator_arguments=_table(content.get("gen_args")),
        epoch=epoch if isinstance(epoch, int) else None,
    )


def check_torch_version(path: Path, version: str, known: bool) -> None:
    """Refuse files that this torch cannot read safely; ModelFileError."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    installed = (int(numbers[1]), int(numbers[2])) if numbers else (0, 0)
    hint = "Install torch 2.10 or newer, or import a model that is stored as safetensors."
    if installed < OLDEST_TORCH:
        raise refusal(path, f"torch {version} cannot read .pth files safely", hint)
    if installed < OLDEST_TORCH_FOR_UNKNOWN_FILES and not known:
        raise refusal(path, f"torch {version} may only read .pth files of known SHA-256, and this one is unknown", hint)


def _load(path: Path) -> object:
    scalar = np.float64(0).__reduce__()[0]
    names: list[Any] = [
        argparse.Namespace,
        (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
        np.dtype,
        type(np.dtype(np.float64)),
    ]
    try:
        with torch.serialization.safe_globals(names):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # whatever a crafted file provokes in the reader is a refusal, never a fallback
        logger.debug("torch.load of %s", path, exc_info=True)
        raise refusal(path, f"torch's weights-only reader cannot read it ({type(error).__name__})") from error


def _checked_state(path: Path, state: dict) -> dict[str, Tensor]:
    if not state:
        raise refusal(path, "it holds no weights")
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor) or tensor.layout != torch.strided:
            raise refusal(path, f"its entry {name!r} is not a tensor of weights")
        if tensor.dtype not in WEIGHT_DTYPES:
            raise refusal(path, f"{name} has type {str(tensor.dtype).removeprefix('torch.')}, weights are real numbers")
        if tensor.untyped_storage().nbytes() < tensor.numel() * tensor.element_size():
            raise refusal(path, f"{name} claims more values than the file holds")
    broken = first_not_finite(state)
    if broken is not None:
        raise refusal(path, f"{broken} holds values that are not numbers")
    return strip_data_parallel(state)


def strip_data_parallel(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Undo the one documented rename: `module.` before every name, left by training on several GPUs."""
    if all(name.startswith("module.") for name in state):
        return {name.removeprefix("module."): tensor for name, tensor in state.items()}
    return state


def _plain(value: object) -> Any:
    if isinstance(value, argparse.Namespace):
        return {str(key): _plain(item) for key, item in vars(value).items()}
    return value


def _table(value: object) -> dict[str, Any]:
    plain = _plain(value)
    return plain if isinstance(plain, dict) else {}
