"""`brainfm prepare`: a dataset for training and evaluation, or what is wrong with one."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from BrainFMEngine.cli.options import LabelMapOption, ProgressOption
from BrainFMEngine.cli.predict import Progress


class Layout(str, Enum):
    """How the files of a source are arranged."""

    auto = "auto"
    labels = "labels"
    freesurfer = "freesurfer"
    bids = "bids"
    brainfm = "brainfm"
    brain_id = "brain-id"
    table = "table"


def prepare(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="Folder or CSV file of subjects; with --check, the dataset.")
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DATASET", help="Folder of the dataset.")
    ] = None,
    layout: Annotated[Layout, typer.Option(help="How the source is arranged.")] = Layout.auto,
    protocol: Annotated[str, typer.Option(help="Label protocol whose structures are looked for.")] = "compact-40",
    split: Annotated[
        str,
        typer.Option(
            metavar="SPLIT",
            help="Percent of train/validation/test, such as 80/10/10; setup-1, setup-2 or setup-3 of BrainFM.",
        ),
    ] = "80/10/10",
    held_out: Annotated[
        list[str] | None, typer.Option(metavar="COLLECTION", help="Keep this collection for testing; repeat.")
    ] = None,
    split_seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same split.")] = 0,
    map_labels: LabelMapOption = None,
    atlas: Annotated[bool, typer.Option(help="Register with the atlas where coordinates are not given.")] = True,
    jobs: Annotated[int, typer.Option(metavar="N", min=1, max=256, help="Subjects at once; each takes memory.")] = 1,
    licence: Annotated[
        str, typer.Option(metavar="TEXT", help="Licence of the data, told by models that are trained on them.")
    ] = "",
    check: Annotated[bool, typer.Option("--check", help="Only tell what is wrong with the dataset SOURCE.")] = False,
    exclude: Annotated[
        bool, typer.Option("--exclude", help="With --check: take subjects with errors out of the split.")
    ] = False,
    list_only: Annotated[
        bool, typer.Option("--list", help="Only tell how SOURCE is arranged and who is in it; write nothing.")
    ] = False,
    progress: ProgressOption = Progress.rich,
) -> None:
    """Make one dataset from label maps and scans: SynthSeg's, FreeSurfer's, BIDS, the authors', or a table."""
    from BrainFMEngine.cli.logs import log_to_stderr
    from BrainFMEngine.cli.preparation import PrepareRequest, run_check, run_list, run_prepare
    from BrainFMEngine.cli.reporting import REPORTERS

    log_to_stderr()
    request = PrepareRequest(
        source=source,
        folder=output,
        layout=layout.value,
        protocol=protocol,
        split=split,
        held_out=held_out or [],
        split_seed=split_seed,
        map_labels=map_labels,
        atlas=atlas,
        jobs=jobs,
        exclude=exclude,
        licence=licence,
    )
    reporter = REPORTERS[progress.value]()
    run = run_list if list_only else run_check if check else run_prepare
    raise typer.Exit(run(request, reporter))
