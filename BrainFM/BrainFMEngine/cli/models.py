"""`brainfm models`: list, inspect, import, download and remove models. Torch only where weights are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from BrainFMEngine.cli.interrupt import stopped_by_stdin
from BrainFMEngine.cli.predict import Progress
from BrainFMEngine.progress import Progress as Told
from BrainFMEngine.progress import SilentProgress

if TYPE_CHECKING:
    from BrainFMEngine.network.info import ModelInfo

app = typer.Typer(help="List, inspect, import, download and remove models.", no_args_is_help=True)
_ProgressOption = Annotated[Progress, typer.Option(help="A bar, JSON lines on standard output, or nothing.")]
_StdinOption = Annotated[
    bool, typer.Option("--stdin", help="Cancel at a line 'stop' on standard input, or at its end.")
]
_JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_models(as_json: _JsonOption = False) -> None:
    """List bundled, installed and downloadable models."""
    rows = _rows()
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    _print_table(["name", "title", "state", "tasks", "size", "licence"], [_table_row(row) for row in rows])


def _rows() -> list[dict[str, Any]]:
    from BrainFMEngine.models.listing import list_facts

    return [asdict(facts) for facts in list_facts()]


def _table_row(row: dict[str, Any]) -> dict[str, str]:
    state = row["state"]
    if row["problem"]:
        state = f"{state}: {row['problem']}"
    elif row["downloadable"]:
        state = f"download ({row['evidence']})"
    return {
        "name": row["name"],
        "title": row["title"],
        "state": state,
        "tasks": " ".join(row["tasks"]),
        "size": f"{row['size_bytes'] / 1e6:.0f} MB" if row["size_bytes"] else "",
        "licence": row["licence"],
    }


def _print_table(columns: list[str], rows: list[dict[str, str]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(row[column]) for column in columns))
    Console().print(table)


@app.command()
def inspect(
    model: Annotated[str, typer.Argument(help="A .pth file, a model folder, or the name of a model.")],
    head: Annotated[Path | None, typer.Option(help="Separate head file of Brain-ID.")] = None,
    as_json: _JsonOption = False,
) -> None:
    """Check a model completely and show what it is, without storing it."""
    info = _inspect(model, head)
    if as_json:
        typer.echo(json.dumps(info.to_dict(), indent=2))
        return
    facts = _facts(info)
    _print_table(["", "value"], [{"": key, "value": value} for key, value in facts.items() if value])


def _inspect(model: str, head: Path | None) -> ModelInfo:
    from BrainFMEngine.models.importing import read_model
    from BrainFMEngine.models.store import PICKLE_SUFFIXES, resolve_model

    path = Path(model)
    is_checkpoint = path.suffix.lower() in PICKLE_SUFFIXES or (path.is_file() and path.suffix != ".safetensors")
    return read_model(path if is_checkpoint else resolve_model(model), head).info


def _facts(info: ModelInfo) -> dict[str, str]:
    network = info.network
    extras = {
        "hidden layers": " ".join(map(str, network.hidden_maps)),
        "heads that see the image": " ".join(network.contrast_heads),
        "age head for": "x".join(map(str, network.age_size or ())),
        "decoders": " ".join(network.decoder_names),
    }
    return {
        "name": info.name,
        "title": info.title,
        "network": f"{network.num_levels} levels, {network.f_maps} maps, {network.in_channels} input channel(s)",
        "unit features": "yes" if network.unit_features else "no",
        "outputs": ", ".join(f"{name} ({channels})" for name, channels in network.heads.items()),
        **extras,
        "tasks": " ".join(info.tasks),
        "labels": info.label_protocol
        if isinstance(info.label_protocol, str)
        else " ".join(map(str, info.label_protocol or ())),
        "atlas": info.atlas_space,
        "spacing": f"{info.spacing_mm:g} mm",
        "licence": info.licence,
        "trained on": info.trained_on,
        **{key.replace("_", " "): str(value) for key, value in info.provenance.items()},
        **{key: f"{value:g}" if isinstance(value, float) else str(value) for key, value in info.metrics.items()},
        "SHA-256 of the weights": info.sha256,
    }


@app.command()
def show(model: Annotated[str, typer.Argument(help="Name of a model, or its folder.")]) -> None:
    """Print the card of a model: what it learnt from, under which licences, how good it was. Loads nothing."""
    from BrainFMEngine.models.card import card_markdown
    from BrainFMEngine.models.store import resolve_model
    from BrainFMEngine.network.info import read_info

    typer.echo(card_markdown(read_info(resolve_model(model))))


@app.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(help="A .pth file of the authors, a model folder, a training run, or its checkpoint.")
    ],
    name: Annotated[str | None, typer.Option(help="Name to store it under.")] = None,
    title: Annotated[str, typer.Option(help="What users will read in lists of models.")] = "",
    head: Annotated[Path | None, typer.Option(help="Separate head file of Brain-ID.")] = None,
    progress: _ProgressOption = Progress.rich,
    stdin: _StdinOption = False,
) -> None:
    """Check a model, convert it once to safetensors and store it. Nothing in the file is executed."""
    from BrainFMEngine.cli.model_runs import require_packages, run_with_events, store_model

    def work(told: Told) -> ModelInfo:
        require_packages()
        told.stage("checking and converting", 0.0)
        return store_model(file, name, head, title)

    if progress is Progress.json:
        raise typer.Exit(run_with_events(str(file), work, "Nothing was stored", stdin))
    with stopped_by_stdin(stdin):
        info = work(SilentProgress())
    _tell_stored(info)


def _tell_stored(info: ModelInfo) -> None:
    from BrainFMEngine.models.store import models_folder

    typer.echo(f"{info.name}: stored in {models_folder() / info.name}")
    typer.echo(f"tasks: {' '.join(info.tasks) or 'none'}")
    if "verified" in info.provenance:
        typer.echo(info.provenance["verified"])


@app.command("download")
def download_model(
    name: Annotated[str, typer.Argument(help="A name of the catalogue; see 'list'.")],
    progress: _ProgressOption = Progress.rich,
    stdin: _StdinOption = False,
) -> None:
    """Download a model, verify it, convert it to safetensors and store it; an interrupted download is resumed."""
    from BrainFMEngine.cli.model_runs import TransferReporter, check_download, download_and_import, run_with_events

    def work(reporter: TransferReporter) -> ModelInfo:
        return download_and_import(check_download(name), reporter, reporter.received)

    if progress is Progress.json:
        kept = "What has arrived is kept; the next download goes on from there"
        raise typer.Exit(run_with_events(name, work, kept, stdin))
    entry = check_download(name)
    typer.echo(f"{entry.title}; licence: {entry.licence}; {entry.evidence}")
    with stopped_by_stdin(stdin), _bar(progress is Progress.rich) as told:
        info = download_and_import(entry, told, lambda present, total: None)
    _tell_stored(info)


@contextmanager
def _bar(wanted: bool) -> Iterator[Told]:
    """Show a progress bar on standard error if it is wanted and a person looks at it."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    class BarProgress(SilentProgress):
        def stage(self, name: str, fraction: float) -> None:
            bar.update(line, description=name, completed=fraction)

    console = Console(stderr=True)
    with Bar(console=console, transient=True, disable=not (wanted and console.is_terminal)) as bar:
        line: Any = bar.add_task("download", total=1.0)
        yield BarProgress()


@app.command()
def remove(name: Annotated[str, typer.Argument(help="Name of an installed model.")]) -> None:
    """Delete an installed model; bundled models stay."""
    from BrainFMEngine.models.store import remove_model

    remove_model(name)
    typer.echo(f"{name}: removed")
