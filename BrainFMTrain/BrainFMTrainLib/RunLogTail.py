"""What a run writes down, as it comes: the steps of log.jsonl and its older files, the scores of metrics.csv."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from BrainFMEngine.training.logbook import LOG_FILES, LOG_NAME, METRICS_NAME

from BrainFMTrainLib.LineTail import LineTail

MAX_STEP = 10**9
"""What claims a later step is no line of a log."""
VALIDATION = "validation/"


class RunLogTail(LineTail):
    """The steps of a run. Lines that are none are left out."""

    def __init__(self, folder: Path):
        super().__init__(folder / LOG_NAME, LOG_FILES)

    def read(self) -> list[dict[str, Any]]:
        """Return some more steps: "step", its losses, "lr", "seconds", …"""
        return [step for line in self.readBlock() if (step := _stepOf(line)) is not None]


class ScoreTail(LineTail):
    """The scores of the validations; this file is small and never rotated."""

    def __init__(self, folder: Path):
        super().__init__(folder / METRICS_NAME)

    def read(self) -> list[dict[str, Any]]:
        """Return some more scores: "step" and the score by its name, one a row."""
        return [score for line in self.readBlock() if (score := _scoreOf(line)) is not None]


def _stepOf(line: bytes) -> dict[str, Any] | None:
    try:
        step = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return step if isinstance(step, dict) and _isStep(step.get("step")) else None


def _scoreOf(line: bytes) -> dict[str, Any] | None:
    try:
        (step, name, value), *_rest = csv.reader([line.decode("utf-8")])
        number = {"step": int(step), name.removeprefix(VALIDATION): float(value)}
    except (ValueError, csv.Error):
        return None
    return number if _isStep(number["step"]) else None


def _isStep(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_STEP
