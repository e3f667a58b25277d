"""`brainfm evaluate`: its options."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from BrainFMEngine.cli.options import DeviceOption, ProgressOption
from BrainFMEngine.cli.predict import Progress


class Inputs(str, Enum):
    """What the model is tried on."""

    both = "both"
    synthetic = "synthetic"
    real = "real"


def evaluate(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Name or folder; see 'brainfm models list'.")],
    data: Annotated[Path, typer.Option("--data", metavar="DATASET", help="Made by 'brainfm prepare'.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the numbers go.")],
    split: Annotated[str, typer.Option(help="train, validation, test, or all.")] = "test",
    inputs: Annotated[Inputs, typer.Option(help="Painted heads, the subjects' own images, or both.")] = Inputs.both,
    pictures: Annotated[
        int, typer.Option(metavar="N", min=0, help="Draw predictions above targets for the first N subjects.")
    ] = 1,
    device: DeviceOption = "auto",
    threads: Annotated[int | None, typer.Option(metavar="N", min=1, help="CPU threads.")] = None,
    window: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Work in windows of N voxels even if memory allows more.")
    ] = None,
    tta: Annotated[bool, typer.Option("--tta", help="Average with the mirrored scan; takes twice the time.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that are there.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an evaluation that was stopped.")] = False,
    progress: ProgressOption = Progress.rich,
) -> None:
    """Measure how good a model is on held-out subjects: a table for people, CSV and JSON for programs."""
    from BrainFMEngine.cli.evaluation import EvaluateRequest, run_evaluate
    from BrainFMEngine.cli.logs import log_to_stderr
    from BrainFMEngine.cli.reporting import REPORTERS

    log_to_stderr()
    request = EvaluateRequest(
        model=model,
        data=data,
        folder=output,
        split=split,
        inputs=inputs.value,
        pictures=pictures,
        device=device,
        threads=threads,
        window=window,
        tta=tta,
        overwrite=overwrite,
        resume=resume,
    )
    raise typer.Exit(run_evaluate(request, REPORTERS[progress.value]()))
