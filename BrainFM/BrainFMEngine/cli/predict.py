"""`brainfm predict`: its options."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class Progress(str, Enum):
    """How to report progress."""

    rich = "rich"
    json = "json"
    none = "none"


class Modality(str, Enum):
    """What kind of scan it is."""

    auto = "auto"
    mr = "mr"
    ct = "ct"


class GridChoice(str, Enum):
    """Which grid the results lie on."""

    native = "native"
    one_mm = "1mm"


def predict(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help="Scans: NIfTI, NRRD, MetaImage or MGH/MGZ files.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Results go to DIR/<name of the scan>.")
    ] = None,
    tasks: Annotated[
        str,
        typer.Option(help="all, or a list with commas: seg,t1,t2,flair,ct,distance,bias,registration,superresolution."),
    ] = "all",
    model: Annotated[str, typer.Option(metavar="NAME|PATH", help="See 'brainfm models list'.")] = "compact",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    modality: Annotated[Modality, typer.Option(help="Say what the scan is if it is not recognised.")] = Modality.auto,
    volume: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Which volume of a 4D file; the first is 0.")
    ] = None,
    grid: Annotated[GridChoice, typer.Option(help="Results on the scan's own grid or at 1 mm.")] = GridChoice.native,
    threads: Annotated[int | None, typer.Option(metavar="N", min=1, help="CPU threads.")] = None,
    window: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Work in windows of N voxels even if memory allows more.")
    ] = None,
    tta: Annotated[bool, typer.Option("--tta", help="Average with the mirrored scan; takes twice the time.")] = False,
    posteriors: Annotated[bool, typer.Option("--posteriors", help="Write the probability of each structure.")] = False,
    features: Annotated[bool, typer.Option("--features", help="Write the network's features.")] = False,
    surfaces: Annotated[bool, typer.Option("--surfaces", help="Write cortical surfaces.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that are there.")] = False,
    uncompressed: Annotated[
        bool, typer.Option("--uncompressed", help="Write images as .nii, which programs read faster.")
    ] = False,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Cancel at a line 'stop' on standard input, or at its end.")
    ] = False,
    estimate: Annotated[
        bool, typer.Option("--estimate", help="Compute nothing; print the memory that it would take as a JSON line.")
    ] = False,
    progress: Annotated[
        Progress, typer.Option(help="A bar, JSON lines on standard output, or nothing.")
    ] = Progress.rich,
) -> None:
    """Compute contrasts, anatomy, distances, bias field and atlas registration of head scans, on their own grids."""
    from BrainFMEngine.cli.batch import Request, run_batch
    from BrainFMEngine.cli.estimate import run_estimate
    from BrainFMEngine.cli.interrupt import stopped_by_stdin
    from BrainFMEngine.cli.logs import log_to_stderr
    from BrainFMEngine.cli.reporting import REPORTERS
    from BrainFMEngine.errors import UsageError
    from BrainFMEngine.outputs import OutputOptions

    log_to_stderr()
    if output is None and not estimate:
        raise UsageError("no folder for the results was given", "Give one with -o DIR.")
    request = Request(
        inputs=inputs,
        folder=output or Path(),
        tasks=tasks,
        model=model,
        device=device,
        modality=modality.value,
        frame=volume,
        grid=grid.value,
        threads=threads,
        tta=tta,
        window=window,
        files=OutputOptions(posteriors, features, surfaces, overwrite, uncompressed),
    )
    run = run_estimate if estimate else run_batch
    with stopped_by_stdin(stdin):
        code = run(request, REPORTERS[progress.value]())
    raise typer.Exit(code)
