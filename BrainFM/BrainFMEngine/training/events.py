"""How a run tells what it is doing: one small interface; the command line shows it, a program reads it. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class TrainingEvents:
    """Receiver of what happens; this one ignores everything."""

    def step(self, step: int, steps: int, values: Mapping[str, Any], seconds_left: float | None) -> None:
        """Report a finished step: its losses and times, and the estimated time to the end of the run."""

    def validation(self, step: int, metrics: Mapping[str, float], best: bool) -> None:
        """Report the numbers of a validation and whether it is the best so far."""

    def checkpoint(self, step: int, name: str, path: Path) -> None:
        """Report a checkpoint that is complete."""

    def image(self, step: int, path: Path) -> None:
        """Report a picture that is complete."""

    def warning(self, message: str) -> None:
        """Report something doubtful that does not stop the run."""
