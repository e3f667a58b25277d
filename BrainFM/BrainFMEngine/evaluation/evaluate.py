"""Try a model on held-out subjects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from BrainFMEngine.evaluation.case import ORIGINS, Case, input_names, make_cases
from BrainFMEngine.evaluation.maps import LABELS, Maps, target_maps
from BrainFMEngine.evaluation.row import Row
from BrainFMEngine.evaluation.score import Pair, score
from BrainFMEngine.evaluation.synthetic import TRUTH_PROTOCOL
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.inference.prediction import Prediction
from BrainFMEngine.inference.predictor import Predictor
from BrainFMEngine.progress import PartialProgress, Progress, SilentProgress

Seen = Callable[[Case, Prediction, Pair], None]
HIGH_RESOLUTION = "highres"


def evaluate(
    predictor: Predictor,
    subjects: Sequence[Subject],
    progress: Progress | None = None,
    origins: Sequence[str] = ORIGINS,
    seen: Seen | None = None,
) -> Iterator[Row]:
    """Yield every number of every subject.

    Each subject with labels is painted in six contrasts (`synthetic`), and each of its real images is an input, too.

    Args:
        predictor: of the model.
        subjects: that it was not trained on.
        progress: told which subject and input is at hand.
        origins: "synthetic", "real", or both.
        seen: called with each input, its prediction and what was compared, say to draw it.

    Raises:
        BrainFMError: whatever a prediction raises.
    """
    progress = progress or SilentProgress()
    for index, subject in enumerate(subjects):
        part = PartialProgress(progress, index / len(subjects), (index + 1) / len(subjects))
        yield from evaluate_subject(predictor, subject, part, origins, seen)


def evaluate_subject(
    predictor: Predictor,
    subject: Subject,
    progress: Progress,
    origins: Sequence[str] = ORIGINS,
    seen: Seen | None = None,
    brain_mask: np.ndarray | None = None,
) -> Iterator[Row]:
    """Yield every number of one subject; see `evaluate`, and `make_cases` for the mask."""
    count = len(input_names(subject, origins))
    for index, case in enumerate(make_cases(subject.to("cpu"), origins, brain_mask)):
        progress.stage(f"{case.subject}: {case.input}", index / count)
        prediction = predictor.predict(case.volume, modality=case.modality)
        pair = compared(predictor, case, prediction)
        yield from score(pair)
        if seen is not None:
            seen(case, prediction, pair)


def compared(predictor: Predictor, case: Case, prediction: Prediction) -> Pair:
    """Lay a prediction beside the truth, in the same units on the same voxels."""
    made: Maps = dict(prediction.maps)
    if prediction.labels is not None:
        made[LABELS] = prediction.labels
    if HIGH_RESOLUTION in made:  # in units of what the network saw, the truth in those of the sample
        low, high = prediction.conformed.intensity_low, prediction.conformed.intensity_high
        made[HIGH_RESOLUTION] = (made[HIGH_RESOLUTION] * (high - low) + low) / case.scale
    image = torch.from_numpy(case.volume.array / case.scale)
    truth = target_maps(case.targets, predictor.info.network.task_heads, image, TRUTH_PROTOCOL)
    known = None if prediction.protocol is None else prediction.protocol.ids
    return Pair(case.subject, case.input, made, truth, case.brain, known, predictor.device)
