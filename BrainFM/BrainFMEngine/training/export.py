"""Turn a training run into a model: `python -m BrainFMEngine.training.export RUN/last.pt FOLDER DESCRIPTION.json`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from BrainFMEngine.network.checkpoint import save_model
from BrainFMEngine.network.info import FORMAT_VERSION, ModelInfo
from BrainFMEngine.training.stages import stage_config


def export(checkpoint: Path, folder: Path, description: dict) -> None:
    """Write the averaged weights of a run as a model.

    Args:
        checkpoint: `last.pt` of a run.
        folder: receives `model.safetensors` (float16) and `model.json`.
        description: what `model.json` says beside the architecture and the checksum.
    """
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")
    weights = {name: tensor.contiguous().half() for name, tensor in state["average"].items()}
    info = ModelInfo.from_dict(
        {"format_version": FORMAT_VERSION, "sha256": "", **description, "network": stage_config(1).to_dict()}
    )
    save_model(folder, weights, info, overwrite=True)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("description", type=Path)
    options = parser.parse_args()
    export(options.checkpoint, options.folder, json.loads(options.description.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
