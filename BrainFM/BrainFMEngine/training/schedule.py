"""The learning rate of every step."""

from __future__ import annotations

import math
from bisect import bisect_right

from BrainFMEngine.training.recipe_options import ScheduleOptions


def learning_rate(options: ScheduleOptions, step: int, steps: int, base: float = 1.0) -> float:
    """Return the learning rate of a step.

    It rises linearly from 0 at step 0 to `base` at the last step of the warm-up. After that it is constant, falls by
    `gamma` at each of `drops`, falls along half a cosine to `final`, or falls linearly to `final` over the last
    `decay_steps`.

    Args:
        options: the shape; `final` is relative to `base`, drops count from step 0.
        step: 0 .. steps - 1.
        steps: of the whole run.
        base: the highest rate; 1 gives the factor.
    """
    warm_up = options.warm_up_steps
    if step < warm_up:
        return base * (step / (warm_up - 1) if warm_up > 1 else 1.0)
    return base * _after_warm_up(options, step, steps)


def _after_warm_up(options: ScheduleOptions, step: int, steps: int) -> float:
    if options.kind == "multistep":
        passed = step - options.warm_up_steps if options.late_drops else step
        return options.gamma ** bisect_right(options.drops, passed)
    if options.kind == "cosine":
        way = (step - options.warm_up_steps) / max(1, steps - options.warm_up_steps)
        return options.final + (1 - options.final) * 0.5 * (1 + math.cos(math.pi * min(1.0, way)))
    if options.kind == "linear-decay":
        left = min(1.0, max(0, steps - step) / options.decay_steps) if options.decay_steps else 1.0
        return options.final + (1 - options.final) * left
    return 1.0
