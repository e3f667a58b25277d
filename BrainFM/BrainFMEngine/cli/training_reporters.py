"""Telling how a training goes: a line a step for people, JSON lines for programs, or only what is wrong.

The JSON protocol: one object a line on standard output, each with "event". "start" comes first and names the
protocol's version; then "step" with "eta" after it, "validation", "checkpoint", "image", "warning" and "error"; "done"
is last. A number that is not finite is null.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any, TextIO

from BrainFMEngine import __version__
from BrainFMEngine.cli.reporting import PROTOCOL_VERSION, as_explained
from BrainFMEngine.training.events import TrainingEvents

SHOWN = (
    "loss",
    "seg/mean Dice",
    "registration/median error in brain",
    "distance/L1 inside ±3 mm",
    "bias/norm-L2 in brain",
)
"""Numbers of a validation that people are shown."""


class TrainingReporter(TrainingEvents):
    """Prints warnings and errors on standard error; the base of the others and the one for `--progress none`."""

    @contextmanager
    def running(self, folder: Path) -> Iterator[TrainingReporter]:
        """Bracket a run."""
        yield self

    def warning(self, message: str) -> None:
        """Report something doubtful."""
        self.line(f"warning: {message}")

    def error(self, error: BaseException) -> int:
        """Report that the run failed; return the exit code."""
        explained = as_explained(error)
        self.line(f"error: {' '.join(str(explained).split())}")
        return explained.code

    def text(self, text: str) -> None:
        """Tell a result in words."""
        self.line(text)

    def done(self, code: int, result: Mapping[str, Any], seconds: float) -> None:
        """Report the end: exit code, and what is where."""

    def line(self, text: str) -> None:
        """Print a line on standard error."""
        tell(sys.stderr, f"{text}\n")


class LineReporter(TrainingReporter):
    """Shows a line a step, overwritten on a terminal, and what else happens."""

    def step(self, step: int, steps: int, values: Mapping[str, Any], seconds_left: float | None) -> None:
        """Show the loss and the time left."""
        left = "" if seconds_left is None else f"  {_clock(seconds_left)} left"
        text = f"step {step}/{steps}  loss {values['loss']:.4f}  {values['seconds']:.2f} s{left}"
        if _is_terminal():
            tell(sys.stderr, f"\r\x1b[2K{text}")
        else:
            self.line(text)

    def validation(self, step: int, metrics: Mapping[str, float], best: bool) -> None:
        """Show the numbers that tell most; `metrics.csv` has all."""
        shown = {name: value for name, value in metrics.items() if name in SHOWN or name.endswith("SSIM in brain")}
        numbers = "  ".join(f"{name} {value:.4g}" for name, value in shown.items())
        self.line(f"validation at step {step}{' (best)' if best else ''}: {numbers}")

    def done(self, code: int, result: Mapping[str, Any], seconds: float) -> None:
        """Say how it ended and where the weights are."""
        if result.get("step") is None:
            return
        why = f"stopped at step {result['step']}: {result['reason']}" if result["reason"] else "all steps are done"
        self.line(f"{why}; weights in {result['model']}" if result["model"] else why)

    def line(self, text: str) -> None:
        """Print a line, below the one of the step."""
        if _is_terminal():
            tell(sys.stderr, "\r\x1b[2K")
        super().line(text)


class JsonTrainingReporter(TrainingReporter):
    """Writes JSON lines to standard output; whatever else is printed goes to standard error."""

    def __init__(self) -> None:
        self.stream = sys.stdout

    @contextmanager
    def running(self, folder: Path) -> Iterator[TrainingReporter]:
        """Announce the protocol, and keep other output off the stream."""
        with redirect_stdout(sys.stderr):
            self._send("start", protocol=PROTOCOL_VERSION, version=__version__, run=str(folder.absolute()))
            yield self

    def step(self, step: int, steps: int, values: Mapping[str, Any], seconds_left: float | None) -> None:
        """Send the step and the time left."""
        self._send("step", step=step, steps=steps, **values)
        self._send("eta", step=step, seconds=seconds_left)

    def validation(self, step: int, metrics: Mapping[str, float], best: bool) -> None:
        """Send the numbers."""
        self._send("validation", step=step, best=best, metrics=dict(metrics))

    def checkpoint(self, step: int, name: str, path: Path) -> None:
        """Send a checkpoint's name and path."""
        self._send("checkpoint", step=step, name=name, path=str(path.absolute()))

    def image(self, step: int, path: Path) -> None:
        """Send a picture's path."""
        self._send("image", step=step, path=str(path.absolute()))

    def warning(self, message: str) -> None:
        """Send a warning."""
        self._send("warning", message=message)

    def error(self, error: BaseException) -> int:
        """Send the error, and print it for the log."""
        explained = as_explained(error)
        self._send("error", code=explained.code, message=explained.message, hint=explained.hint)
        return super().error(explained)

    def done(self, code: int, result: Mapping[str, Any], seconds: float) -> None:
        """Send the last line."""
        self._send("done", code=code, seconds=round(seconds, 3), **result)

    def _send(self, event: str, **values: Any) -> None:
        tell(self.stream, json.dumps({"event": event, **_finite(values)}, allow_nan=False) + "\n")


def tell(stream: TextIO | None, text: str) -> None:
    """Write a text at once; a run goes on although nobody listens any more."""
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):  # what Python flushes at its end goes nowhere, too
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _finite(value: Any) -> Any:
    """Replace numbers that JSON doesn't have."""
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"


REPORTERS = {"rich": LineReporter, "json": JsonTrainingReporter, "none": TrainingReporter}
