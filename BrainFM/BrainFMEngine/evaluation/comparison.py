"""Two models on one input: what each made of it, the numbers beside each other, and what is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from BrainFMEngine.errors import UsageError, nearest_name
from BrainFMEngine.evaluation.case import REAL, Case, input_names, make_cases
from BrainFMEngine.evaluation.evaluate import compared
from BrainFMEngine.evaluation.row import Row
from BrainFMEngine.evaluation.score import ONE_DICE, Pair, score
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.inference.predictor import Predictor
from BrainFMEngine.network.info import ModelInfo

HIGHER_IS_BETTER = ("Dice", "PSNR", "SSIM")


@dataclass(frozen=True)
class Attempt:
    """What one model made of an input.

    Attributes:
        model: its description.
        device: that it ran on.
        pair: maps that it made, and those that are known.
        rows: the numbers.
        warnings: what is doubtful.
    """

    model: ModelInfo
    device: str
    pair: Pair
    rows: list[Row]
    warnings: list[str]


@dataclass(frozen=True)
class ScoreLine:
    """One number of several models.

    Attributes:
        task, metric, unit: as of a `Row`.
        values: one for each model; None where it offers no such task.
        higher_is_better: whether a higher value is the better one.
        main: whether it is the number that tells most about its task.
    """

    task: str
    metric: str
    unit: str
    values: tuple[float | None, ...]
    higher_is_better: bool
    main: bool

    @property
    def difference(self) -> float | None:
        """The last value minus the first; None if one is missing."""
        first, last = self.values[0], self.values[-1]
        return None if first is None or last is None else last - first


def find_case(subject: Subject, wanted: str | None = None, brain_mask: np.ndarray | None = None) -> Case:
    """Make one of a subject's inputs.

    Args:
        subject: of a data set.
        wanted: see `input_names`; None takes the subject's first real image or, without any, a painted T1.
        brain_mask: see `make_cases`.

    Raises:
        UsageError: the subject has no such input.
    """
    names = input_names(subject)
    if not names:
        raise UsageError(f"{subject.name} has neither labels nor images")
    name = wanted or next((name for name in names if name.startswith(REAL)), names[0])
    if name not in names:
        hint = nearest_name(name, names)
        raise UsageError(f"{subject.name} offers no input {name!r}", f"{hint} Inputs: {', '.join(names)}.".strip())
    without = [other for other in names if other != name]
    return next(iter(make_cases(subject.to("cpu"), brain_mask=brain_mask, without=without)))


def attempt(predictor: Predictor, case: Case) -> Attempt:
    """Run a model on an input and measure what it gives.

    Raises:
        BrainFMError: whatever a prediction raises.
    """
    prediction = predictor.predict(case.volume, modality=case.modality)
    pair = compared(predictor, case, prediction)
    return Attempt(predictor.info, str(predictor.device), pair, list(score(pair)), list(prediction.warnings))


def side_by_side(attempts: Sequence[Attempt]) -> Iterator[ScoreLine]:
    """Yield every number that at least one of the models has."""
    found = [{(row.task, row.metric): row for row in one.rows} for one in attempts]
    told: set[str] = set()
    for task, metric in dict.fromkeys(key for rows in found for key in rows):
        rows = [one.get((task, metric)) for one in found]
        main = task not in told and not metric.startswith(ONE_DICE)
        told |= {task} if main else set()
        unit = next(row.unit for row in rows if row is not None)
        values = tuple(None if row is None else row.value for row in rows)
        yield ScoreLine(task, metric, unit, values, any(word in metric for word in HIGHER_IS_BETTER), main)
