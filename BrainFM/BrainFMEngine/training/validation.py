"""How good the weights are on subjects that they are not trained on: the same samples at every validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from BrainFMEngine.anatomy.protocols import find_protocol
from BrainFMEngine.evaluation.score import ONE_DICE, Pair, score
from BrainFMEngine.evaluation.validation import compare_sample
from BrainFMEngine.generator.generator import Sample
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.network.build import BrainNetwork
from BrainFMEngine.training.bad_subjects import BadSubjects
from BrainFMEngine.training.learner import AUTOCAST
from BrainFMEngine.training.objective import objective_terms, weighted_sum
from BrainFMEngine.training.recipe import Recipe
from BrainFMEngine.training.recipe_batch import make_recipe_batch
from BrainFMEngine.training.subject_shelf import ShelvedSubject

if TYPE_CHECKING:
    from PIL.Image import Image

VALIDATION_STREAM = 13


@dataclass(frozen=True)
class ValidationResult:
    """What a validation found.

    Attributes:
        loss: the objective, mean over the samples; what "best" is told by.
        metrics: "task/metric" -> mean over the samples that have it, in the units of `evaluation.score`.
        picture: predictions above targets for the first sample; None for outputs that cannot be shown.
    """

    loss: float
    metrics: dict[str, float]
    picture: Image | None


class Validation:
    """The samples to try; made anew each time, they are the same bits.

    Args:
        subjects: held out; the first `recipe.validation.subjects` are used, one sample of each.
        recipe: how samples and objective are made.
        ages: for the age head.
    """

    def __init__(
        self, subjects: Sequence[Subject | ShelvedSubject], recipe: Recipe, ages: Mapping[str, float] | None = None
    ):
        self.subjects, self.recipe, self.ages = subjects[: recipe.validation.subjects], recipe, ages

    def run(self, network: BrainNetwork, bad: BadSubjects | None = None) -> ValidationResult:
        """Try a network as it is; on its device.

        Args:
            network: to try.
            bad: notes who cannot be read any more and is left out; the means are then those of fewer subjects.

        Raises:
            InputImageError: none can be read any more.
        """
        bad = BadSubjects() if bad is None else bad
        losses: list[float] = []
        numbers: dict[str, list[float]] = {}
        picture = None
        network.eval()
        for index, member in enumerate(self.subjects):
            subject = bad.try_read(member)
            if subject is None:
                continue
            sample = self._sample(index, subject)
            loss, pair = self._try(network, sample)
            losses.append(loss)
            for row in score(pair):
                if not row.metric.startswith(ONE_DICE):
                    numbers.setdefault(f"{row.task}/{row.metric}", []).append(row.value)
            if picture is None and pair.made:
                picture = _draw(sample, pair)
        if self.subjects and not losses:
            raise bad.none_left(self.subjects, "validate on")
        finite = [loss for loss in losses if np.isfinite(loss)]
        metrics = {name: float(np.mean(values)) for name, values in numbers.items()}
        return ValidationResult(float(np.mean(finite)) if finite else float("nan"), metrics, picture)

    def _sample(self, index: int, subject: Subject) -> Sample:
        random = np.random.default_rng((self.recipe.seed, VALIDATION_STREAM, index))
        return make_recipe_batch([subject], self.recipe, random, self.ages)[-1]

    @torch.no_grad()
    def _try(self, network: BrainNetwork, sample: Sample) -> tuple[float, Pair]:
        """Return the objective and what is compared."""
        image = sample.image[None]
        dtype = AUTOCAST.get(self.recipe.precision)
        with torch.autocast(image.device.type, dtype=dtype, enabled=dtype is not None):
            outputs = network.head(network.backbone(image, keep_levels=False)[-1], image)
        options = self.recipe.objective
        terms = objective_terms(outputs, sample, options)
        loss = float(weighted_sum(terms, options)) if terms else float("nan")
        protocol = None if self.recipe.protocol is None else find_protocol(self.recipe.protocol)
        kind = sample.parameters.input if sample.parameters.contrast is None else sample.parameters.contrast.kind
        return loss, compare_sample(outputs, sample, protocol, sample.parameters.subject, kind)


def _draw(sample: Sample, pair: Pair) -> Image | None:
    """Return predictions above targets; None where Pillow is not installed, without which a run does as well."""
    try:
        from BrainFMEngine.evaluation.picture import draw_comparison
    except ImportError:
        return None
    title = f"{pair.subject}, {pair.input}"
    return draw_comparison(sample.image[0].cpu().numpy(), pair.made, pair.truth, title)
