"""Telling what happens: a bar for people, JSON lines for programs, or only what is wrong.

The JSON protocol: one object a line on standard output, each with "event". "start" comes first and names the
protocol's version; then "progress", "warning", "output" and "error" with the "input" they are about; "done" is last.
Everything else, from this program or a library, goes to standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, TextIO

from BrainFMEngine import __version__
from BrainFMEngine.cli.logs import write_error_log
from BrainFMEngine.errors import BrainFMError

PROTOCOL_VERSION = 1
UNEXPECTED_CODE = 1


def prepare_streams() -> None:
    """Let names that the terminal's encoding lacks be printed with escapes instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def write_line(stream: TextIO, text: str) -> None:
    """Write one line at once, so that a reader at the other end of a pipe sees it."""
    stream.write(f"{text}\n")
    stream.flush()


def as_explained(error: BaseException) -> BrainFMError:
    """Return the error as one that has a sentence; an unforeseen one goes to a log file first."""
    if isinstance(error, BrainFMError):
        return error
    log = write_error_log(error)
    summary = " ".join(str(error).split()) or type(error).__name__
    hint = f"details in {log}" if log else "no log could be written"
    explained = BrainFMError(f"unexpected {type(error).__name__}: {summary[:200]}", hint)
    explained.code = UNEXPECTED_CODE
    return explained


def explain(error: BaseException, about: str = "") -> int:
    """Print one line about an error on standard error and return the exit code."""
    explained = as_explained(error)
    text = " ".join(str(explained).split())
    write_line(sys.stderr, f"error: {about}{': ' if about else ''}{text}")
    return explained.code


class Reporter:
    """Prints warnings and errors on standard error; the base of the others and the one for `--progress none`.

    It is the `Progress` of every scan: `begin` says which one is at hand.
    """

    def __init__(self) -> None:
        self.inputs: list[str] = []
        self.index = 0

    @contextmanager
    def running(self, inputs: Sequence[Path]) -> Iterator[None]:
        """Bracket a run over `inputs`."""
        self.inputs = [str(path) for path in inputs]
        yield

    @property
    def current(self) -> str:
        """The input at hand, "" before the first."""
        return self.inputs[self.index] if self.inputs else ""

    def begin(self, index: int) -> None:
        """Go to the next input."""
        self.index = index

    def stage(self, name: str, fraction: float) -> None:
        """Report that `name` is going on and `fraction` (0..1) of the input at hand is done."""

    def warning(self, message: str) -> None:
        """Report something doubtful."""
        self.line(f"warning: {self._prefix()}{message}")

    def output(self, kind: str, path: Path) -> None:
        """Report a file that is complete."""

    def error(self, error: BaseException) -> int:
        """Report that the input at hand, or the whole run, failed; return the exit code."""
        explained = as_explained(error)
        self.line(f"error: {self._prefix()}{' '.join(str(explained).split())}")
        return explained.code

    def done(self, code: int, results: list[dict[str, Any]], seconds: float) -> None:
        """Report the end: the exit code and, for each input, `input`, `code` and `folder` (None if it failed)."""
        if len(results) > 1:
            failed = [result["input"] for result in results if result["code"]]
            text = f"{len(results) - len(failed)} of {len(results)} scans done"
            self.line(f"{text}; failed: {', '.join(failed)}" if failed else text)

    def tell(self, event: str, text: str, **values: Any) -> None:
        """Report a fact: a line for people, for programs an event of that name with its values."""
        self.line(text)

    def line(self, text: str) -> None:
        """Print a line on standard error."""
        write_line(sys.stderr, text)

    def _prefix(self) -> str:
        return f"{Path(self.current).name}: " if len(self.inputs) > 1 else ""


class JsonReporter(Reporter):
    """Writes JSON lines to standard output; whatever else is printed goes to standard error."""

    def __init__(self, stream: TextIO | None = None):
        super().__init__()
        self.stream = stream or sys.stdout

    @contextmanager
    def running(self, inputs: Sequence[Path]) -> Iterator[None]:
        """Announce the protocol, and keep other output off the stream."""
        with super().running(inputs), redirect_stdout(sys.stderr):
            self._send("start", protocol=PROTOCOL_VERSION, version=__version__, inputs=self.inputs)
            yield

    def stage(self, name: str, fraction: float) -> None:
        """Send the fraction of the input and of all inputs."""
        total = (self.index + fraction) / max(len(self.inputs), 1)
        self._send("progress", input=self.current, stage=name, fraction=round(fraction, 4), total=round(total, 4))

    def warning(self, message: str) -> None:
        """Send a warning."""
        self._send("warning", input=self.current, message=message)

    def output(self, kind: str, path: Path) -> None:
        """Send the kind and absolute path of a file."""
        self._send("output", input=self.current, kind=kind, path=str(path.absolute()))

    def error(self, error: BaseException) -> int:
        """Send the error, and print it for the log."""
        explained = as_explained(error)
        about = {"input": self.current, "code": explained.code}
        self._send("error", **about, message=explained.message, hint=explained.hint)
        return super().error(explained)

    def tell(self, event: str, text: str, **values: Any) -> None:
        """Send an event."""
        self._send(event, **values)

    def done(self, code: int, results: list[dict[str, Any]], seconds: float) -> None:
        """Send the last line."""
        self._send("done", code=code, results=results, seconds=round(seconds, 3))

    def _send(self, event: str, **values: Any) -> None:
        write_line(self.stream, json.dumps({"event": event, **values}))


class BarReporter(Reporter):
    """Shows a bar with stage, percent and time left on a terminal, and the folders of results."""

    def __init__(self) -> None:
        super().__init__()
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal)
        self.task = self.bar.add_task("starting", total=1.0)

    @contextmanager
    def running(self, inputs: Sequence[Path]) -> Iterator[None]:
        """Show the bar meanwhile."""
        with super().running(inputs), self.bar:
            yield

    def stage(self, name: str, fraction: float) -> None:
        """Move the bar."""
        from rich.markup import escape

        total = (self.index + fraction) / max(len(self.inputs), 1)
        self.bar.update(self.task, completed=total, description=escape(f"{self._prefix()}{name}"))

    def done(self, code: int, results: list[dict[str, Any]], seconds: float) -> None:
        """Say where the results are, and which scans failed."""
        for result in results:
            if result["folder"]:
                self.line(f"results in {result['folder']}")
        super().done(code, results, seconds)

    def line(self, text: str) -> None:
        """Print above the bar."""
        self.console.print(text, markup=False)


REPORTERS = {"rich": BarReporter, "json": JsonReporter, "none": Reporter}
