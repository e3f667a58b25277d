"""What a scan suffers from: the chain from a painted or real image to what a scanner and its users leave of it.

Order: background haze, gamma, bias field, resolution, k-space artefacts and noise at the resolution of the scan, back
to the sample grid, cropped field of view, defacing (BrainFM §3.1.3; the published code chains gamma to noise so).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from BrainFMEngine.generator.background import Background, apply_background, sample_background
from BrainFMEngine.generator.bias import Bias, apply_bias, bias_log_field, sample_bias
from BrainFMEngine.generator.corruption_ranges import CorruptionRanges
from BrainFMEngine.generator.defacing import Defacing, apply_defacing, sample_defacing
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.field_of_view import FieldOfView, field_of_view_mask, sample_field_of_view
from BrainFMEngine.generator.gamma import Gamma, apply_gamma, sample_gamma
from BrainFMEngine.generator.ghosting import Ghosting, apply_ghosting, sample_ghosting
from BrainFMEngine.generator.gibbs import Gibbs, apply_gibbs, sample_gibbs
from BrainFMEngine.generator.noise import Noise, apply_noise, sample_noise
from BrainFMEngine.generator.resolution import (
    Resolution,
    from_low_resolution,
    sample_resolution,
    to_low_resolution,
)
from BrainFMEngine.generator.spikes import Spikes, apply_spikes, sample_spikes


@dataclass(frozen=True)
class Corruption:
    """One draw of everything; None where an artefact does not happen."""

    gamma: Gamma
    bias: Bias
    resolution: Resolution
    noise: Noise
    ghosting: Ghosting | None = None
    gibbs: Gibbs | None = None
    spikes: Spikes | None = None
    field_of_view: FieldOfView | None = None
    background: Background | None = None
    defacing: Defacing | None = None


@dataclass(frozen=True)
class Corrupted:
    """What the chain returns.

    Attributes:
        image: (X, Y, Z) float32 ≥ 0.
        high_resolution: (X, Y, Z), the image before resolution, artefacts and noise: reference for super-resolution.
        bias_log: (X, Y, Z) natural logarithm of the field that was applied, None where there was none (CT).
        visible: (X, Y, Z) bool, False where the field of view or defacing removed the head; None where nothing was.
    """

    image: Tensor
    high_resolution: Tensor
    bias_log: Tensor | None
    visible: Tensor | None


def sample_corruption(
    draws: Draws, shape: tuple[int, int, int], spacing_mm: float, ranges: CorruptionRanges
) -> Corruption:
    """Draw a corruption for a sample of `shape` voxels of `spacing_mm`."""
    return Corruption(
        gamma=sample_gamma(draws, ranges.gamma),
        bias=sample_bias(draws, shape, ranges.bias, spacing_mm),
        resolution=sample_resolution(draws, ranges.resolution),
        noise=sample_noise(draws, ranges.noise),
        ghosting=sample_ghosting(draws, ranges.ghosting),
        gibbs=sample_gibbs(draws, ranges.gibbs),
        spikes=sample_spikes(draws, ranges.spikes),
        field_of_view=sample_field_of_view(draws, ranges.field_of_view),
        background=sample_background(draws, ranges.background),
        defacing=sample_defacing(draws, ranges.defacing),
    )


def corrupt(
    image: Tensor, corruption: Corruption, head: Tensor, brain: Tensor | None, spacing_mm: float, is_ct: bool = False
) -> Corrupted:
    """Apply the chain.

    Args:
        image: (X, Y, Z) float32 ≥ 0, intensity units (0..255).
        corruption: what was drawn; nothing else is random.
        head: (X, Y, Z) bool, what is not air.
        brain: (X, Y, Z) bool, which defacing spares; None without labels.
        spacing_mm: edge of the image's voxels.
        is_ct: CT has no coil and no k-space: bias field, ghosting, ringing and spikes are left out, noise is Gaussian.
    """
    image = apply_gamma(apply_background(image, corruption.background, head), corruption.gamma)
    bias_log = None
    if not is_ct:
        bias_log = bias_log_field(corruption.bias, image.shape, image.device)
        image = apply_bias(image, bias_log)
    scanned = to_low_resolution(image, corruption.resolution, spacing_mm)
    if not is_ct:
        scanned = apply_spikes(
            apply_ghosting(apply_gibbs(scanned, corruption.gibbs), corruption.ghosting), corruption.spikes
        )
    noise = replace(corruption.noise, rician=False) if is_ct else corruption.noise
    scanned = apply_noise(scanned, noise)
    scanned = from_low_resolution(scanned, image.shape)
    seen, visible = _hide(scanned, image, corruption, brain, spacing_mm)
    return Corrupted(seen, image, bias_log, visible)


def _hide(
    scanned: Tensor, image: Tensor, corruption: Corruption, brain: Tensor | None, spacing_mm: float
) -> tuple[Tensor, Tensor | None]:
    """Remove what lies outside the field of view, and the face."""
    visible = None
    if corruption.field_of_view is not None:
        visible = field_of_view_mask(image.shape, corruption.field_of_view, image)
        scanned = scanned * visible
    if corruption.defacing is not None and brain is not None:
        scanned, removed = apply_defacing(scanned, corruption.defacing, brain, spacing_mm, clean=image)
        visible = ~removed if visible is None else visible & ~removed
    return scanned, visible
