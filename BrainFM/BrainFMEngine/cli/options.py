"""Options that several commands have, each with one name, one text and one meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from BrainFMEngine.cli.predict import Progress

DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
LabelMapOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="CSV id,known_id for labels that are not known.")
]
ProgressOption = Annotated[Progress, typer.Option(help="A bar, JSON lines on standard output, or nothing.")]
