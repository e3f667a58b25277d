"""Models by name or file: catalogue, download, store, safe import. Importing this package does not import torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from BrainFMEngine.models.catalogue import DEFAULT_MODEL

if TYPE_CHECKING:
    from BrainFMEngine.network.build import BrainNetwork

__all__ = ["DEFAULT_MODEL", "load_model"]


def load_model(path_or_name: str | Path = DEFAULT_MODEL) -> BrainNetwork:
    """Load a model that is ready to run: on the CPU, float32, eval mode.

    Args:
        path_or_name: name of a bundled or installed model, a folder with model.json, or its model.safetensors.

    Returns:
        the network; `network(x)` takes x (B, 1, X, Y, Z) and returns raw outputs, `network.info` describes it.

    Raises:
        ModelFileError: there is no such model, or its files are refused. `.pth` files have to be imported first.
        FileAccessError: its files cannot be read.
    """
    from BrainFMEngine.models.store import resolve_model
    from BrainFMEngine.network.checkpoint import load_network

    return load_network(resolve_model(path_or_name))
