"""What a run's folder tells of its weights: where they come from, under which licences, and how good they are."""

from __future__ import annotations

import csv
import json
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from BrainFMEngine import __version__
from BrainFMEngine.dataset.folder import DatasetFolder
from BrainFMEngine.errors import BrainFMError
from BrainFMEngine.models.store import resolve_model
from BrainFMEngine.network.info import ModelInfo, read_info
from BrainFMEngine.training.logbook import METRICS_NAME
from BrainFMEngine.training.recipe import Recipe, recipe_hash
from BrainFMEngine.training.run_folder import STATE_NAME

NOT_RECORDED = "not recorded"
VALIDATION = "validation/"


def provenance_of(recipe: Recipe, state: dict[str, Any], folder: Path, checkpoint: Path) -> dict[str, str]:
    """Return what `model.json` says under "provenance"; no folder of this computer is named.

    Args:
        recipe: of the run.
        state: of the checkpoint.
        folder: of the run.
        checkpoint: its file; when it was written is when the weights were.
    """
    written = datetime.fromtimestamp(checkpoint.stat().st_mtime, timezone.utc)
    start, dataset = start_model(recipe), _dataset_name(folder)
    return {
        "trainer": f"BrainFM {__version__}",
        "recipe": recipe_hash(recipe),
        "recipe_name": recipe.name,
        "preset": recipe.preset,
        "step": str(state["step"]),
        "steps": str(recipe.steps),
        "seed": str(recipe.seed),
        **({"dataset": dataset} if dataset else {}),
        "subjects": str(len(state["subjects"])),
        **({"start_model": start[0], "start_licence": start[1]} if start else {}),
        "date": written.date().isoformat(),
    }


def licence_of(recipe: Recipe, folder: Path) -> str:
    """Return the licences that the weights inherit, in words: that of the training data, and of the first weights."""
    recorded = _dataset_licences(folder)
    data = "; ".join(f"{name}: {text}" for name, text in sorted(recorded.items())) or NOT_RECORDED
    start = start_model(recipe)
    return f"that of the training data ({data})" + (f", and of {start[0]} ({start[1]})" if start else "")


def scores_at(folder: Path, step: int) -> dict[str, float]:
    """Return the validation scores of a step, by name ("loss", "seg/mean Dice"); empty if it was not validated."""
    scores: dict[str, float] = {}
    with suppress(OSError, csv.Error, UnicodeDecodeError), (folder / METRICS_NAME).open(encoding="utf-8") as file:
        for row in csv.reader(file):
            if len(row) == 3 and row[0] == str(step) and row[1].startswith(VALIDATION) and row[2]:
                with suppress(ValueError):
                    scores[row[1].removeprefix(VALIDATION)] = float(row[2])
    return scores


def start_model(recipe: Recipe) -> tuple[str, str] | None:
    """Return title and licence of the model that a recipe begins with; None for random weights."""
    model = recipe.start.model
    if model is None:
        return None
    try:
        info: ModelInfo = read_info(resolve_model(model))
    except BrainFMError:  # it may be gone since
        return Path(model).name, NOT_RECORDED
    return info.title or info.name, info.licence


def _dataset_folder(folder: Path) -> Path | None:
    with suppress(OSError, ValueError, AttributeError):
        path = json.loads((folder / STATE_NAME).read_bytes()).get("dataset")
        return Path(path) if path else None
    return None


def _dataset_name(folder: Path) -> str:
    path = _dataset_folder(folder)
    return path.name if path is not None else ""


def _dataset_licences(folder: Path) -> dict[str, str]:
    path = _dataset_folder(folder)
    with suppress(BrainFMError):
        if path is not None:
            return dict(DatasetFolder(path).header.licences)
    return {}
