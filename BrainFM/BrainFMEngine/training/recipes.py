"""The recipes that come with the software, by name and preset."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from BrainFMEngine.errors import UsageError, nearest_name
from BrainFMEngine.training import recipes_brain_id, recipes_brainfm
from BrainFMEngine.training.recipe import Recipe, recipe_from_json
from BrainFMEngine.training.recipe_options import StartOptions
from BrainFMEngine.training.recipe_presets import PRESETS, compact, quick

SHIPPED_MODEL = "compact"

RECIPES: dict[str, Callable[..., Recipe]] = {
    "brainfm": recipes_brainfm.brainfm,
    "brain-id": recipes_brain_id.brain_id,
    "brain-id-segmentation": partial(recipes_brain_id.brain_id, "segmentation"),
    "brain-id-both": partial(recipes_brain_id.brain_id, "both"),
    **{f"adapt-{task}": partial(recipes_brain_id.adapt, task) for task in recipes_brain_id.TASKS},
    "scratch": recipes_brainfm.scratch,
    **{f"scratch-{task}": partial(recipes_brain_id.scratch_for, task) for task in recipes_brain_id.TASKS},
    "cifl": recipes_brain_id.cifl,
    "super-resolution": recipes_brainfm.super_resolution,
    "brain-age": recipes_brainfm.brain_age,
    "hemisphere": recipes_brainfm.hemisphere,
    "low-field": recipes_brainfm.low_field,
}
"""Name -> the published recipe."""
ALIASES = {"brain-id-mprage": "brain-id", "adapt": "adapt-reconstruction"}
BY_STEPS = ("brain-id", "brain-id-segmentation", "brain-id-both", "cifl")
"""Recipes that were published in steps, whatever the number of subjects."""


def named_recipe(name: str, preset: str = "compact", subjects: int | None = None) -> Recipe:
    """Return a recipe.

    Args:
        name: a key of `RECIPES` or `ALIASES`.
        preset: "paper" for the published hyper-parameters, "compact" for those of the shipped model, "quick" to try.
        subjects: how many train: the papers count in epochs, so the steps of "paper" follow from it. None takes the
            number of the publication.

    Raises:
        UsageError: an unknown name or preset (the nearest known one is given), or no subjects.
    """
    name = ALIASES.get(name, name)
    if name not in RECIPES:
        raise UsageError(f"there is no recipe {name!r}", nearest_name(name, (*RECIPES, *ALIASES)))
    if preset not in PRESETS:
        raise UsageError(f"there is no preset {preset!r}", nearest_name(preset, PRESETS))
    if subjects is not None and subjects < 1:
        raise UsageError(f"a recipe cannot train on {subjects} subjects", "Give 1 or more.")
    recipe = RECIPES[name]() if name in BY_STEPS else RECIPES[name](subjects=subjects)
    if preset == "paper":
        return recipe
    return _compact(recipe) if preset == "compact" else quick(recipe)


def find_recipe(name_or_file: str | Path, preset: str = "compact") -> Recipe:
    """Return the recipe of a .json file, or the named one; errors as of `recipe_from_json` and `named_recipe`."""
    given = Path(name_or_file)
    return recipe_from_json(given) if given.suffix == ".json" else named_recipe(str(name_or_file), preset)


def _compact(recipe: Recipe) -> Recipe:
    """Return the compact recipe; what is adapted begins with the shipped model, and has its unit features."""
    family = recipe.name.startswith(("adapt-", "scratch-"))
    if family:
        recipe = replace(recipe, network=replace(recipe.network, unit_features=True))
    if not recipe.start.required:
        return compact(recipe)
    return compact(recipe, StartOptions(SHIPPED_MODEL, recipe.start.part, recipe.start.freeze_backbone, required=True))
