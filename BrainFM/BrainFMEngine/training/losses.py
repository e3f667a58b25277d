"""Loss functions as the published systems define them (BrainFM §3.2.2; Brain-ID Eq. 3 and §3.3).

Every function is pure: (C, X, Y, Z) tensors in, a scalar out. `weight` (X, Y, Z) multiplies the error of each voxel;
the mean is over all voxels whatever the weights, so a mask of weights makes a small region count little. Scale the
weights to a mean of 1 for a mean over the mask.
"""

from __future__ import annotations

import math
from functools import reduce

import torch
from torch import Tensor
from torch.nn import functional as F

DICE_EPSILON = 1e-5
SPATIAL_AXES = (1, 2, 3)


def l1(prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean absolute difference."""
    return _mean((prediction - target).abs(), weight)


def l2(prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean squared difference; of the logarithmic bias field where the weight is 1 in the head and 0 in air."""
    return _mean((prediction - target).square(), weight)


def gradient_l1(prediction: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """L1 of the forward differences, summed over the axes (second term of Brain-ID Eq. 3)."""
    error = prediction - target
    return reduce(torch.add, [_mean(forward_difference(error, axis).abs(), weight) for axis in SPATIAL_AXES])


def forward_difference(volume: Tensor, axis: int) -> Tensor:
    """Difference to the next voxel along an axis, same shape; 0 in the last plane."""
    plane = torch.zeros_like(volume.narrow(axis, 0, 1))
    return torch.cat((volume.diff(dim=axis), plane), axis)


def smoothness(field: Tensor) -> Tensor:
    """Squared forward differences, summed over the axes, mean over voxels and channels (off in the published runs)."""
    return reduce(torch.add, [forward_difference(field, axis).square().mean() for axis in SPATIAL_AXES])


def hessian_determinant(field: Tensor) -> Tensor:
    """Sum over voxels and channels of the squared determinant of the second differences (off in the published runs)."""
    first = [forward_difference(field, axis) for axis in SPATIAL_AXES]
    rows = [torch.stack([forward_difference(part, axis) for axis in SPATIAL_AXES], -1) for part in first]
    return torch.linalg.det(torch.stack(rows, -1)).square().sum()


def cross_entropy(
    log_probability: Tensor, target: Tensor, class_weight: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Cross-entropy of a segmentation.

    The published code bounds probabilities below by 1e-5, where the gradient vanishes; a log-softmax needs no bound.

    Args:
        log_probability: (C, X, Y, Z), of a log-softmax.
        target: (X, Y, Z) int64, the channel that is right.
        class_weight: of every class; 1 / C in the published code.
        weight: (X, Y, Z).
    """
    error = F.nll_loss(log_probability[None], target[None], reduction="none")
    return class_weight * _mean(error, weight)


def soft_dice(probability: Tensor, target: Tensor, weight: Tensor | None = None, present_only: bool = False) -> Tensor:
    """1 minus the Dice overlap, mean over the classes, background included.

    Args:
        probability: (C, X, Y, Z).
        target: (X, Y, Z) int64 channels.
        weight: (X, Y, Z).
        present_only: take the mean over the classes of the target, 0 if there is none. As published, absent classes
            count as 1.
    """
    flat, classes = probability.flatten(1), target.flatten()
    ones = torch.ones_like(flat[0]) if weight is None else weight.flatten().to(flat.dtype)
    right = flat.gather(0, classes[None])[0] * ones
    overlap = flat.new_zeros(len(flat)).index_add(0, classes, right)
    size = flat.new_zeros(len(flat)).index_add(0, classes, ones)
    volume = (flat if weight is None else flat * ones).sum(1)
    missed = 1 - 2 * overlap / (volume + size).clamp(min=DICE_EPSILON)
    if not present_only:
        return missed.mean()
    present = size > 0
    return (missed * present).sum() / present.sum().clamp(min=1)


def presence_cross_entropy(log_probability: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Cross-entropy of one class that may be present, as published: what is absent gives no term.

    Args:
        log_probability: (1, X, Y, Z), of a log-sigmoid.
        target: (1, X, Y, Z), 0..1.
        weight: (X, Y, Z).
    """
    return _mean(-log_probability * target, weight)


def presence_dice(probability: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """1 minus the Dice overlap of one class; (1, X, Y, Z) each."""
    ones = 1 if weight is None else weight
    total = (probability * ones).sum() + (target * ones).sum()
    return 1 - 2 * (probability * target * ones).sum() / total.clamp(min=DICE_EPSILON)


def centred(log_field: Tensor, head: Tensor) -> Tensor:
    """Subtract the mean over the head from (1, X, Y, Z): a constant factor cannot be told from brightness."""
    mean = (log_field * head).sum() / head.sum().clamp(min=1)
    return (log_field - mean) * head


def contrastive(first: Tensor, second: Tensor, temperatures: tuple[float, float, float]) -> Tensor:
    """Make each feature channel alike in two samples of one anatomy and unlike the other channels (CIFL).

    Args:
        first, second: (C, X, Y, Z) features of unit length in every voxel.
        temperatures: of the channel in both samples, of the channel with itself, and with the other channels. The
            published code has all three and no value for any.

    Returns:
        mean over the voxels.
    """
    alike, itself, others = temperatures
    together = torch.logsumexp(first * second / alike, 0)
    square = first.square()
    rest = first * first.sum(0) - square
    apart = torch.logsumexp(torch.cat((square / itself, rest / others)), 0)
    return (apart - together).mean()


def gaussian_nll(mean: Tensor, log_variance: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
    """Negative log-likelihood of a normal distribution whose variance is predicted, too (off in the published runs)."""
    error = math.log(2 * math.pi) + log_variance + (target - mean).square() * torch.exp(-log_variance)
    return _mean(0.5 * error, weight)


def _mean(error: Tensor, weight: Tensor | None) -> Tensor:
    return error.mean() if weight is None else (error * weight).mean()
