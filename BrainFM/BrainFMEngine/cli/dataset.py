"""`brainfm dataset`: look at a prepared dataset, and change who is for what. Torch-free."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from BrainFMEngine.cli.options import ProgressOption
from BrainFMEngine.cli.predict import Progress

app = typer.Typer(help="Show and change the split of a dataset; draw a subject.", no_args_is_help=True)
_DatasetArgument = Annotated[Path, typer.Argument(metavar="DATASET", help="Made by 'brainfm prepare'.")]


@app.command()
def split(
    dataset: _DatasetArgument,
    move: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=PART", help="Put a subject into train, validation, test or excluded; repeat."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Move whom this file, written like split.json, names; others stay."),
    ] = None,
    progress: ProgressOption = Progress.rich,
) -> None:
    """Tell who is for training, validation and testing, or move subjects: all that are asked for, or none."""
    from BrainFMEngine.cli.dataset_work import run_split
    from BrainFMEngine.cli.logs import log_to_stderr
    from BrainFMEngine.cli.reporting import REPORTERS

    log_to_stderr()
    raise typer.Exit(run_split(dataset, move or [], file, REPORTERS[progress.value]()))


@app.command()
def picture(
    dataset: _DatasetArgument,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="Name of a subject of the dataset.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The picture, PNG.")],
    progress: ProgressOption = Progress.rich,
) -> None:
    """Draw a subject: an axial, a coronal and a sagittal plane of its scans and labels."""
    from BrainFMEngine.cli.dataset_work import run_picture
    from BrainFMEngine.cli.logs import log_to_stderr
    from BrainFMEngine.cli.reporting import REPORTERS

    log_to_stderr()
    raise typer.Exit(run_picture(dataset, subject, output, REPORTERS[progress.value]()))
