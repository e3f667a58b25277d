"""From a run's checkpoint to a model that `brainfm predict` runs."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from BrainFMEngine.errors import UsageError
from BrainFMEngine.network.checkpoint import save_model
from BrainFMEngine.network.info import ModelInfo
from BrainFMEngine.training.checkpoints import BEST, LAST, DamagedCheckpointError, checkpoint_path, load_checkpoint
from BrainFMEngine.training.recipe import Recipe
from BrainFMEngine.training.run_facts import licence_of, provenance_of, scores_at
from BrainFMEngine.training.run_recipe import RECIPE_NAME, read_run_recipe
from BrainFMEngine.training.trainer import CHECKPOINTS

logger = logging.getLogger(__name__)

ATLAS_SPACE = "MNI152NLin6"
RETRY_SECONDS = 1.0


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
    if name is None:
        name, state = _load_best(checkpoints, warn)
    else:
        state = load_checkpoint(checkpoint_path(checkpoints, name))
    learner = state["learner"]
    weights = learner["network"] if learner["average"] is None else learner["average"]["weights"]
    weights = {key: tensor.contiguous() for key, tensor in weights.items()}
    described = info or _described(recipe, state, checkpoint_path(checkpoints, name))
    return save_model(folder, weights, described, torch.float16, overwrite=True)


def export_run(run: Path, folder: Path, name: str | None = None, warn: Callable[[str], None] = logger.warning) -> None:
    """Write the weights of a run, also of one that goes on or died, as a model; arguments as of `export_weights`.

    Raises:
        UsageError: there is no run in the folder.
        FileAccessError, ModelFileError: it has no such checkpoint, or the checkpoint is damaged.
    """
    recipe = read_run_recipe(run)
    if recipe is None:
        raise UsageError(f"{run} holds no run: it has no recipe", "Give the folder of a run.")
    try:
        export_weights(run / CHECKPOINTS, recipe, folder, name=name, warn=warn)
    except DamagedCheckpointError:  # of a run that goes on, it may have been replaced at this moment
        time.sleep(RETRY_SECONDS)
        export_weights(run / CHECKPOINTS, recipe, folder, name=name, warn=warn)


def find_run(path: Path) -> tuple[Path, str | None] | None:
    """Return the run that a path means and the checkpoint's name: a run's folder, or a .pt file in its checkpoints.

    None for any other path; the name is None for a folder: the best.
    """
    if path.suffix == ".pt" and path.parent.name == CHECKPOINTS and path.is_file():
        return path.parent.parent, path.stem
    return (path, None) if (path / CHECKPOINTS).is_dir() and (path / RECIPE_NAME).is_file() else None


def _load_best(checkpoints: Path, warn: Callable[[str], None]) -> tuple[str, dict[str, Any]]:
    best = checkpoint_path(checkpoints, BEST)
    if best.exists():
        try:
            return BEST, load_checkpoint(best)
        except DamagedCheckpointError as error:
            warn(f"{error.message}; the last weights become the model")
    return LAST, load_checkpoint(checkpoint_path(checkpoints, LAST))


def _described(recipe: Recipe, state: dict[str, Any], checkpoint: Path) -> ModelInfo:
    folder, count = checkpoint.parent.parent, len(state["subjects"])
    provenance = provenance_of(recipe, state, folder, checkpoint)
    dataset = provenance.get("dataset")
    return ModelInfo(
        name=f"{recipe.name}-{recipe.preset}".lower(),
        network=recipe.network.config(),
        title=f"{recipe.name} ({recipe.preset}), trained here",
        label_protocol=recipe.protocol,
        atlas_space=ATLAS_SPACE,
        spacing_mm=float(recipe.generator.spacing_mm),
        licence=licence_of(recipe, folder),
        trained_on=f"{count} subject{'s' if count != 1 else ''}{f' of the data set {dataset}' if dataset else ''}",
        provenance=provenance,
        metrics=scores_at(folder, state["step"]),
    )
