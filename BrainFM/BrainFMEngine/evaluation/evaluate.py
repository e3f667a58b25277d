"""Try a model on held-out subjects."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from BrainFMEngine.evaluation.case import ORIGINS, Case, input_names, make_cases
from BrainFMEngine.evaluation.maps import LABELS, Known, Maps, target_maps
from BrainFMEngine.evaluation.row import Row
from BrainFMEngine.evaluation.score import Pair, score
from BrainFMEngine.evaluation.synthetic import TRUTH_PROTOCOL
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.inference.prediction import Prediction
from BrainFMEngine.inference.predictor import Predictor
from BrainFMEngine.progress import PartialProgress, Progress, SilentProgress

HIGH_RESOLUTION = "highres"


@dataclass(frozen=True)
class Measurement:
    """One input, what a model made of it, what was compared, and the numbers."""

    case: Case
    prediction: Prediction
    pair: Pair
    rows: list[Row]


def evaluate(
    predictor: Predictor,
    subjects: Sequence[Subject],
    progress: Progress | None = None,
    origins: Sequence[str] = ORIGINS,
) -> Iterator[Row]:
    """Yield every number of every subject.

    Each subject with labels is painted in six contrasts (`synthetic`), and each of its real images is an input, too.

    Args:
        predictor: of the model.
        subjects: that it was not trained on.
        progress: told which subject and input is at hand.
        origins: "synthetic", "real", or both.

    Raises:
        BrainFMError: whatever a prediction raises.
    """
    progress = progress or SilentProgress()
    for index, subject in enumerate(subjects):
        part = PartialProgress(progress, index / len(subjects), (index + 1) / len(subjects))
        for measurement in measure_subject(predictor, subject, part, origins):
            yield from measurement.rows


def measure_subject(
    predictor: Predictor,
    subject: Subject,
    progress: Progress,
    origins: Sequence[str] = ORIGINS,
    brain_mask: np.ndarray | None = None,
    without: Collection[str] = (),
) -> Iterator[Measurement]:
    """Measure one subject, input by input; see `evaluate`, and `make_cases` for the mask and `without`."""
    count = len(input_names(subject, origins))
    known: Known = {}
    for index, case in enumerate(make_cases(subject.to("cpu"), origins, brain_mask, without), start=len(without)):
        progress.stage(f"{case.subject}: {case.input}", index / count)
        yield _measure(predictor, case, known)


def _measure(predictor: Predictor, case: Case, known: Known) -> Measurement:
    prediction = predictor.predict(case.volume, modality=case.modality)
    pair = compared(predictor, case, prediction, known)
    return Measurement(case, prediction, pair, list(score(pair)))


def compared(predictor: Predictor, case: Case, prediction: Prediction, known: Known | None = None) -> Pair:
    """Lay a prediction beside the truth, in the same units on the same voxels; see `target_maps` for what is known."""
    made: Maps = dict(prediction.maps)
    if prediction.labels is not None:
        made[LABELS] = prediction.labels
    if HIGH_RESOLUTION in made:  # in units of what the network saw, the truth in those of the sample
        low, high = prediction.conformed.intensity_low, prediction.conformed.intensity_high
        made[HIGH_RESOLUTION] = (made[HIGH_RESOLUTION] * (high - low) + low) / case.scale
    image = torch.from_numpy(case.volume.array / case.scale)
    truth = target_maps(case.targets, predictor.info.network.task_heads, image, TRUTH_PROTOCOL, known)
    findable = None if prediction.protocol is None else prediction.protocol.ids
    return Pair(case.subject, case.input, made, truth, case.brain, findable, predictor.device)
