"""The commands and their names."""

from __future__ import annotations

from typing import Annotated

import typer

from BrainFMEngine import __version__
from BrainFMEngine.cli.compare import compare
from BrainFMEngine.cli.dataset import app as dataset_app
from BrainFMEngine.cli.evaluate import evaluate
from BrainFMEngine.cli.generate import generate
from BrainFMEngine.cli.info import info
from BrainFMEngine.cli.models import app as models_app
from BrainFMEngine.cli.predict import predict
from BrainFMEngine.cli.prepare import prepare
from BrainFMEngine.cli.preview import preview
from BrainFMEngine.cli.recipes import app as recipes_app
from BrainFMEngine.cli.train import train

app = typer.Typer(
    help="BrainFM: contrasts, anatomy, cortical distances, bias field and atlas registration from one scan of a head. "
    "Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(predict)
app.command()(generate)
app.command()(preview)
app.command()(prepare)
app.command()(train)
app.command()(evaluate)
app.command()(compare)
app.command()(info)
app.add_typer(dataset_app, name="dataset")
app.add_typer(models_app, name="models")
app.add_typer(recipes_app, name="recipes")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"brainfm {__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Give the options that come before a command."""
