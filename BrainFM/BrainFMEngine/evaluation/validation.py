"""A network in training on one sample: raw heads beside their targets, ready to be scored and drawn."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from BrainFMEngine.anatomy.protocols import LabelProtocol
from BrainFMEngine.evaluation.case import brain_of
from BrainFMEngine.evaluation.maps import output_maps, target_maps
from BrainFMEngine.evaluation.score import Pair
from BrainFMEngine.generator.generator import Sample


def compare_sample(
    outputs: Mapping[str, Tensor], sample: Sample, protocol: LabelProtocol | None, name: str, kind: str
) -> Pair:
    """Return what `score` measures and `draw_comparison` draws.

    Args:
        outputs: head -> (1, C, X, Y, Z) raw, of a network that was given `sample.image`.
        sample: one that was not trained on.
        protocol: of the segmentation head and of the sample's target; None without one.
        name: of the subject.
        kind: of the input, "synthetic T1", say.
    """
    image = sample.image[0]
    made = output_maps(outputs, image, protocol)
    truth = target_maps(sample.targets, outputs, image, protocol)
    brain = None if protocol is None else brain_of(sample.targets, protocol)
    known = None if protocol is None else protocol.ids
    return Pair(name, kind, made, truth, brain, known, image.device)
