"""What a recipe minimises: its terms on one sample, masked by what the sample has, and their weighted sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import torch
from torch import Tensor
from torch.nn import functional as F

from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.generator import Sample
from BrainFMEngine.training import losses
from BrainFMEngine.training.recipe_options import ObjectiveOptions
from BrainFMEngine.training.terms import TERMS, target_name

HU_UNIT = 1000.0
Outputs = Mapping[str, Tensor]


def objective_terms(outputs: Outputs, sample: Sample, options: ObjectiveOptions) -> dict[str, Tensor]:
    """Compute every term of the objective that the sample has a target for.

    Args:
        outputs: head -> (1, C, X, Y, Z) raw output ("age": (1,)); what is no head is ignored.
        sample: the targets on the same voxels and device.
        options: which terms there are, and where they count.

    Returns:
        term -> scalar, float32, not yet weighted.

    Raises:
        UsageError: an output and its target differ in shape.
    """
    return value_terms(outputs, sample, options) | neighbour_terms(outputs, sample, options)


def value_terms(outputs: Outputs, sample: Sample, options: ObjectiveOptions) -> dict[str, Tensor]:
    """Compute the terms that compare voxel by voxel; the voxels may be a part with gaps (`Sample.part`)."""
    return _terms(outputs, sample, options, neighbours=False)


def neighbour_terms(outputs: Outputs, sample: Sample, options: ObjectiveOptions) -> dict[str, Tensor]:
    """Compute the terms that compare neighbours; the voxels may be a block, without gaps."""
    return _terms(outputs, sample, options, neighbours=True)


def batch_terms(features: Sequence[Tensor], options: ObjectiveOptions) -> dict[str, Tensor]:
    """Compute the terms of several samples of one anatomy.

    Args:
        features: of each sample, (1, C, X, Y, Z); normalised to unit length here.
        options: with "contrastive" or without.

    Returns:
        "contrastive", mean over the pairs of samples; nothing without the term.
    """
    if not options.weights.get("contrastive") or len(features) < 2:
        return {}
    unit = [F.normalize(map_[0].float(), dim=0) for map_ in features]
    pairs = [losses.contrastive(first, second, options.temperatures) for first, second in combinations(unit, 2)]
    return {"contrastive": torch.stack(pairs).mean()}


def sum_terms(samples: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Add up the terms of the samples of a mini-batch (Brain-ID Eq. 3); a sample may lack some.

    The published code divides by the number of samples; AdamW does not notice, clipping does.
    """
    names = dict.fromkeys(name for terms in samples for name in terms)
    return {name: torch.stack([terms[name] for terms in samples if name in terms]).sum() for name in names}


def weighted_sum(terms: Mapping[str, Tensor], options: ObjectiveOptions) -> Tensor:
    """Return the objective: a scalar.

    Raises:
        UsageError: no term, as the sample has no target that the recipe learns from.
    """
    if not terms:
        raise UsageError("a sample has no target that this recipe learns from", "Check the data set.")
    return torch.stack([options.weights[name] * term for name, term in terms.items()]).sum()


@dataclass(frozen=True)
class _Comparison:
    """One head on one sample: prediction and target (C, X, Y, Z); the target of a segmentation is (X, Y, Z) int64."""

    head: str
    prediction: Tensor
    target: Tensor
    sample: Sample
    options: ObjectiveOptions

    @cached_property
    def counted(self) -> Tensor | None:
        """Weight of every voxel, (X, Y, Z) float32; None where all count alike."""
        air = self.options.air_weights.get(self.head, 1.0)
        weight = None if air == 1 else air + (1 - air) * self.sample.head.float()
        if self.head in self.options.visible_heads and self.sample.visible is not None:
            visible = self.sample.visible.float()
            weight = visible if weight is None else weight * visible
        return weight

    @cached_property
    def weight(self) -> Tensor | None:
        """As `counted`, scaled so that a mean over all voxels is what the options ask for."""
        return self.averaged(self.counted)

    def averaged(self, weight: Tensor | None) -> Tensor | None:
        """Scale weights to a mean of 1 where the weights are what errors are averaged over."""
        if weight is None or self.options.average == "voxels":
            return weight
        return weight * (weight.numel() / weight.sum().clamp(min=1))

    @cached_property
    def log_probability(self) -> Tensor:
        """(C, X, Y, Z), of a softmax over the channels."""
        return F.log_softmax(self.prediction, dim=0)


def _terms(outputs: Outputs, sample: Sample, options: ObjectiveOptions, neighbours: bool) -> dict[str, Tensor]:
    result: dict[str, Tensor] = {}
    for head, output in outputs.items():
        names = [
            name
            for name, weight in options.weights.items()
            if weight and name in TERMS and head in TERMS[name].heads and TERMS[name].neighbours == neighbours
        ]
        target = sample.targets.get(target_name(head))
        if names and target is not None:
            comparison = _Comparison(head, output[0].float(), target, sample, options)
            _check_shapes(comparison)
            result |= {name: _KINDS[TERMS[name].kind](comparison) for name in names}
    return result


def _check_shapes(it: _Comparison) -> None:
    given, wanted = tuple(it.prediction.shape), tuple(it.target.shape)
    if target_name(it.head) == "segmentation":
        given = given[1:]
    if given != wanted:
        raise UsageError(f"the output {it.head!r} is {given}, its target {wanted}")


def _l1(it: _Comparison) -> Tensor:
    return losses.l1(it.prediction, it.target, it.weight)


def _gradient_l1(it: _Comparison) -> Tensor:
    return losses.gradient_l1(it.prediction, it.target, it.weight)


def _soft_tissue_l1(it: _Comparison) -> Tensor:
    """L1 of a CT where it shows soft tissue of the subject, always a mean over those voxels.

    Bone and air span twenty times what grey and white matter differ by; without this term the brain stays flat.
    """
    return _l1_within(it, (it.target[0].abs() < it.options.soft_tissue_hu / HU_UNIT) & it.sample.head)


def _bone_l1(it: _Comparison) -> Tensor:
    """L1 of a CT where it shows bone, always a mean over those voxels.

    The answer that minimises an L1 is a median: where bone is as likely as soft tissue but its voxels weigh a
    fifteenth, as "CT_soft" makes them, the median is soft tissue and the skull disappears.
    """
    return _l1_within(it, (it.target[0] > it.options.bone_hu / HU_UNIT) & it.sample.head)


def _l1_within(it: _Comparison, region: Tensor) -> Tensor:
    """L1 over a region (X, Y, Z) bool of the subject, a mean over its voxels whatever its size."""
    weight = region.float() if it.counted is None else region * it.counted
    return losses.l1(it.prediction, it.target, weight * (weight.numel() / weight.sum().clamp(min=1)))


def _bias(it: _Comparison) -> Tensor:
    if it.options.bias == "l2":
        return losses.l2(it.prediction, it.target, it.weight)
    return losses.l1(it.prediction, losses.centred(it.target, it.sample.head), it.weight)


def _cross_entropy(it: _Comparison) -> Tensor:
    share = 1 / len(it.prediction) if it.options.class_weights == "share" else 1.0
    return losses.cross_entropy(it.log_probability, it.target, share, it.weight)


def _dice(it: _Comparison) -> Tensor:
    present_only = it.options.dice_classes == "present"
    return losses.soft_dice(it.log_probability.exp(), it.target, it.counted, present_only)


def _presence_cross_entropy(it: _Comparison) -> Tensor:
    return losses.presence_cross_entropy(F.logsigmoid(it.prediction), it.target, it.weight)


def _presence_dice(it: _Comparison) -> Tensor:
    return losses.presence_dice(it.prediction.sigmoid(), it.target, it.counted)


def _age(it: _Comparison) -> Tensor:
    """Absolute error in years; the raw output's sign means nothing."""
    return (it.prediction.abs() - it.target).abs()


_KINDS: dict[str, Callable[[_Comparison], Tensor]] = {
    "l1": _l1,
    "gradient_l1": _gradient_l1,
    "soft_tissue_l1": _soft_tissue_l1,
    "bone_l1": _bone_l1,
    "smoothness": lambda it: losses.smoothness(it.prediction),
    "hessian": lambda it: losses.hessian_determinant(it.prediction),
    "bias": _bias,
    "cross_entropy": _cross_entropy,
    "dice": _dice,
    "presence_cross_entropy": _presence_cross_entropy,
    "presence_dice": _presence_dice,
    "age": _age,
}
