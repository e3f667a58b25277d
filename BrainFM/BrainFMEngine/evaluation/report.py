"""What an evaluation leaves: `results.csv` and `report.json` for programs, `summary.md` for people."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from BrainFMEngine import __version__
from BrainFMEngine.evaluation.row import Row
from BrainFMEngine.evaluation.tables import summarise, to_markdown, write_csv
from BrainFMEngine.evaluation.unfinished import Measured
from BrainFMEngine.network.info import ModelInfo
from BrainFMEngine.outputs.report import STATEMENT

RESULTS, SUMMARY, REPORT = "results.csv", "summary.md", "report.json"


@dataclass(frozen=True)
class About:
    """What was evaluated.

    Attributes:
        model: which one.
        device: that it ran on.
        data: name of the data set.
        split: of it.
        subjects: of the split.
        options: name -> value.
    """

    model: ModelInfo
    device: str
    data: str
    split: str
    subjects: Sequence[str]
    options: dict[str, Any]


def write_report(
    folder: Path,
    about: About,
    measured: Sequence[Measured],
    failed: Mapping[str, str],
    pictures: Sequence[str],
    seconds: float,
) -> None:
    """Write the three files.

    Args:
        folder: that they are written into.
        about: what was evaluated.
        measured: in the order of the rows.
        failed: subject -> why it is left out.
        pictures: names of the files that lie beside.
        seconds: that this run took.
    """
    rows = [row for one in measured for row in one.rows]
    write_csv(folder / RESULTS, rows)
    text = f"{_heading(about, rows, failed)}\n{to_markdown(rows)}"
    (folder / SUMMARY).write_text(text, encoding="utf-8")
    model = about.model
    report = {
        "format": 1,
        "statement": STATEMENT,
        "version": __version__,
        "written": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "platform": {"python": platform.python_version(), "system": platform.platform()},
        "model": {"name": model.name, "title": model.title, "sha256": model.sha256},
        "data": {"name": about.data, "split": about.split, "subjects": list(about.subjects)},
        "options": about.options,
        "device": about.device,
        "seconds": round(seconds, 3),
        "failed": dict(failed),
        "warnings": {f"{one.subject}: {one.input}": one.warnings for one in measured if one.warnings},
        "summary": [asdict(item) for item in summarise(rows)],
        "outputs": [RESULTS, SUMMARY, *pictures],
    }
    text = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / REPORT).write_text(text + "\n", encoding="utf-8")


def _heading(about: About, rows: Sequence[Row], failed: Mapping[str, str]) -> str:
    """Return what the numbers are of."""
    model, count = about.model, len({row.subject for row in rows})
    lines = [
        f"# Evaluation of {model.title or model.name}",
        "",
        f"Model `{model.name}` (weights {model.sha256[:12] or 'unsaved'}), data `{about.data}`, "
        f"split `{about.split}`, {count} of {len(about.subjects)} subjects, brainfm {__version__}.",
        "Each number is the mean ± standard deviation over subjects (how many values), `all` over the inputs, too.",
        "",
    ]
    for name, message in failed.items():
        lines += [f"**Left out:** {name}: {message}", ""]
    return "\n".join(lines)
