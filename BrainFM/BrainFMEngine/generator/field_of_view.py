"""A field of view smaller than the head: nothing was scanned beyond one or two planes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from BrainFMEngine.generator.artefact import ArtefactRanges, draw_strength
from BrainFMEngine.generator.draws import Draws

DEEPEST = 0.3
STRAY_SHARE = 0.003


@dataclass(frozen=True)
class FieldOfViewRanges(ArtefactRanges):
    """Ranges of `sample_field_of_view`."""

    strength: tuple[float, float] = (0.1, 1.0)


@dataclass(frozen=True)
class FieldOfView:
    """One or two sides of the head that are missing.

    Args:
        strength: 0 to 1; the first side is cut `DEEPEST` times this of the head's extent deep.
        axes: array axis of each cut.
        at_end: True cuts the end of the axis (right, anterior, superior), False its beginning.
        shares: depth of each cut relative to the full one.
    """

    strength: float
    axes: tuple[int, ...]
    at_end: tuple[bool, ...]
    shares: tuple[float, ...]


def sample_field_of_view(draws: Draws, ranges: FieldOfViewRanges) -> FieldOfView | None:
    """Draw one cut side, or two in a third of the draws; None where the whole head is scanned."""
    strength = draw_strength(draws, ranges)
    sides = draws.pattern.permutation(6)[:2].tolist()
    second_share = float(draws.pattern.uniform(0.2, 1))
    count = 2 if draws.pattern.uniform() < 1 / 3 else 1
    if strength is None:
        return None
    axes, at_end = tuple(side // 2 for side in sides), tuple(side % 2 == 1 for side in sides)
    return FieldOfView(strength, axes[:count], at_end[:count], (1.0, second_share)[:count])


def field_of_view_mask(shape: tuple[int, ...], field_of_view: FieldOfView | None, image: Tensor) -> Tensor:
    """Return what was scanned, for a grid that covers the same space as the image.

    Args:
        shape: (X, Y, Z) of the mask; it may be finer or coarser than the image.
        field_of_view: None scans everything.
        image: float32 >= 0; where it is brighter than its mean counts as the head.

    Returns:
        `shape` bool on the image's device.
    """
    mask = torch.ones(tuple(shape), dtype=torch.bool, device=image.device)
    if field_of_view is None or field_of_view.strength == 0:
        return mask
    head = image > image.mean()
    for axis, at_end, share in zip(field_of_view.axes, field_of_view.at_end, field_of_view.shares, strict=True):
        start, stop = _extent(head, axis)
        depth = DEEPEST * field_of_view.strength * share * (stop - start)
        count = shape[axis]
        position = (torch.arange(count, device=image.device) + 0.5) / count
        is_scanned = position < stop - depth if at_end else position > start + depth
        mask &= is_scanned.reshape([-1 if a == axis else 1 for a in range(3)])
    return mask


def apply_field_of_view(image: Tensor, field_of_view: FieldOfView | None) -> Tensor:
    """Set what was not scanned to 0.

    Args:
        image: (X, Y, Z) float32 >= 0.
        field_of_view: None leaves the image as it is.

    Returns:
        (X, Y, Z) float32 >= 0.
    """
    if field_of_view is None or field_of_view.strength == 0:
        return image
    return image * field_of_view_mask(tuple(image.shape), field_of_view, image)


def _extent(head: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    """Return where the head starts and stops along an axis, in shares of its length; stray voxels do not count."""
    profile = head.sum([a for a in range(3) if a != axis], dtype=torch.float32)
    below = profile.cumsum(0) / profile.sum().clamp(min=1)
    count = head.shape[axis]
    return (below <= STRAY_SHARE).sum() / count, (below < 1 - STRAY_SHARE).sum().add(1).clamp(max=count) / count
