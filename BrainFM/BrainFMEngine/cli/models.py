"""`brainfm models`: list, inspect, import, download and remove models. Torch only where weights are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from BrainFMEngine.errors import BrainFMError

if TYPE_CHECKING:
    from BrainFMEngine.models.catalogue import CatalogueEntry
    from BrainFMEngine.network.info import ModelInfo
    from BrainFMEngine.progress import Progress

app = typer.Typer(help="List, inspect, import, download and remove models.", no_args_is_help=True)
_JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_models(as_json: _JsonOption = False) -> None:
    """List bundled, installed and downloadable models."""
    rows = _rows()
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    _print_table(["name", "title", "state", "tasks", "licence"], rows)


def _rows() -> list[dict[str, str]]:
    from BrainFMEngine.models.catalogue import catalogue
    from BrainFMEngine.models.store import list_models as stored_models

    rows = []
    for model in stored_models():
        state = "bundled" if model.bundled else "installed"
        info = model.info
        rows.append(
            {
                "name": model.name,
                "title": info.title if info else "",
                "state": state if info else f"refused: {model.problem}",
                "tasks": " ".join(info.tasks) if info else "",
                "licence": info.licence if info else "",
            }
        )
    present = {row["name"] for row in rows}
    for entry in catalogue():
        if entry.name not in present:
            state = "missing" if entry.bundled else f"download ({entry.evidence})"
            rows.append(
                {"name": entry.name, "title": entry.title, "state": state, "tasks": "", "licence": entry.licence}
            )
    return rows


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


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A .pth file of the authors, or a model folder.")],
    name: Annotated[str | None, typer.Option(help="Name to store it under.")] = None,
    head: Annotated[Path | None, typer.Option(help="Separate head file of Brain-ID.")] = None,
) -> None:
    """Check a model, convert it once to safetensors and store it. Nothing in the file is executed."""
    from BrainFMEngine.models.importing import import_model

    _tell_stored(import_model(file, name, head))


def _tell_stored(info: ModelInfo) -> None:
    from BrainFMEngine.models.store import models_folder

    typer.echo(f"{info.name}: stored in {models_folder() / info.name}")
    typer.echo(f"tasks: {' '.join(info.tasks) or 'none'}")
    if "verified" in info.provenance:
        typer.echo(info.provenance["verified"])


@app.command("download")
def download_model(name: Annotated[str, typer.Argument(help="A name of the catalogue; see 'list'.")]) -> None:
    """Download a model, verify it, convert it to safetensors and store it; an interrupted download is resumed."""
    from BrainFMEngine.errors import UsageError
    from BrainFMEngine.models.catalogue import find_entry
    from BrainFMEngine.models.store import new_model_folder

    entry = find_entry(name)
    if entry.bundled:
        raise UsageError(f"{name!r} comes with BrainFM and needs no download")
    new_model_folder(name)
    typer.echo(f"{entry.title}; licence: {entry.licence}; {entry.evidence}")
    _download_and_import(entry)


def _download_and_import(entry: CatalogueEntry) -> None:
    from BrainFMEngine.models.download import DownloadOptions, download
    from BrainFMEngine.models.store import home_folder

    target = home_folder() / "downloads" / entry.url.rsplit("/", 1)[-1]
    with _bar() as progress:
        download(entry.url, target, entry.sha256, DownloadOptions(max_bytes=entry.max_bytes), progress)

    from BrainFMEngine.models.importing import import_model

    try:
        _tell_stored(import_model(target, entry.name))
    except BrainFMError as error:
        error.hint = f"{error.hint} The downloaded file is kept: {target}".strip()
        raise
    with suppress(OSError):
        target.unlink()


@contextmanager
def _bar() -> Iterator[Progress]:
    """Show a progress bar on standard error, only where a person looks at it."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    from BrainFMEngine.progress import SilentProgress

    class BarProgress(SilentProgress):
        def stage(self, name: str, fraction: float) -> None:
            bar.update(line, description=name, completed=fraction)

    console = Console(stderr=True)
    with Bar(console=console, transient=True, disable=not console.is_terminal) as bar:
        line: Any = bar.add_task("download", total=1.0)
        yield BarProgress()


@app.command()
def remove(name: Annotated[str, typer.Argument(help="Name of an installed model.")]) -> None:
    """Delete an installed model; bundled models stay."""
    from BrainFMEngine.models.store import remove_model

    remove_model(name)
    typer.echo(f"{name}: removed")
