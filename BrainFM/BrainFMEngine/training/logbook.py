"""What a run writes down: every step as a JSON line, metrics as CSV, both in TensorBoard where that is installed.

A resumed run continues at a checkpoint's step; what had been written after it is dropped first, so that the files read
as if the run had never been interrupted.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from BrainFMEngine.training.rotating_lines import RotatingLines

LOG_NAME, METRICS_NAME, TENSORBOARD_NAME = "log.jsonl", "metrics.csv", "tensorboard"
MAX_LOG_BYTES, LOG_FILES = 10_000_000, 5
METRIC_COLUMNS = ("step", "metric", "value")


class Logbook:
    """The logs of a run. A context manager.

    `log.jsonl` (10 MB, the four before it are kept as log.1.jsonl to log.4.jsonl) has one object a step, and one a
    validation, which has "validation" in place of the losses;
    `metrics.csv` is tidy, one number a row: step, metric, value.

    Args:
        folder: the run's; must be there.
        step: the step that the run continues at, 0 for a new run; lines about later steps are dropped.
        tensorboard: whether to write for TensorBoard if it is installed.
        tensorboard_every: which steps go there; metrics always do.

    Raises:
        FileAccessError: disk full, no permission, also in the methods.
    """

    def __init__(self, folder: Path, step: int, tensorboard: bool = True, tensorboard_every: int = 10):
        self.folder, self.tensorboard_every = folder, max(1, tensorboard_every)
        self._log = RotatingLines(folder / LOG_NAME, MAX_LOG_BYTES, LOG_FILES)
        self._metrics = RotatingLines(folder / METRICS_NAME, max_bytes=None)
        self._use_tensorboard = tensorboard and importlib.util.find_spec("tensorboard") is not None
        self._board: Any = None
        self.rewind(step)

    def rewind(self, step: int) -> None:
        """Drop what was written about steps after `step` (on resume; on a roll-back if its steps shall not show)."""
        self._log.keep(lambda line: _log_step(line) <= step)
        self._metrics.keep(lambda line: _metric_step(line) <= step)
        if self._metrics.size == 0:
            self._metrics.write(_row(*METRIC_COLUMNS))
        if self._use_tensorboard:
            self._close_board()
            self._board = _summary_writer(self.folder / TENSORBOARD_NAME, step + 1)

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Write the line of a step.

        Args:
            step: its number; the first is 1.
            values: what JSON can hold, keys other than "step"; NaN and infinity become null.
        """
        record = {"step": step, **{key: _finite(value) for key, value in values.items()}}
        self._log.write(json.dumps(record, allow_nan=False))
        if step % self.tensorboard_every == 0:
            self._show("train", step, values)

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """Write numbers about the state after a step, such as "validation/dice"; NaN and infinity are left empty."""
        for name, value in values.items():
            number = _finite(float(value))
            self._metrics.write(_row(step, name, "" if number is None else repr(number)))
        self._show("", step, values)

    def validation(self, step: int, values: Mapping[str, float], best: bool) -> None:
        """Write the numbers of a validation: into `metrics.csv`, and as a line of `log.jsonl` without a loss."""
        self.metrics(step, {f"validation/{name}": value for name, value in values.items()})
        self.log(step, {"validation": dict(values), "best": best})

    def sync(self) -> None:
        """Make everything written so far survive a power loss; call it before a checkpoint is saved."""
        self._log.sync()
        self._metrics.sync()
        if self._board is not None:
            self._board.flush()

    def close(self) -> None:
        """Close all files."""
        self._log.close()
        self._metrics.close()
        self._close_board()

    def __enter__(self) -> Logbook:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _show(self, group: str, step: int, values: Mapping[str, Any]) -> None:
        if self._board is None:
            return
        for name, value in values.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                self._board.add_scalar(f"{group}/{name}" if group else name, value, step)

    def _close_board(self) -> None:
        if self._board is not None:
            self._board.close()
            self._board = None


def read_log(folder: Path) -> list[dict[str, Any]]:
    """Return the lines of `log.jsonl` and the files before it, oldest first; a line still being written is left out."""
    lines: list[dict[str, Any]] = []
    older = (folder / f"log.{number}.jsonl" for number in range(LOG_FILES - 1, 0, -1))
    for path in (*older, folder / LOG_NAME):
        if path.exists():
            complete = path.read_bytes().split(b"\n")[:-1]
            lines += [json.loads(line) for line in complete if _log_step(line) < math.inf]
    return lines


def _summary_writer(folder: Path, purge_step: int) -> Any:
    """Return TensorBoard's writer; it ignores what older files of the folder say from `purge_step` on."""
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=purge_step)


def _log_step(line: bytes) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf


def _metric_step(line: bytes) -> float:
    first = line.decode("utf-8", "replace").split(",", 1)[0]
    if first == METRIC_COLUMNS[0]:
        return -math.inf
    try:
        return int(first)
    except ValueError:
        return math.inf


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _row(*values: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()
