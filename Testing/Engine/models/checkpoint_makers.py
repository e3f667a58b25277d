"""Small networks and checkpoints in the authors' format, made on the spot."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from BrainFMEngine.errors import ModelFileError  # noqa: E402
from BrainFMEngine.models.importing import import_model  # noqa: E402
from BrainFMEngine.models.store import models_folder  # noqa: E402
from BrainFMEngine.network.build import build_network  # noqa: E402
from BrainFMEngine.network.config import NetworkConfig  # noqa: E402

SMALL = NetworkConfig(heads={"T1": 1, "segmentation": 56, "distance": 4}, f_maps=8, num_levels=3)
BRAIN_ID = NetworkConfig(heads={"image": 1}, f_maps=8, num_levels=3, unit_features=False)


def weights(config: NetworkConfig = SMALL, seed: int = 0) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    return build_network(config).state_dict()


def authors_content(state: dict, config: NetworkConfig = SMALL, **changes) -> dict:
    """What BrainFM's training saves, without the optimizer."""
    arguments = argparse.Namespace(
        f_maps=config.f_maps,
        num_levels=config.num_levels,
        unit_feat=config.unit_features,
        out_channels=dict(config.heads),
    )
    generator = argparse.Namespace(n_labels=56, generator=argparse.Namespace(left_hemis_only=False))
    content = {"model": state, "epoch": 3, "train_args": arguments, "gen_args": generator, "best_val_stats": None}
    return {**content, **changes}


def refused(path: Path, cause: str) -> None:
    """Import must fail with a ModelFileError that names the cause, and leave nothing behind."""
    with pytest.raises(ModelFileError, match=cause) as caught:
        import_model(path, "victim")
    assert "weights_only=False" not in str(caught.value)
    assert not models_folder().exists() or not list(models_folder().iterdir())
