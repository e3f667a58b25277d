"""Rows as files: a tidy CSV for programs, and a Markdown summary (mean ± standard deviation, number) for people."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from BrainFMEngine.evaluation.row import Row

COLUMNS = tuple(item.name for item in fields(Row))
ONE_STRUCTURE = "Dice "
TITLES = {
    "seg": "Anatomy",
    "registration": "Atlas coordinates",
    "distance": "Cortical distances",
    "bias": "Bias field",
    "T1w": "Synthesis of T1w",
    "T2w": "Synthesis of T2w",
    "FLAIR": "Synthesis of FLAIR",
    "CT": "Synthesis of CT",
    "highres": "Super-resolution",
}


@dataclass(frozen=True)
class Summary:
    """All values of one metric for one input; `input` is "all synthetic" or "all real" over several.

    Attributes:
        mean, sd: in `unit`; the standard deviation of a sample, None for a single value.
        count: of values.
    """

    input: str
    task: str
    metric: str
    unit: str
    mean: float
    sd: float | None
    count: int

    def __str__(self) -> str:
        spread = "" if self.sd is None else f" ± {_short(self.sd)}"
        return f"{_short(self.mean)}{spread} ({self.count})"


def write_csv(path: Path, rows: Iterable[Row]) -> None:
    """Write one line a row under the columns subject, input, task, metric, value, unit (UTF-8)."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(asdict(row) | {"value": f"{row.value:.6g}"} for row in rows)


def summarise(rows: Iterable[Row]) -> list[Summary]:
    """Return the mean of every metric for each input, and over all inputs of an origin where there are several."""
    found: dict[tuple[str, str, str, str], list[float]] = {}
    inputs: dict[str, dict[str, None]] = {}
    for row in rows:
        origin = row.input.split(" ")[0]
        inputs.setdefault(origin, {})[row.input] = None
        for name in (row.input, f"all {origin}"):
            found.setdefault((name, row.task, row.metric, row.unit), []).append(row.value)
    single = {f"all {origin}" for origin, names in inputs.items() if len(names) == 1}
    return [_summary(key, values) for key, values in found.items() if key[0] not in single]


def _summary(key: tuple[str, str, str, str], values: list[float]) -> Summary:
    spread = statistics.stdev(values) if len(values) > 1 else None
    return Summary(*key, statistics.fmean(values), spread, len(values))


def to_markdown(rows: Sequence[Row]) -> str:
    """Return a table for each task, a line an input, and one of the structures' Dice; "" without rows."""
    summaries = summarise(rows)
    parts = []
    for task in dict.fromkeys([*TITLES, *(item.task for item in summaries)]):
        cells = {(item.input, _heading(item)): str(item) for item in summaries if _belongs(item, task)}
        if cells:
            parts.append(f"## {TITLES.get(task, task)}\n\n{_table('input', cells)}")
    structures = {
        (item.metric.removeprefix(ONE_STRUCTURE), item.input): _short(item.mean)
        for item in summaries
        if item.metric.startswith(ONE_STRUCTURE)
    }
    if structures:
        parts.append(f"## Dice of each structure\n\n{_table('structure', structures)}")
    return "\n".join(parts)


def _belongs(item: Summary, task: str) -> bool:
    return item.task == task and not item.metric.startswith(ONE_STRUCTURE)


def _heading(item: Summary) -> str:
    return f"{item.metric}, {item.unit}" if item.unit and item.unit not in item.metric else item.metric


def _table(corner: str, cells: dict[tuple[str, str], str]) -> str:
    """Lay cells (line, column) -> text out; inputs over which others are averaged come last."""
    lines, columns = (sorted(dict.fromkeys(keys), key=_is_total) for keys in zip(*cells, strict=True))
    head = [[corner, *columns], ["---"] * (len(columns) + 1)]
    body = [[line, *(cells.get((line, column), "–") for column in columns)] for line in lines]
    return "".join(f"| {' | '.join(words)} |\n" for words in head + body)


def _is_total(name: str) -> bool:
    return name.startswith("all ")


def _short(value: float) -> str:
    """Return three decimals below 10, one above."""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
