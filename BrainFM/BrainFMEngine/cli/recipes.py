"""`brainfm recipes`: which there are, and what one of them says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from BrainFMEngine.training.recipe import Recipe

app = typer.Typer(help="List, show and change recipes of training.", no_args_is_help=True)


@app.command("list")
def list_recipes(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    preset: Annotated[str, typer.Option(help="paper, compact or quick.")] = "compact",
) -> None:
    """List the recipes: what each learns, in how many steps, and what it begins with."""
    from BrainFMEngine.cli.reporting import explain
    from BrainFMEngine.training.recipes import RECIPES, named_recipe

    try:
        recipes = [named_recipe(name, preset) for name in RECIPES]
    except Exception as error:  # every error ends as a sentence
        raise typer.Exit(explain(error)) from error
    if as_json:
        rows = [{**_facts(recipe), "outputs": list(recipe.network.outputs)} for recipe in recipes]
        typer.echo(json.dumps(rows, indent=2))
        return
    for recipe in recipes:
        outputs = ", ".join(recipe.network.outputs) or "features"
        typer.echo(f"{recipe.name:<26}{recipe.steps:>10} steps  {_start(recipe):<16}{outputs}")


@app.command()
def show(
    recipe: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A recipe, or a recipe.json.")],
    preset: Annotated[str, typer.Option(help="paper, compact or quick.")] = "compact",
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a value: optimizer.learning_rate=1e-4; repeat."),
    ] = None,
    start: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Begin with this model: name, folder, or a run.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Let what depends on changed values follow them: the schedule the steps, …")
    ] = False,
    describe: Annotated[
        bool, typer.Option("--describe", help="Print every value with title, unit, kind, limits and explanation.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the recipe instead of printing it.")
    ] = None,
) -> None:
    """Print a recipe as JSON, as training reads it."""
    from BrainFMEngine.cli.reporting import explain
    from BrainFMEngine.cli.training import TrainRequest, make_recipe

    changes = change or []
    try:
        made = make_recipe(TrainRequest(None, Path(), recipe, preset, changes, start, follow))
        if output is not None:
            from BrainFMEngine.training.run_recipe import write_recipe

            write_recipe(output, made)
        else:
            typer.echo(_text(made, describe), nl=False)
    except Exception as error:  # every error ends as a sentence
        raise typer.Exit(explain(error)) from error


@app.command()
def answer() -> None:
    """Answer requests about recipes, a JSON object a line on standard input, for programs that offer their values."""
    from BrainFMEngine.cli.logs import log_to_stderr
    from BrainFMEngine.cli.recipe_answers import run_answers

    log_to_stderr()
    raise typer.Exit(run_answers())


def _text(recipe: Recipe, describe: bool) -> str:
    from BrainFMEngine.training.recipe import recipe_to_json
    from BrainFMEngine.training.recipe_fields import describe_recipe

    if describe:
        return json.dumps({**_facts(recipe), **describe_recipe(recipe)}, indent=2) + "\n"
    return recipe_to_json(recipe)


def _facts(recipe: Recipe) -> dict[str, object]:
    return {
        "recipe": recipe.name,
        "preset": recipe.preset,
        "steps": recipe.steps,
        "needs_model": recipe.start.required,
        "model": recipe.start.model,
        "needs_ages": recipe.needs_ages,
    }


def _start(recipe: Recipe) -> str:
    if recipe.start.model is not None:
        return recipe.start.model
    return "needs a model" if recipe.start.required else "random weights"
