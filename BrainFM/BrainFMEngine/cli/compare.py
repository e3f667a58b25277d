"""`brainfm compare`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from BrainFMEngine.cli.options import DeviceOption, ProgressOption
from BrainFMEngine.cli.predict import Progress

_MODEL_HELP = "Name or folder of a model, folder of a training run (its best weights), or a checkpoint RUN/…/last.pt."


def compare(
    first: Annotated[str, typer.Argument(metavar="MODEL", help=_MODEL_HELP)],
    second: Annotated[str, typer.Argument(metavar="MODEL", help="The other one.")],
    data: Annotated[Path, typer.Option("--data", metavar="DATASET", help="Made by 'brainfm prepare'.")],
    subject: Annotated[str, typer.Option(metavar="NAME", help="Whose head they are tried on.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where images and numbers go.")],
    given: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="NAME",
            help="What they are given: 'real T1' for a scan, 'synthetic T2' or 'synthetic random-1' for a painted "
            "head; by default the first scan, else a painted T1.",
        ),
    ] = None,
    device: DeviceOption = "auto",
    threads: Annotated[int | None, typer.Option(metavar="N", min=1, help="CPU threads.")] = None,
    window: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Work in windows of N voxels even if memory allows more.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that are there.")] = False,
    uncompressed: Annotated[
        bool, typer.Option("--uncompressed", help="Write images as .nii, which programs read faster.")
    ] = False,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Cancel at a line 'stop' on standard input, or at its end.")
    ] = False,
    progress: ProgressOption = Progress.rich,
) -> None:
    """Run two models on one subject of a data set: their images beside the reference, their scores side by side."""
    from BrainFMEngine.cli.comparison import CompareRequest, run_compare
    from BrainFMEngine.cli.interrupt import stopped_by_stdin
    from BrainFMEngine.cli.logs import log_to_stderr
    from BrainFMEngine.cli.reporting import REPORTERS

    log_to_stderr()
    request = CompareRequest(
        models=(first, second),
        data=data,
        subject=subject,
        folder=output,
        given=given,
        device=device,
        threads=threads,
        window=window,
        overwrite=overwrite,
        uncompressed=uncompressed,
    )
    with stopped_by_stdin(stdin):
        code = run_compare(request, REPORTERS[progress.value]())
    raise typer.Exit(code)
