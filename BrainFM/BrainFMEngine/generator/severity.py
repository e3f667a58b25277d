"""Severity: mild, medium and severe as Brain-ID Table B.1 lists them, and a scale from 0 to 1 through them."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.background import BackgroundRanges
from BrainFMEngine.generator.bias import BiasRanges
from BrainFMEngine.generator.corruption_ranges import CorruptionRanges
from BrainFMEngine.generator.defacing import DefacingRanges
from BrainFMEngine.generator.field_of_view import FieldOfViewRanges
from BrainFMEngine.generator.gamma import GammaRanges
from BrainFMEngine.generator.ghosting import GhostingRanges
from BrainFMEngine.generator.gibbs import GibbsRanges
from BrainFMEngine.generator.noise import NoiseRanges
from BrainFMEngine.generator.resolution import ResolutionRanges
from BrainFMEngine.generator.spikes import SpikesRanges


def _artefacts(probability: float, strength: tuple[float, float]) -> dict[str, Any]:
    """Real scans have these; the papers' table does not: absent at mild, rare at medium, up to 15 % at severe."""
    return {
        "ghosting": GhostingRanges(probability, strength),
        "gibbs": GibbsRanges(probability, strength),
        "spikes": SpikesRanges(probability, strength),
        "field_of_view": FieldOfViewRanges(probability, strength),
        "background": BackgroundRanges(probability, strength),
        "defacing": DefacingRanges(probability),
    }


# Gamma is in the published code only (mild and severe); medium lies between.
LEVELS: dict[str, CorruptionRanges] = {
    "mild": CorruptionRanges(
        gamma=GammaRanges(std=0.01),
        bias=BiasRanges(grid_scale=(0.01, 0.02), std=(0.01, 0.05)),
        resolution=ResolutionRanges(low_field_probability=0.1, anisotropic_probability=0.0),
        noise=NoiseRanges(std=(0.01, 1.0)),
        **_artefacts(0.0, (0.0, 0.0)),
    ),
    "medium": CorruptionRanges(
        gamma=GammaRanges(std=0.05),
        bias=BiasRanges(grid_scale=(0.02, 0.03), std=(0.05, 0.3)),
        resolution=ResolutionRanges(low_field_probability=0.3, anisotropic_probability=0.1),
        noise=NoiseRanges(std=(0.5, 5.0)),
        **_artefacts(0.05, (0.1, 0.5)),
    ),
    "severe": CorruptionRanges(
        gamma=GammaRanges(std=0.1),
        bias=BiasRanges(grid_scale=(0.02, 0.04), std=(0.1, 0.6)),
        resolution=ResolutionRanges(low_field_probability=0.5, anisotropic_probability=0.25),
        noise=NoiseRanges(std=(5.0, 15.0)),
        **_artefacts(0.15, (0.2, 1.0)),
    ),
}
CLEAN = CorruptionRanges(**_artefacts(0.0, (0.0, 0.0)))
_STEPS = (CLEAN, *LEVELS.values())
MILD_TO_SEVERE = "mild-to-severe"
_ALIASES = {"clean": "0", "moderate": "medium"}


def severity_value(name: str) -> float:
    """Return where a named level lies on the scale: mild 1/3, medium 2/3, severe 1; KeyError for another name."""
    return {level: (index + 1) / len(LEVELS) for index, level in enumerate(LEVELS)}[name]


def parse_severity(text: str | float) -> float:
    """Return the severity 0..1 of a level's name or a number; UsageError for anything else."""
    word = str(text).strip().lower()
    word = _ALIASES.get(word, word)
    if word in LEVELS:
        return severity_value(word)
    try:
        value = float(word)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 1:
        raise UsageError(f"{text!r} is no severity", f"Give {', '.join(LEVELS)} or a number from 0 (clean) to 1.")
    return value


def ranges_at(severity: float | str) -> CorruptionRanges:
    """Return the ranges of a severity 0..1, linear between clean (0), mild (1/3), medium (2/3) and severe (1).

    No probability and no bound of a strength falls as severity rises. UsageError outside 0..1.
    """
    position = parse_severity(severity) * len(LEVELS)
    step = int(position)
    if step == position:
        return _STEPS[step]
    return _between(_STEPS[step], _STEPS[step + 1], position - step)


def mild_to_severe(count: int) -> list[float]:
    """Return severities of a mini-batch from mild to severe, evenly spaced (BrainFM §3.2.1); one sample is medium."""
    if count < 1:
        raise UsageError(f"a mini-batch cannot have {count} samples", "Give 1 or more.")
    if count == 1:
        return [severity_value("medium")]
    return np.linspace(severity_value("mild"), severity_value("severe"), count).tolist()


def severities_of(wanted: str | float, count: int) -> tuple[float, ...]:
    """Return the severities of a mini-batch: `MILD_TO_SEVERE`, or as of `parse_severity` the same for all."""
    return tuple(mild_to_severe(count)) if wanted == MILD_TO_SEVERE else (parse_severity(wanted),) * count


def _between(low: Any, high: Any, fraction: float) -> Any:
    if is_dataclass(low) and not isinstance(low, type):
        values = {f.name: _between(getattr(low, f.name), getattr(high, f.name), fraction) for f in fields(low)}
        return type(low)(**values)
    if isinstance(low, tuple):
        return tuple(_between(a, b, fraction) for a, b in zip(low, high, strict=True))
    return low + (high - low) * fraction
