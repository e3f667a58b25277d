"""What a preview needs of a subject: nothing is deformed that nobody sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from BrainFMEngine.generator.mixup import SYNTHETIC as SYNTHETIC_SHARE
from BrainFMEngine.generator.parameters import GeneratorOptions, SampleParameters
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.generator.tissues import CONTRASTS
from BrainFMEngine.training.recipe import Recipe

GUIDE = "image"


def needed_targets(wanted: frozenset[str], recipe: Recipe) -> frozenset[str]:
    """Return the targets that must be made: half a head is cut along its coordinates, even if nobody looks at them."""
    return wanted | {"registration"} if recipe.data.hemisphere == "left" else wanted


def needed_subject(
    subject: Subject, options: GeneratorOptions, parameters: Sequence[SampleParameters], wanted: frozenset[str]
) -> tuple[Subject, GeneratorOptions]:
    """Return the subject, and options for its targets, without what neither the samples nor wanted targets need.

    Args:
        subject: that the parameters were drawn for.
        options: that they were drawn with.
        parameters: of the samples.
        wanted: names of targets.
    """
    used = {sample.input for sample in parameters} | (wanted & set(CONTRASTS)) | ({"T1"} if GUIDE in wanted else set())
    for sample in parameters:
        used |= set(sample.mixup.weights) - {SYNTHETIC_SHARE} if sample.mixup is not None else set()
    images = subject.images
    if subject.rows is not None:
        images = {name: image for name, image in images.items() if name in used}
    paints = options.paint_targets and not subject.images and bool(wanted & set(CONTRASTS))
    kept = replace(
        subject,
        distance=subject.distance if "distance" in wanted else None,
        atlas_mm=subject.atlas_mm if "registration" in wanted else None,
        images=images,
    )
    return kept, replace(options, paint_targets=paints)
