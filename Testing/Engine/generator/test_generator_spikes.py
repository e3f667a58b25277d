"""Spikes: k-space has its peaks where they were drawn, the image stripes of that wavelength."""

from __future__ import annotations

import pytest
import torch
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.spikes import (
    FREQUENCIES,
    FULL_AMPLITUDE,
    Spikes,
    SpikesRanges,
    apply_spikes,
    sample_spikes,
)

SHAPE = (24, 25, 26)


@pytest.mark.parametrize("point", [(3, 0, 0), (2, 5, 3), (4, -6, 1), (-5, 2, -4)])
@pytest.mark.parametrize("strength", [0.2, 1.0])
def test_peaks_are_where_they_were_drawn(point, strength):
    image = torch.full(SHAPE, 100.0)
    frequency = tuple(k / n for k, n in zip(point, SHAPE, strict=True))
    result = apply_spikes(image, Spikes(strength, (frequency,), (0.7,), (0.4,)))
    spectrum = torch.fft.fftn(result) / image.numel()
    mirrored = tuple(-k for k in point)
    expected = 0.5 * FULL_AMPLITUDE * strength * 100
    assert spectrum[point].abs() == pytest.approx(expected, rel=1e-3)
    assert spectrum[point].angle() == pytest.approx(0.4, abs=1e-3)
    assert spectrum[0, 0, 0].real == pytest.approx(100, rel=1e-4)
    spectrum[0, 0, 0] = spectrum[point] = spectrum[mirrored] = 0
    assert spectrum.abs().max() < 1e-3 * expected


def test_spikes_share_the_strength_by_weight():
    image = torch.full(SHAPE, 100.0)
    points = ((3, 2, 1), (0, 5, -4), (-2, 4, 4))
    frequencies = tuple(tuple(k / n for k, n in zip(point, SHAPE, strict=True)) for point in points)
    spectrum = torch.fft.fftn(apply_spikes(image, Spikes(1.0, frequencies, (3.0, 4.0, 12.0), (0.0, 1.0, 2.0))))
    peaks = [spectrum[point].abs() / image.numel() for point in points]
    expected = [0.5 * FULL_AMPLITUDE * 100 * weight / 13 for weight in (3, 4, 12)]
    assert peaks == pytest.approx(expected, rel=1e-3)


def test_stripes_reach_the_air():
    image = torch.zeros(SHAPE)
    image[8:16, 8:16, 8:16] = 200
    result = apply_spikes(image, Spikes(1.0, ((0.1, 0.1, 0.1),), (1.0,), (0.0,)))
    assert result[0].std() > 0.05 * image.mean() and result.min() >= 0


def test_drawn_frequencies_are_in_the_middle_of_k_space():
    for seed in range(100):
        spikes = sample_spikes(Draws.from_seed(seed), SpikesRanges(1.0))
        assert 1 <= len(spikes.frequencies) == len(spikes.weights) == len(spikes.phases_rad) <= 3
        norms = torch.tensor(spikes.frequencies, dtype=torch.float64).norm(dim=1)
        assert (norms >= FREQUENCIES[0] - 1e-9).all() and (norms <= FREQUENCIES[1] + 1e-9).all()
