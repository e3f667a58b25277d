"""What a recipe does to samples after the generator: half a head, a target that is no image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from BrainFMEngine.generator.generator import Sample
from BrainFMEngine.training.ages import with_age
from BrainFMEngine.training.hemisphere import keep_left
from BrainFMEngine.training.recipe_options import DataOptions


def finish_samples(
    samples: Sequence[Sample], data: DataOptions, ages: Mapping[str, float] | None = None
) -> list[Sample]:
    """Return the samples of a mini-batch as the data options want them.

    Args:
        samples: of one subject, from the generator.
        data: whether half of the cerebrum is cut away.
        ages: subject -> years (see `ages.read_ages`); adds the target "age".
    """
    if data.hemisphere == "left":
        samples = [keep_left(sample) for sample in samples]
    return [with_age(sample, ages or {}) for sample in samples]
