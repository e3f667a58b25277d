"""Our model format: a folder with `model.safetensors` (weights) and `model.json` (what they are).

Saving writes a temporary folder beside the target and renames it. Loading is strict: the hash, every name, every
shape and every value is checked, and a small forward pass must give finite outputs of the right shapes.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from BrainFMEngine.errors import FileAccessError, ModelFileError
from BrainFMEngine.hashing import file_sha256
from BrainFMEngine.network.build import BrainNetwork, build_network
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.network.info import WEIGHTS_FILE, ModelInfo, read_info, write_info
from BrainFMEngine.network.weights_file import read_weights, write_weights

__all__ = ["ModelInfo", "load_network", "network_from_state", "read_info", "save_model"]

_LISTED = 3
_VERIFY_SIZE = 32


def save_model(
    folder: str | Path,
    weights: nn.Module | Mapping[str, Tensor],
    info: ModelInfo,
    dtype: torch.dtype | None = None,
    overwrite: bool = False,
) -> ModelInfo:
    """Write a model folder.

    Args:
        folder: the folder to make; its last part should be the model's name.
        weights: a network, or its state dict.
        info: description; its `sha256` is filled in.
        dtype: how weights are stored (float32, float16 or bfloat16), None as they are; loaded, they are float32.
        overwrite: replace an existing folder; the old one stays until the new one is complete.

    Returns:
        the description as written.

    Raises:
        ModelFileError: tensors do not fit `info.network`, or a weight is not finite.
        FileAccessError: the folder exists (without `overwrite`) or cannot be written.
    """
    folder = Path(folder)
    state = dict(weights.state_dict() if isinstance(weights, nn.Module) else weights)
    check_fit(state, info.network, str(folder))
    if folder.exists() and not overwrite:
        raise FileAccessError(f"{folder} exists already", "Choose another name, or remove it first.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-", suffix=".part") as scratch:
            draft = Path(scratch) / "new"
            draft.mkdir()
            write_weights(draft / WEIGHTS_FILE, state, dtype)
            info = replace(info, sha256=file_sha256(draft / WEIGHTS_FILE))
            write_info(draft, info)
            replace_folder(draft, folder)
    except OSError as error:
        raise FileAccessError(f"cannot write {folder}: {error.strerror or error}") from error
    return info


def replace_folder(draft: Path, folder: Path) -> None:
    """Put a finished folder under its name; an older one is set aside beside `draft` and put back on failure."""
    if not folder.exists():
        os.replace(draft, folder)
        return
    aside = draft.with_name("old")
    os.replace(folder, aside)
    try:
        os.replace(draft, folder)
    except OSError:
        os.replace(aside, folder)
        raise


def load_network(folder: str | Path) -> BrainNetwork:
    """Load a model folder: on the CPU, float32, in eval mode, with its description as `.info`.

    Raises:
        ModelFileError: anything about the folder is not exactly as it should be.
        FileAccessError: a file cannot be read.
    """
    folder = Path(folder)
    info = read_info(folder)
    path = folder / WEIGHTS_FILE
    if not path.is_file():
        raise ModelFileError(f"model refused ({folder}): it has no {WEIGHTS_FILE}")
    if file_sha256(path) != info.sha256:
        raise ModelFileError(
            f"model refused ({path}): the weights are not those that model.json describes (SHA-256 differs)",
            "The file is damaged or was exchanged; import or download the model again.",
        )
    network = network_from_state(read_weights(path), info.network, str(path))
    network.info = info
    verify_forward(network)
    return network


def network_from_state(state: Mapping[str, Tensor], config: NetworkConfig, what: str) -> BrainNetwork:
    """Build the network around float32 tensors without ever drawing random weights; ModelFileError if they differ."""
    check_fit(state, config, what)
    network = _empty_network(config)
    network.load_state_dict(dict(state), strict=True, assign=True)
    return network.eval()


def check_fit(state: Mapping[str, Tensor], config: NetworkConfig, what: str) -> None:
    """Compare names and shapes with what the architecture has; ModelFileError lists what differs."""
    expected = {name: tuple(tensor.shape) for name, tensor in _empty_network(config).state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in state.items()}
    shared = expected.keys() & found.keys()
    differences = {
        "missing": [name for name in expected if name not in found],
        "extra": [name for name in found if name not in expected],
        "misshapen": [
            f"{name} {found[name]} instead of {expected[name]}"
            for name in expected
            if name in shared and found[name] != expected[name]
        ],
    }
    parts = [f"{len(names)} {kind} ({_first(names)})" for kind, names in differences.items() if names]
    if parts:
        raise ModelFileError(f"model refused ({what}): tensors do not fit the network: {'; '.join(parts)}")


def _first(names: list[str]) -> str:
    return ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")


def _empty_network(config: NetworkConfig) -> BrainNetwork:
    with torch.device("meta"):
        return build_network(config)


@torch.inference_mode()
def verify_forward(network: BrainNetwork) -> None:
    """Run a small cube through the network; ModelFileError if an output is not finite or has a wrong shape.

    The age head is fixed to one input size; it is left out where that is larger than the cube.
    """
    config = network.config
    edge = max(_VERIFY_SIZE, config.size_multiple)
    size = (edge, edge, edge)
    image = torch.linspace(0, 1, config.in_channels * edge**3).reshape(1, config.in_channels, *size)
    features = network.backbone(image, keep_levels=False)[-1]
    outputs = {"features": features, **dict(network.head.iterate(features, image, age=config.age_size == size))}
    expected = {"features": config.f_maps, **config.heads}
    for name, output in outputs.items():
        shape = (1,) if name == "age" else (1, expected[name], *size)
        if tuple(output.shape) != shape or not torch.isfinite(output).all():
            raise ModelFileError(f"model refused: its output {name!r} is not finite or has a wrong shape")
