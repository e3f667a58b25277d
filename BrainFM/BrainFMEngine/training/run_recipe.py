"""The recipe that lies in a run's folder, and what may change when the run is resumed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from BrainFMEngine.durable_file import write_durably
from BrainFMEngine.errors import FileAccessError, UsageError
from BrainFMEngine.training.recipe import Recipe, differences, recipe_from_json, recipe_to_json

RECIPE_NAME = "recipe.json"
SHOWN_CHANGES = 5


def read_run_recipe(folder: Path) -> Recipe | None:
    """Return the recipe of a run, None if there is none.

    Raises:
        UsageError: it is damaged.
        FileAccessError: it cannot be read.
    """
    path = folder / RECIPE_NAME
    if not path.exists():
        return None
    try:
        return recipe_from_json(path)
    except UsageError as error:
        hint = f"Delete {path} and resume with the --recipe, --preset and --set that the run was begun with."
        raise UsageError(error.message, hint) from error


def refuse_change(folder: Path, recipe: Recipe) -> None:
    """Raise UsageError, with what differs, if the run was begun with another recipe."""
    before = read_run_recipe(folder)
    changes = [] if before is None else differences(before, recipe)
    if changes:
        shown = "; ".join(changes[:SHOWN_CHANGES]) + ("; …" if len(changes) > SHOWN_CHANGES else "")
        raise UsageError(
            f"the run in {folder} was begun with another recipe ({shown})",
            "Restore the recipe, or continue with this one with --allow-change.",
        )


def with_absolute_paths(recipe: Recipe) -> Recipe:
    """Return the recipe of a run that may be resumed from another folder than the one it was begun in."""
    if recipe.data.ages is not None:
        recipe = replace(recipe, data=replace(recipe.data, ages=str(Path(recipe.data.ages).absolute())))
    model = recipe.start.model
    if model is not None and len(Path(model).parts) > 1:  # a path, not a name
        recipe = replace(recipe, start=replace(recipe.start, model=str(Path(model).expanduser().absolute())))
    return recipe


def write_run_recipe(folder: Path, recipe: Recipe) -> None:
    """Write the recipe into a run's folder; OSError as of `write_durably`."""
    write_durably(folder / RECIPE_NAME, recipe_to_json(recipe).encode())


def write_recipe(path: Path, recipe: Recipe, overwrite: bool = False) -> None:
    """Write a recipe to a file of its own.

    Raises:
        UsageError: there is such a file, and it may not be replaced.
        FileAccessError: it cannot be written.
    """
    if path.exists() and not overwrite:
        raise UsageError(f"{path} is there already", "Choose another name.")
    try:
        write_durably(path, recipe_to_json(recipe).encode())
    except OSError as error:
        raise FileAccessError(f"cannot write {path}: {error.strerror or error}", "Choose another folder.") from error
