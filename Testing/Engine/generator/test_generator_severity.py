"""Severity: the papers' table, a scale through it, and nothing milder for a higher value."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
import torch
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.bias import apply_bias, bias_log_field, sample_bias
from BrainFMEngine.generator.corruption_ranges import CorruptionRanges
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.gamma import apply_gamma, sample_gamma
from BrainFMEngine.generator.noise import apply_noise, sample_noise
from BrainFMEngine.generator.resolution import from_low_resolution, sample_resolution, to_low_resolution
from BrainFMEngine.generator.severity import LEVELS, mild_to_severe, parse_severity, ranges_at, severity_value

SHAPE = (16, 16, 16)
SCALE = [i / 10 for i in range(11)]
ARTEFACTS = ("ghosting", "gibbs", "spikes", "field_of_view", "background", "defacing")
NO_STRENGTH = {"grid_scale"}


def drawn_strengths(seed: int, severity: float) -> list[float]:
    draws, ranges = Draws.from_seed(seed, sample=int(10 * severity)), ranges_at(severity)
    gamma = sample_gamma(draws, ranges.gamma)
    bias = sample_bias(draws, SHAPE, ranges.bias)
    resolution = sample_resolution(draws, ranges.resolution)
    noise = sample_noise(draws, ranges.noise)
    return [abs(math.log(gamma.exponent)), bias.std, max(resolution.spacing_mm), noise.std]


def numbers(ranges, name="") -> dict[str, float]:
    if is_dataclass(ranges):
        parts = {f.name: getattr(ranges, f.name) for f in fields(ranges) if f.name not in NO_STRENGTH}
    elif isinstance(ranges, tuple):
        parts = dict(enumerate(ranges))
    else:
        return {name: ranges}
    return {key: value for part, inner in parts.items() for key, value in numbers(inner, f"{name}.{part}").items()}


@pytest.mark.parametrize(
    ("name", "low_field", "anisotropic", "grid_scale", "bias_std", "noise_std", "gamma_std"),
    [
        ("mild", 0.1, 0.0, (0.01, 0.02), (0.01, 0.05), (0.01, 1), 0.01),
        ("medium", 0.3, 0.1, (0.02, 0.03), (0.05, 0.3), (0.5, 5), 0.05),
        ("severe", 0.5, 0.25, (0.02, 0.04), (0.1, 0.6), (5, 15), 0.1),
    ],
)
def test_levels_are_those_of_the_table(name, low_field, anisotropic, grid_scale, bias_std, noise_std, gamma_std):
    ranges = ranges_at(severity_value(name))
    assert ranges == LEVELS[name]
    assert ranges.resolution.low_field_probability == low_field
    assert ranges.resolution.anisotropic_probability == anisotropic
    assert (ranges.bias.grid_scale, ranges.bias.std) == (grid_scale, bias_std)
    assert (ranges.noise.std, ranges.gamma.std) == (noise_std, gamma_std)


@pytest.mark.parametrize("name", LEVELS)
def test_kinds_are_drawn_as_often_as_the_table_says(name):
    draws, ranges = Draws.from_seed(1), LEVELS[name].resolution
    kinds = Counter(sample_resolution(draws, ranges).kind for _ in range(4000))
    assert abs((kinds["low_field"] + kinds["near_isotropic"]) / 4000 - ranges.low_field_probability) < 0.03
    assert abs(kinds["anisotropic"] / 4000 - ranges.anisotropic_probability) < 0.03


def test_no_bound_and_no_probability_falls():
    steps = [numbers(ranges_at(severity)) for severity in np.linspace(0, 1, 61).tolist()]
    for milder, worse in zip(steps, steps[1:], strict=False):
        assert all(worse[name] >= milder[name] - 1e-12 for name in milder)


def test_artefacts_are_absent_when_mild_and_rare_at_most():
    for severity, most in ((0, 0), (1 / 3, 0), (2 / 3, 0.05), (1, 0.15)):
        for name in ARTEFACTS:
            assert getattr(ranges_at(severity), name).probability <= most
    assert all(getattr(LEVELS["severe"], name).probability > 0 for name in ARTEFACTS)


@pytest.mark.parametrize("seed", range(50))
def test_no_drawn_strength_falls_with_severity(seed):
    drawn = np.array([drawn_strengths(seed, severity) for severity in SCALE])
    assert (np.diff(drawn, axis=0) >= -1e-12).all()


@pytest.mark.parametrize("seed", range(10))
def test_severity_zero_changes_no_bit(seed):
    draws, ranges = Draws.from_seed(seed), ranges_at(0)
    image = torch.from_numpy(np.random.default_rng(seed).uniform(0, 255, SHAPE).astype(np.float32))
    image[:4] = 0
    changed = apply_gamma(image, sample_gamma(draws, ranges.gamma))
    changed = apply_bias(changed, bias_log_field(sample_bias(draws, SHAPE, ranges.bias), SHAPE))
    low = to_low_resolution(changed, sample_resolution(draws, ranges.resolution))
    low = apply_noise(low, sample_noise(draws, ranges.noise))
    assert torch.equal(from_low_resolution(low, SHAPE), image)


def test_ranges_without_arguments_are_clean():
    strengths = {name: value for name, value in numbers(CorruptionRanges()).items() if name.endswith(("std", ".std.1"))}
    assert strengths and not any(strengths.values())
    assert not any(getattr(CorruptionRanges(), name).probability for name in ARTEFACTS)


@pytest.mark.parametrize(
    ("text", "value"),
    [("mild", 1 / 3), (" Medium", 2 / 3), ("severe", 1), ("0", 0), ("0.25", 0.25), (1, 1), (0.5, 0.5)],
)
def test_a_severity_is_a_name_or_a_number(text, value):
    assert parse_severity(text) == value


@pytest.mark.parametrize("text", ["sever", "", "1.01", "-0.1", "nan", "inf", "50%"])
def test_other_severities_are_refused_with_a_hint(text):
    with pytest.raises(UsageError, match="severity") as caught:
        parse_severity(text)
    assert "mild, medium, severe" in caught.value.hint


def test_a_mini_batch_rises_from_mild_to_severe():
    assert mild_to_severe(1) == [severity_value("medium")]
    for count in range(2, 9):
        values = mild_to_severe(count)
        assert len(values) == count and (values[0], values[-1]) == (1 / 3, 1)
        assert all(a < b for a, b in zip(values, values[1:], strict=False))
    with pytest.raises(UsageError, match="0 samples"):
        mild_to_severe(0)
