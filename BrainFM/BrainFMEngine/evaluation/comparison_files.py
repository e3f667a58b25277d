"""What a comparison leaves: images on one grid, `comparison.json` for programs and `summary.md` for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from BrainFMEngine import __version__
from BrainFMEngine.evaluation.case import Case
from BrainFMEngine.evaluation.comparison import Attempt, ScoreLine, side_by_side
from BrainFMEngine.evaluation.maps import LABELS, Maps
from BrainFMEngine.evaluation.tables import TITLES
from BrainFMEngine.image.write import write_image
from BrainFMEngine.outputs.report import STATEMENT
from BrainFMEngine.tasks import TASKS

COMPARISON, SUMMARY = "comparison.json", "summary.md"
IMAGE, REFERENCE = "input", "reference"
SIDES = ("first", "second")


def write_comparison(
    folder: Path, case: Case, attempts: Sequence[Attempt], sources: Sequence[str], ending: str
) -> dict[str, Any]:
    """Write everything into a folder that is being made.

    Args:
        folder: that the files go into.
        case: the input.
        attempts: one of each model.
        sources: what the user called the models.
        ending: of the images, ".nii" or ".nii.gz".

    Returns:
        the content of `comparison.json`.

    Raises:
        FileAccessError: it cannot be written.
    """
    write_image(folder / f"{IMAGE}{ending}", np.asarray(case.volume.array, np.float32), case.volume.grid)
    lines = list(side_by_side(attempts))
    record = {
        "format": 1,
        "statement": STATEMENT,
        "version": __version__,
        "written": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "subject": case.subject,
        "input": case.input,
        "image": f"{IMAGE}{ending}",
        "grid": {"shape": list(case.volume.grid.shape), "affine_ras": case.volume.grid.affine_ras.tolist()},
        "models": [_about(*pair) for pair in zip(attempts, sources, strict=True)],
        "maps": _write_maps(folder, case, attempts, ending),
        "scores": [_score(line) for line in lines],
    }
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / COMPARISON).write_text(text + "\n", encoding="utf-8")
    (folder / SUMMARY).write_text(_summary(record, lines), encoding="utf-8")
    return record


def _write_maps(folder: Path, case: Case, attempts: Sequence[Attempt], ending: str) -> list[dict[str, Any]]:
    known: Maps = {name: values for one in attempts for name, values in one.pair.truth.items()}
    columns = {**{side: one.pair.made for side, one in zip(SIDES, attempts, strict=True)}, REFERENCE: known}
    written = []
    for task in TASKS:
        for entry in task.maps:
            if not any(entry.name in one.pair.made for one in attempts) or entry.display == "coordinates":
                continue
            files = {}
            for column, maps in columns.items():
                if entry.name in maps:
                    files[column] = f"{column}_{entry.name}{ending}"
                    values = maps[entry.name].astype(np.int16 if entry.name == LABELS else np.float32, copy=False)
                    write_image(folder / files[column], values, case.volume.grid)
            about = {"name": entry.name, "title": entry.title, "display": entry.display, "unit": task.unit}
            written.append({**about, "files": files})
    return written


def _about(one: Attempt, source: str) -> dict[str, Any]:
    model = one.model
    about = {"source": source, "name": model.name, "title": model.title, "sha256": model.sha256}
    return {**about, "step": model.provenance.get("step", ""), "device": one.device, "warnings": one.warnings}


def _score(line: ScoreLine) -> dict[str, Any]:
    return {
        "task": line.task,
        "title": TITLES.get(line.task, line.task),
        "metric": line.metric,
        "unit": line.unit,
        "values": list(line.values),
        "difference": line.difference,
        "higher_is_better": line.higher_is_better,
        "main": line.main,
    }


def _summary(record: dict[str, Any], lines: Sequence[ScoreLine]) -> str:
    names = [model["title"] or model["name"] for model in record["models"]]
    head = ["", "", *names, "second − first"]
    rows = [[_cell(text) for text in head], ["---"] * len(head)]
    for line in lines:
        unit = f", {line.unit}" if line.unit and line.unit not in line.metric else ""
        numbers = [*line.values, line.difference]
        rows.append([TITLES.get(line.task, line.task), f"{line.metric}{unit}", *(_number(value) for value in numbers)])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"# {record['subject']}, {record['input']}: two models\n\n{table}\n\n{STATEMENT}\n"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _cell(text: str) -> str:
    return text.replace("|", "/")
