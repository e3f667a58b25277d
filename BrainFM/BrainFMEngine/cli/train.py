"""`brainfm train`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from BrainFMEngine.cli.options import DeviceOption
from BrainFMEngine.cli.predict import Progress


def train(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="RUN", help="Folder of the run.")],
    dataset: Annotated[
        Path | None,
        typer.Argument(metavar="DATASET", help="Made by 'brainfm prepare'; --resume knows the one of the run."),
    ] = None,
    recipe: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="brainfm, brain-id, adapt-…, or a recipe.json.")
    ] = "brainfm",
    preset: Annotated[
        str, typer.Option(help="paper: published; compact: as the shipped model; quick: to try.")
    ] = "compact",
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe: optimizer.learning_rate=1e-4; repeat."),
    ] = None,
    start: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Begin with this model's weights, name or folder.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Let what depends on changed values follow them: the schedule the steps, …")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in the folder.")] = False,
    allow_change: Annotated[
        bool, typer.Option("--allow-change", help="Resume although recipe or subjects are not those of before.")
    ] = False,
    minutes: Annotated[
        float | None, typer.Option(metavar="N", min=0.1, help="Stop by itself, saved, before so long.")
    ] = None,
    device: DeviceOption = "auto",
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=256, help="CPU threads; the same number gives the same bits.")
    ] = None,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Stop, saved, at a line 'stop' on standard input, or at its end.")
    ] = False,
    estimate: Annotated[bool, typer.Option("--estimate", help="Tell memory and disk; train nothing.")] = False,
    write_recipe: Annotated[
        Path | None, typer.Option("--write-recipe", metavar="FILE", help="Write the recipe; train nothing.")
    ] = None,
    progress: Annotated[
        Progress, typer.Option(help="A line a step, JSON lines on standard output, or nothing.")
    ] = Progress.rich,
) -> None:
    """Train a network on a data set; stops and continues at any time without a difference to the result."""
    from BrainFMEngine.cli.logs import log_to_stderr
    from BrainFMEngine.cli.training import TrainRequest, run_train

    log_to_stderr()
    request = TrainRequest(
        dataset=dataset,
        folder=output,
        recipe=recipe,
        preset=preset,
        changes=change or [],
        start=start,
        follow=follow,
        resume=resume,
        allow_change=allow_change,
        minutes=minutes,
        device=device,
        threads=threads,
        stdin=stdin,
        estimate=estimate,
        write_recipe=write_recipe,
    )
    raise typer.Exit(run_train(request, progress.value))
