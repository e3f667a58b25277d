"""From a run's checkpoint to a model that `brainfm predict` runs."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from BrainFMEngine import __version__
from BrainFMEngine.network.checkpoint import save_model
from BrainFMEngine.network.info import ModelInfo
from BrainFMEngine.training.checkpoints import BEST, LAST, DamagedCheckpointError, checkpoint_path, load_checkpoint
from BrainFMEngine.training.recipe import Recipe, recipe_hash

logger = logging.getLogger(__name__)

ATLAS_SPACE = "MNI152NLin6"


def export_weights(
    checkpoints: Path,
    recipe: Recipe,
    folder: Path,
    info: ModelInfo | None = None,
    name: str | None = None,
    warn: Callable[[str], None] = logger.warning,
) -> ModelInfo:
    """Write the weights of a run as a model: the averaged ones, where the recipe averages.

    Args:
        checkpoints: folder of the run's checkpoints.
        recipe: of the run.
        folder: of the model; replaced if it is there.
        info: description; None for one that says only what the run knows.
        name: checkpoint to take; None for the best, or the last where none was validated or the best is damaged.
        warn: called with one sentence about a damaged one.

    Returns:
        the description as written.
    """
    for draft in folder.parent.glob(f".{folder.name}-*.part"):  # left by a process that was killed in the middle
        shutil.rmtree(draft, ignore_errors=True)
    state = _load_best(checkpoints, warn) if name is None else load_checkpoint(checkpoint_path(checkpoints, name))
    learner = state["learner"]
    weights = learner["network"] if learner["average"] is None else learner["average"]["weights"]
    weights = {key: tensor.contiguous() for key, tensor in weights.items()}
    described = info or _described(recipe, state)
    return save_model(folder, weights, described, torch.float16, overwrite=True)


def _load_best(checkpoints: Path, warn: Callable[[str], None]) -> dict[str, Any]:
    best = checkpoint_path(checkpoints, BEST)
    if best.exists():
        try:
            return load_checkpoint(best)
        except DamagedCheckpointError as error:
            warn(f"{error.message}; the last weights become the model")
    return load_checkpoint(checkpoint_path(checkpoints, LAST))


def _described(recipe: Recipe, state: dict[str, Any]) -> ModelInfo:
    names = list(state["subjects"])
    return ModelInfo(
        name=f"{recipe.name}-{recipe.preset}".lower(),
        network=recipe.network.config(),
        title=f"{recipe.name} ({recipe.preset}), trained here",
        label_protocol=recipe.protocol,
        atlas_space=ATLAS_SPACE,
        spacing_mm=float(recipe.generator.spacing_mm),
        licence="that of the training data",
        trained_on=f"{len(names)} subjects: {', '.join(names[:20])}{', …' if len(names) > 20 else ''}",
        provenance={
            "trainer": f"BrainFM {__version__}",
            "recipe": recipe_hash(recipe),
            "step": str(state["step"]),
            "seed": str(recipe.seed),
        },
    )
