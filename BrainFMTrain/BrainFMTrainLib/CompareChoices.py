"""What can be compared, and on what: models, the weights of runs, subjects, and the images that a subject offers."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

from BrainFMEngine.generator.tissues import CONTRASTS
from BrainFMLib.ModelManager import ModelRow
from slicer.i18n import tr as _

from BrainFMTrainLib.DatasetRows import SubjectRow
from BrainFMTrainLib.Recipes import Choice

READY = ("bundled", "installed")
CHECKPOINTS = "checkpoints"
PARTS = ("validation", "test", "", "train")
"""Whose subjects are offered first: those that no model has learnt from."""


def modelSteps(models: Iterable[ModelRow], runs: Iterable[Path]) -> Generator[None, None, list[Choice]]:
    """Return what can be run: models that are here, and the best and the last weights of each run; a run a step."""
    choices = [Choice(row.name, row.title) for row in models if row.state in READY]
    for folder in runs:
        choices += _ofRun(folder)
        yield
    return choices


def subjectChoices(rows: Iterable[SubjectRow]) -> list[Choice]:
    """Return the subjects to try models on, those that are held out first."""
    usable = [row for row in rows if (row.labels or row.contrasts) and row.part in PARTS]
    ordered = sorted(usable, key=lambda row: PARTS.index(row.part))
    return [Choice(row.name, f"{row.name} ({_partTitle(row)})") for row in ordered]


def inputChoices(row: SubjectRow | None) -> list[Choice]:
    """Return what a subject can be shown as: its own scans, then what can be painted from its labels."""
    if row is None:
        return []
    scans = [Choice(f"real {name}", _("its {contrast} scan").format(contrast=name)) for name in sorted(row.contrasts)]
    if not row.labels:
        return scans
    painted = _("painted like {contrast}")
    random = [Choice(f"synthetic random-{n}", _("painted at random, {n}").format(n=n)) for n in (1, 2)]
    return [*scans, *(Choice(f"synthetic {name}", painted.format(contrast=name)) for name in CONTRASTS), *random]


def _partTitle(row: SubjectRow) -> str:
    return _("was trained on") if row.part == "train" else row.partTitle()


def _ofRun(folder: Path) -> Iterator[Choice]:
    titles = {"best": _("{run}: best weights, step {step}"), "last": _("{run}: last weights, step {step}")}
    for name, title in titles.items():
        path = folder / CHECKPOINTS / f"{name}.pt"
        step = _stepOf(path)
        if step is not None:
            yield Choice(str(path), title.format(run=folder.name, step=step))


def _stepOf(checkpoint: Path) -> int | None:
    """Return the step of a checkpoint from the small file beside it, None if it is not complete."""
    try:
        return int(json.loads(checkpoint.with_suffix(".json").read_bytes())["step"]) if checkpoint.is_file() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
