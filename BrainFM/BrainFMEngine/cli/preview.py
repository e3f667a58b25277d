"""`brainfm preview`: its options."""

from __future__ import annotations

from typing import Annotated

import typer

from BrainFMEngine.cli.options import DeviceOption


def preview(
    describe: Annotated[
        bool, typer.Option("--describe", help="Print ranges, contrasts and targets as JSON, and stop.")
    ] = False,
    recipe: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="With --describe: the recipe whose defaults are told.")
    ] = "brainfm",
    preset: Annotated[str, typer.Option(help="With --describe: paper, compact or quick.")] = "compact",
    device: DeviceOption = "auto",
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=256, help="CPU threads; the same number gives the same bits.")
    ] = None,
) -> None:
    """Answer requests for training samples, a JSON object a line on standard input, for programs that show them."""
    from BrainFMEngine.cli.logs import log_to_stderr
    from BrainFMEngine.cli.previewing import run_describe, run_preview

    log_to_stderr()
    raise typer.Exit(run_describe(recipe, preset) if describe else run_preview(device, threads))
