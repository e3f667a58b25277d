"""What scan artefacts share: a probability, a strength from 0 to 1, and how both are drawn."""

from __future__ import annotations

from dataclasses import dataclass

from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.range_checks import check_limits, check_probability


@dataclass(frozen=True)
class ArtefactRanges:
    """How often an artefact happens and how strong it is then.

    Args:
        probability: 0 (never) to 1 (always).
        strength: lowest and highest strength, within 0 (nothing) to 1 (the worst scan that would still be read).

    Raises:
        UsageError: a value lies outside these ranges.
    """

    probability: float = 0.0
    strength: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self):
        name = type(self).__name__
        check_probability(f"{name}.probability", self.probability)
        check_limits(f"{name}.strength", self.strength, 0, 1)


def draw_strength(draws: Draws, ranges: ArtefactRanges) -> float | None:
    """Return the strength, or None where the artefact does not happen; always two draws from the level stream."""
    happens = draws.chance(ranges.probability)
    strength = draws.between(ranges.strength)
    return strength if happens and strength > 0 else None
