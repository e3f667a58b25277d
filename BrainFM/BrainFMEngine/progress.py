"""How long work tells what it is doing: one small interface, no dependency."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Receiver of what happens during a run; the command line shows it, a program reads it."""

    def stage(self, name: str, fraction: float) -> None:
        """Report that `name` is going on and `fraction` (0..1) of the whole job is done."""

    def warning(self, message: str) -> None:
        """Report something doubtful that does not stop the run."""


class SilentProgress:
    """Keeps warnings, shows nothing; the default from Python."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def stage(self, name: str, fraction: float) -> None:
        """Ignore the stage."""

    def warning(self, message: str) -> None:
        """Keep the warning."""
        self.warnings.append(message)


class PartialProgress:
    """Progress of one part of a job as a part of the whole: 0..1 of it is `low`..`high` of the job."""

    def __init__(self, progress: Progress, low: float, high: float):
        self._progress, self._low, self._high = progress, low, high

    def stage(self, name: str, fraction: float) -> None:
        """Pass the stage on."""
        self._progress.stage(name, self._low + fraction * (self._high - self._low))

    def warning(self, message: str) -> None:
        """Pass the warning on."""
        self._progress.warning(message)
