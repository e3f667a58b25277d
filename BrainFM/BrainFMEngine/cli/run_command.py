"""The frame around a command's work: what is told first and last, and every error as a sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from BrainFMEngine.cli.interrupt import Interrupted
from BrainFMEngine.cli.reporting import Reporter
from BrainFMEngine.errors import CancelledError

Result = dict[str, Any]
NOTHING_WRITTEN = "Nothing was written"


def run_command(
    reporter: Reporter,
    inputs: Sequence[Path],
    results: list[Result],
    work: Callable[[], int],
    when_cancelled: str | Callable[[], str] = NOTHING_WRITTEN,
) -> int:
    """Do the work of a command and return its exit code.

    Args:
        reporter: told the beginning, errors and the end.
        inputs: what the work is about.
        results: told at the end, see `Reporter.done`; `work` may fill it. One without a code gets that of the command.
        work: returns the exit code.
        when_cancelled: what the user is told then of the work that was done; it may be asked for at that moment.
    """
    start = time.perf_counter()
    with reporter.running(inputs):
        try:
            code = work()
        except (Interrupted, KeyboardInterrupt):
            hint = when_cancelled if isinstance(when_cancelled, str) else when_cancelled()
            code = reporter.error(CancelledError(hint=hint))
        except Exception as error:  # every error ends as a sentence
            code = reporter.error(error)
        for result in results:
            result["code"] = code if result["code"] is None else result["code"]
        reporter.done(code, results, time.perf_counter() - start)
    return code


def result_of(path: Path) -> Result:
    """Return the result of an input that is not done yet."""
    return {"input": str(path), "code": None, "folder": None}
