"""The losses of runs as one chart, the scores of their validations as another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from BrainFMTrainLib.CurveNames import TOTAL, VALIDATION_LOSS, lossTitle, scoreTitle
from BrainFMTrainLib.LossCurves import MAX_POINTS, LossCurves
from BrainFMTrainLib.RunChart import MOST_POINTS, Curve, RunChart
from BrainFMTrainLib.RunFollower import RunFollower

FEW_POINTS = 60
LEAST_POINTS = 200
COLORS = (
    (0.12, 0.35, 0.75),
    (0.90, 0.45, 0.05),
    (0.10, 0.58, 0.30),
    (0.80, 0.15, 0.20),
    (0.50, 0.30, 0.70),
    (0.05, 0.62, 0.70),
    (0.88, 0.40, 0.68),
    (0.55, 0.38, 0.22),
    (0.65, 0.62, 0.05),
    (0.45, 0.45, 0.45),
)
DARK = (0.10, 0.10, 0.10)


@dataclass(frozen=True)
class PlotChoice:
    """What is shown, and how.

    Attributes:
        losses, scores: names of the curves.
        smoothing: how many neighbours on either side are averaged with each point of a loss.
        log: whether the axis of the losses is logarithmic.
    """

    losses: Sequence[str]
    scores: Sequence[str]
    smoothing: int = 0
    log: bool = False


class LossPlot:
    """Of one run, each curve has a colour of its own; of several, each run has, and a curve its pattern."""

    def __init__(self) -> None:
        self.losses, self.scores = RunChart("losses"), RunChart("scores")
        self._places: dict[Path, int] = {}

    def show(self, runs: Sequence[RunFollower], choice: PlotChoice) -> None:
        """Bring both charts up to date; the first run is the selected one."""
        title = runs[0].folder.name if len(runs) == 1 else _("{n} runs").format(n=len(runs))
        lost = self._curves(runs, choice.losses, scores=False, smoothing=choice.smoothing)
        self.losses.show(lost, title, _("loss"), choice.log)
        self.scores.show(self._curves(runs, choice.scores, scores=True), title, _("score"))

    def color(self, folder: Path) -> tuple[float, float, float]:
        """Return the colour of a run among several; it keeps it."""
        place = self._places.setdefault(folder, len(self._places))
        return COLORS[place % len(COLORS)]

    def _curves(self, runs: Sequence[RunFollower], names: Sequence[str], scores: bool, **how: Any) -> list[Curve]:
        several, curves = len(runs) > 1, []
        most = max(LEAST_POINTS, min(MAX_POINTS, MOST_POINTS // max(len(runs) * len(names), 1)))
        for run in runs:
            for place, name in enumerate(names):
                steps, values = _pointsOf(run, name, scores, most=most, **how)
                if not steps.size:
                    continue
                title = scoreTitle(name) if scores else lossTitle(name)
                isTotal = not scores and name == TOTAL
                curves.append(
                    Curve(
                        title=f"{run.folder.name}: {title}" if several else title,
                        steps=steps,
                        values=values,
                        color=self.color(run.folder) if several else (DARK if isTotal else _colorOf(name, names)),
                        dash=place if several else 0,
                        wide=isTotal or name == VALIDATION_LOSS or scores,
                        marked=steps.size <= FEW_POINTS and (scores or name == VALIDATION_LOSS),
                    )
                )
        return curves


def _pointsOf(run: RunFollower, name: str, scores: bool, **how: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a curve; the loss of the validations stands among the losses."""
    ofValidation = scores or name == VALIDATION_LOSS
    curves: LossCurves = run.scores if ofValidation else run.curves
    wanted = TOTAL if name == VALIDATION_LOSS else name
    if wanted not in curves.names:
        return np.zeros(0), np.zeros(0)
    return curves.points(wanted, **({"most": how["most"]} if ofValidation else how))


def _colorOf(name: str, names: Sequence[str]) -> tuple[float, float, float]:
    others = [other for other in names if other != TOTAL]
    return COLORS[others.index(name) % len(COLORS)]
