"""The recipe that lies in a run's folder, and what may change when the run is resumed."""

from __future__ import annotations

from pathlib import Path

from BrainFMEngine.errors import UsageError
from BrainFMEngine.training.durable_file import write_durably
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


def write_run_recipe(folder: Path, recipe: Recipe) -> None:
    """Write the recipe into a run's folder; OSError as of `write_durably`."""
    write_durably(folder / RECIPE_NAME, recipe_to_json(recipe).encode())
