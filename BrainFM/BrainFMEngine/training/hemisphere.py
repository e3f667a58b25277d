"""Samples of one half of the cerebrum, as the published hemisphere variant sees them."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.generator import Sample
from BrainFMEngine.generator.targets import AIR_CT

LEFT_DISTANCES = slice(0, 2)
MASKED = ("T1", "T2", "FLAIR", "image", "high_res_residual", "pathology")


def keep_left(sample: Sample) -> Sample:
    """Return the sample with nothing but the left cerebrum in it.

    That is where the segmentation, in a protocol of the left side, has a structure and the atlas coordinate is left of
    the midline. Everything else becomes air; distances are those to the left surfaces. A flipped sample has its sides
    exchanged already, so its left is the left of the image.

    Raises:
        UsageError: there is no segmentation to cut along.
    """
    if "segmentation" not in sample.targets:
        raise UsageError(f"subject {sample.parameters.subject!r} has no labels to tell its left hemisphere by")
    left = sample.targets["segmentation"] > 0
    if "registration" in sample.targets:
        left = left & (sample.targets["registration"][0] < 0)
    targets = {name: _cut(name, target, left) for name, target in sample.targets.items()}
    return replace(sample, image=sample.image * left, targets=targets, head=left)


def _cut(name: str, target: Tensor, left: Tensor) -> Tensor:
    if name == "distance":
        return target[LEFT_DISTANCES]
    if name == "CT":
        return target.masked_fill(~left, AIR_CT)
    return target * left if name == "segmentation" or name in MASKED else target
