"""Shapes carried along by a random flow that neither piles up nor thins out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from BrainFMEngine.errors import UsageError

STAGES = (
    (),
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
)
"""Stages of the fifth-order method of Dormand and Prince (J. Comput. Appl. Math. 6, 1980)."""
COMBINATION = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)


def curl(potentials: Tensor, multiplier: float = 1.0) -> Tensor:
    """Return a velocity without divergence: the curl of a vector potential times `multiplier`.

    Args:
        potentials: (3, X, Y, Z) float32, at least 2 voxels an axis; central differences, one-sided at the border.
        multiplier: factor on the result.

    Returns:
        (3, X, Y, Z) float32, voxels per unit of time.
    """
    x, y, z = potentials

    def slope(potential: Tensor, axis: int) -> Tensor:
        return torch.gradient(potential, dim=axis)[0]

    velocity = torch.stack([slope(z, 1) - slope(y, 2), slope(x, 2) - slope(z, 0), slope(y, 0) - slope(x, 1)])
    return velocity * multiplier


def advection_rhs(concentration: Tensor, velocity: Tensor) -> Tensor:
    """Return d(concentration)/dt = -velocity · ∇concentration with first-order upwind differences.

    The border carries no flux (Neumann): its voxels take the value of their inner neighbours first.

    Args:
        concentration: (X, Y, Z) float32, at least 3 voxels an axis.
        velocity: (3, X, Y, Z) float32, voxels per unit of time.

    Returns:
        (X, Y, Z) float32, per unit of time.
    """
    _check(concentration, velocity)
    return _upwind(concentration, velocity.clamp(min=0), velocity.clamp(max=0))


def advect(initial: Tensor, velocity: Tensor, times: Sequence[float], step: float = 0.05) -> Tensor:
    """Carry a concentration along a steady flow.

    Fifth order in time with steps of equal length: which steps are made never depends on the values, so nothing
    waits for the device, and a sample is the same wherever it is made. The published code adapts its step between
    0.02 and 0.1. Stable where `step` · (|v₁| + |v₂| + |v₃|) stays below about 1.6.

    Args:
        initial: (X, Y, Z) float32 at `times[0]`.
        velocity: (3, X, Y, Z) float32, voxels per unit of time.
        times: rising moments.
        step: the longest step in time.

    Returns:
        (len(times), X, Y, Z) float32; the first is `initial`.

    Raises:
        UsageError: shapes do not fit, times do not rise, or the step is not positive.
    """
    _check(initial, velocity)
    if step <= 0 or any(later < earlier for earlier, later in zip(times[:-1], times[1:], strict=True)):
        raise UsageError(f"cannot integrate over {tuple(times)} in steps of {step}", "Times rise and steps are > 0.")
    forth, back = velocity.clamp(min=0), velocity.clamp(max=0)
    states = [initial]
    for earlier, later in zip(times[:-1], times[1:], strict=True):
        count = math.ceil((later - earlier) / step - 1e-6)
        state = states[-1]
        for _ in range(count):
            state = _advance(state, forth, back, (later - earlier) / count)
        states.append(state)
    return torch.stack(states)


def _advance(state: Tensor, forth: Tensor, back: Tensor, step: float) -> Tensor:
    slopes: list[Tensor] = []
    for weights in STAGES:
        slopes.append(_upwind(_combine(state, slopes, weights, step), forth, back))
    return _combine(state, slopes, COMBINATION, step)


def _combine(state: Tensor, slopes: list[Tensor], weights: Sequence[float], step: float) -> Tensor:
    for slope, weight in zip(slopes, weights, strict=True):
        state = torch.add(state, slope, alpha=step * weight)
    return state


def _upwind(concentration: Tensor, forth: Tensor, back: Tensor) -> Tensor:
    inner = concentration[None, 1:-1, 1:-1, 1:-1]
    padded = F.pad(inner, (2, 2, 2, 2, 2, 2), mode="replicate")[0]
    shape = concentration.shape
    rate = torch.zeros_like(concentration)
    for axis in range(3):
        rows = padded
        for other in {0, 1, 2} - {axis}:
            rows = rows.narrow(other, 1, shape[other])
        difference = rows.diff(dim=axis)
        rate.addcmul_(forth[axis], difference.narrow(axis, 0, shape[axis]), value=-1)
        rate.addcmul_(back[axis], difference.narrow(axis, 1, shape[axis]), value=-1)
    return rate


def _check(concentration: Tensor, velocity: Tensor) -> None:
    if concentration.ndim != 3 or min(concentration.shape) < 3 or velocity.shape != (3, *concentration.shape):
        raise UsageError(
            f"velocity {tuple(velocity.shape)} does not fit concentration {tuple(concentration.shape)}",
            "Give (3, X, Y, Z) and (X, Y, Z), at least 3 voxels an axis.",
        )
