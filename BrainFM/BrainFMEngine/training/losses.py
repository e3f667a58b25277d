"""Losses of the five tasks (BrainFM Eq. 3), each masked by what the subject has."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from BrainFMEngine.generator.generator import Sample

WEIGHTS = {
    "T1": 1.0,
    "T2": 1.0,
    "FLAIR": 1.0,
    "CT": 1.0,
    "bias_field_log": 1.0,
    "distance": 0.3,
    "registration": 12.0,
    "seg_ce": 1.0,
    "seg_dice": 1.0,
}
GRADIENT_HEADS = ("T1", "T2", "FLAIR", "CT")
MASKED_HEADS = ("registration", "bias_field_log")
DICE_EPSILON = 1e-5


def value_losses(outputs: dict[str, Tensor], sample: Sample) -> dict[str, Tensor]:
    """Losses that compare voxel by voxel.

    Args:
        outputs: head name -> (1, C, X, Y, Z) raw outputs.
        sample: the targets on the same voxels; a target that is absent gives no term.
    """
    terms = {}
    for name, target in sample.targets.items():
        if name not in outputs:
            continue
        if name == "segmentation":
            terms |= segmentation_losses(outputs[name][0].float(), target)
        else:
            mask = sample.head if name in MASKED_HEADS else None
            target = centred(target, sample.head) if name == "bias_field_log" else target
            terms[name] = masked_l1(outputs[name][0].float(), target, mask)
    return terms


def centred(log_field: Tensor, head: Tensor) -> Tensor:
    """Subtract the mean over the head from (1, X, Y, Z): a constant factor cannot be told from brightness."""
    mean = (log_field * head).sum() / head.sum().clamp(min=1)
    return (log_field - mean) * head


def gradient_losses(outputs: dict[str, Tensor], sample: Sample) -> dict[str, Tensor]:
    """Losses that compare neighbours; arguments as in `value_losses`, on a block without gaps."""
    names = [name for name in GRADIENT_HEADS if name in sample.targets and name in outputs]
    return {f"{name}_grad": gradient_l1(outputs[name][0].float(), sample.targets[name]) for name in names}


def weigh(terms: dict[str, Tensor]) -> Tensor:
    """Return the weighted sum (BrainFM Eq. 3)."""
    return sum(WEIGHTS.get(name.removeprefix("coarse_"), 1.0) * term for name, term in terms.items())


def masked_l1(prediction: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
    """Mean absolute difference of (C, X, Y, Z) over a mask (X, Y, Z), or everywhere."""
    difference = (prediction - target).abs()
    if mask is None:
        return difference.mean()
    return (difference * mask).sum() / (mask.sum() * difference.shape[0]).clamp(min=1)


def gradient_l1(prediction: Tensor, target: Tensor) -> Tensor:
    """Sum over the axes of the mean absolute difference of forward differences (BrainFM §3.2)."""
    error = prediction - target
    return sum(error.diff(dim=axis).abs().mean() for axis in (1, 2, 3))


def segmentation_losses(logits: Tensor, target: Tensor) -> dict[str, Tensor]:
    """Cross-entropy and soft Dice over the classes present; logits (C, X, Y, Z), target (X, Y, Z) int64."""
    log_probability = F.log_softmax(logits, dim=0)
    cross_entropy = F.nll_loss(log_probability[None], target[None])
    flat, classes = log_probability.exp().flatten(1), target.flatten()
    size = torch.bincount(classes, minlength=len(flat)).float()
    overlap = torch.zeros(len(flat)).index_add(0, classes, flat.gather(0, classes[None])[0])
    dice = 2 * overlap / (flat.sum(1) + size).clamp(min=DICE_EPSILON)
    return {"seg_ce": cross_entropy, "seg_dice": 1 - dice[size > 0].mean()}
