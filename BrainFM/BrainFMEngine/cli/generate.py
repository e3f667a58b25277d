"""`brainfm generate`: samples of one anatomy as training sees them."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from BrainFMEngine.cli.options import DeviceOption, LabelMapOption, ProgressOption
from BrainFMEngine.cli.predict import Progress


class ContrastChoice(str, Enum):
    """What painted samples look like."""

    mixed = "mixed"
    random = "random"
    t1 = "t1"
    t2 = "t2"
    flair = "flair"
    ct = "ct"


def generate(
    labels: Annotated[Path, typer.Argument(metavar="LABELMAP", help="FreeSurfer, SynthSeg or BrainFM labels.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the samples go.")],
    samples: Annotated[int, typer.Option(min=1, max=64, help="Samples of the batch.")] = 4,
    severity: Annotated[
        str, typer.Option(help="mild, medium, severe, mild-to-severe, or a number from 0 (clean) to 1.")
    ] = "mild-to-severe",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same samples.")] = 0,
    size: Annotated[
        str, typer.Option(metavar="N|full", help="Voxels of 1 mm along each axis, or the whole head.")
    ] = "160",
    contrast: Annotated[ContrastChoice, typer.Option(help="What painted samples look like.")] = ContrastChoice.mixed,
    real: Annotated[
        list[str] | None,
        typer.Option(metavar="CONTRAST=FILE", help="A scan of this head, aligned: t1=, t2=, flair= or ct=; repeat."),
    ] = None,
    mix: Annotated[float, typer.Option(min=0, max=1, help="How often a sample is mixed with the real scans.")] = 0.2,
    real_input: Annotated[float, typer.Option(min=0, max=1, help="How often a real scan is the sample.")] = 0.0,
    coordinates: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Atlas coordinates (x, y, z mm) of each voxel.")
    ] = None,
    surface: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="Cortical surface for distances: lp=, lw=, rp= and rw=; repeat."),
    ] = None,
    map_labels: LabelMapOption = None,
    targets: Annotated[bool, typer.Option("--targets", help="Write what the network should answer.")] = False,
    paint_targets: Annotated[
        bool, typer.Option("--paint-targets", help="Paint T1w, T2w, FLAIR and CT targets where no scan is given.")
    ] = False,
    protocol: Annotated[str, typer.Option(help="Labels of the segmentation target.")] = "compact-40",
    pathology: Annotated[bool, typer.Option("--pathology", help="Grow a lesion in every head.")] = False,
    integrate: Annotated[
        bool, typer.Option(help="Integrate the velocity field (off: use it as displacement, as the published code).")
    ] = True,
    replay: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Make the sample of a sample-<i>.json again, bit for bit.")
    ] = None,
    device: DeviceOption = "auto",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace samples that are there.")] = False,
    progress: ProgressOption = Progress.rich,
) -> None:
    """Make samples of one head: any contrast and resolution, from mild to severe, with what the tasks should answer."""
    from BrainFMEngine.cli.generation import GenerateRequest, run_generate
    from BrainFMEngine.cli.logs import log_to_stderr
    from BrainFMEngine.cli.reporting import REPORTERS

    log_to_stderr()
    request = GenerateRequest(
        labels=labels,
        folder=output,
        samples=samples,
        severity=severity,
        seed=seed,
        size=size,
        contrast=contrast.value,
        real=real or [],
        mix=mix,
        real_input=real_input,
        coordinates=coordinates,
        surfaces=surface or [],
        map_labels=map_labels,
        targets=targets or paint_targets,
        paint_targets=paint_targets,
        protocol=protocol,
        pathology=pathology,
        integrate=integrate,
        replay=replay,
        device=device,
        overwrite=overwrite,
    )
    raise typer.Exit(run_generate(request, REPORTERS[progress.value]()))
