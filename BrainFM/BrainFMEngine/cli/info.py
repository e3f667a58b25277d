"""`brainfm info`: what this installation and this machine are."""

from __future__ import annotations

import json
import platform
from typing import Annotated, Any

import typer

from BrainFMEngine import __version__


def info(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show versions, devices, free memory and the folder of models."""
    facts = collect_facts()
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    for name in ("version", "python", "system", "torch"):
        typer.echo(f"{name:<14}{facts[name]}")
    for device in facts["devices"]:
        memory = f", {device['memory_bytes'] / 2**30:.1f} GiB" if device["memory_bytes"] else ""
        typer.echo(f"{'device':<14}{device['name']}: {device['title']}{memory}")
    typer.echo(f"{'free memory':<14}{facts['free_memory_bytes'] / 2**30:.1f} GiB")
    typer.echo(f"{'models':<14}{facts['models_folder']}")


def collect_facts() -> dict[str, Any]:
    """Return versions, devices, free memory (bytes) and the folder of models, as JSON values."""
    import torch

    from BrainFMEngine.inference.available import host_available_bytes
    from BrainFMEngine.inference.device import list_devices
    from BrainFMEngine.models.store import models_folder

    return {
        "version": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "torch": str(torch.__version__),
        "devices": [vars(device) for device in list_devices()],
        "free_memory_bytes": host_available_bytes(),
        "models_folder": str(models_folder()),
    }
