"""Painting a label map: one Gaussian a structure, in a random contrast or a scanner's (BrainFM §3.1.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.errors import UsageError, nearest_name
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.labels import LabelScheme
from BrainFMEngine.generator.presets import FULL_SCALE, PRESETS, Preset, preset_means, sample_preset
from BrainFMEngine.generator.range_checks import check_limits, check_probability
from BrainFMEngine.generator.voxel_noise import normal_field
from BrainFMEngine.generator.zoom import apply_separable, blur_matrix, zoom

KINDS = ("mixed", "random", *PRESETS)
PATCH_VOXELS = 5
PATCH_GAIN = (25 / 17) ** 1.5
"""Undoes what linear interpolation between points 5 voxels apart takes from the variance, 8/25 an axis."""

BACKGROUND_NOISE_MEAN, BACKGROUND_NOISE_STD = (1.0, 15.0), (1.0, 6.0)


@dataclass(frozen=True)
class ContrastRanges:
    """Ranges of `sample_contrast`.

    Attributes:
        kind: "random", one of `PRESETS`, or "mixed": a preset as often as `preset_probability`, else random.
        preset_probability: of a preset in "mixed".
        mean, std: of a random Gaussian, intensity units; the published code's ranges.
        background_zero_probability: that air is exactly 0.
        background_bright_probability: that air of a random contrast is drawn like a tissue; otherwise dark noise.
        class_probability: that SynthSeg's generation classes share a random Gaussian, not only left and right.
        tissue_probability: that its 25 contrast-specific classes do.
        soften: standard deviation of the partial-volume blur, voxels.
    """

    kind: str = "mixed"
    preset_probability: float = 0.5
    mean: tuple[float, float] = (25.0, 225.0)
    std: tuple[float, float] = (5.0, 25.0)
    background_zero_probability: float = 0.5
    background_bright_probability: float = 0.15
    class_probability: float = 0.25
    tissue_probability: float = 0.25
    soften: tuple[float, float] = (0.4, 0.7)

    def __post_init__(self):
        if self.kind not in KINDS:
            raise UsageError(f"there is no contrast {self.kind!r}", nearest_name(self.kind, KINDS))
        check_probability("preset probability", self.preset_probability)
        check_probability(
            "background probability", self.background_zero_probability + self.background_bright_probability
        )
        check_probability("group probability", self.class_probability + self.tissue_probability)
        for name in ("mean", "std", "soften"):
            check_limits(f"contrast {name}", getattr(self, name))


@dataclass(frozen=True, eq=False)
class Contrast:
    """One draw.

    Attributes:
        kind: "random" or one of `PRESETS`.
        grouping: what shares a Gaussian: "structure", "class" or "tissue"; "preset" where values come from tissues.
        background: "zero", "noise" or "bright".
        mean, std: (rows,) float32, intensity units.
        texture: (rows,) float32, standard deviation of patches of a few voxels; None for none.
        ceiling: highest value of the image, None for none; with a ceiling (CT), values below 0 count until the blur.
        soften_voxels: standard deviation of the partial-volume blur.
        seed: of the voxel noise.
        preset: the protocol, for a preset.
    """

    kind: str
    grouping: str
    background: str
    mean: np.ndarray
    std: np.ndarray
    texture: np.ndarray | None
    ceiling: float | None
    soften_voxels: float
    seed: int
    preset: Preset | None = None


def sample_contrast(draws: Draws, scheme: LabelScheme, ranges: ContrastRanges) -> Contrast:
    """Draw a contrast for the rows of a scheme, all from the pattern stream."""
    random = draws.pattern
    kind = ranges.kind
    if kind == "mixed":
        kind = PRESETS[random.integers(len(PRESETS))] if random.uniform() < ranges.preset_probability else "random"
    if kind == "random":
        preset = texture = None
        grouping, mean, std = _random_gaussians(random, scheme, ranges)
    else:
        preset, grouping = sample_preset(draws, kind), "preset"
        mean, std, texture = preset_means(preset, scheme)
    air = [0, *scheme.rows_of("air")]
    background, mean[air], std[air] = _background(random, kind, float(mean[0]), float(std[0]), ranges)
    return Contrast(
        kind=kind,
        grouping=grouping,
        background=background,
        mean=mean,
        std=std,
        texture=texture,
        ceiling=FULL_SCALE if kind == "ct" else None,
        soften_voxels=float(random.uniform(*ranges.soften)),
        seed=draws.seed(),
        preset=preset,
    )


def _random_gaussians(
    random: np.random.Generator, scheme: LabelScheme, ranges: ContrastRanges
) -> tuple[str, np.ndarray, np.ndarray]:
    choice = random.uniform()
    if choice < ranges.tissue_probability:
        grouping, group = "tissue", scheme.tissue_group
    elif choice < ranges.tissue_probability + ranges.class_probability:
        grouping, group = "class", scheme.class_group
    else:
        grouping, group = "structure", scheme.group
    index = np.unique(group, return_inverse=True)[1]
    mean, std = (random.uniform(*limits, index.max() + 1)[index] for limits in (ranges.mean, ranges.std))
    return grouping, *scheme.mix(mean, std)


def _background(
    random: np.random.Generator, kind: str, mean: float, std: float, ranges: ContrastRanges
) -> tuple[str, float, float]:
    """Return its name, mean and std; a scanner's air is never bright, and that of CT lies below its window."""
    choice = random.uniform()
    noise = float(random.uniform(*BACKGROUND_NOISE_MEAN)), float(random.uniform(*BACKGROUND_NOISE_STD))
    if kind == "ct":
        return "zero", mean, 0.0
    if choice < ranges.background_zero_probability:
        return "zero", 0.0, 0.0
    if kind == "random" and choice >= 1 - ranges.background_bright_probability:
        return "bright", mean, std
    return "noise", *noise


def without_background(contrast: Contrast) -> Contrast:
    """Return the same contrast with air that is exactly 0, as a skull-stripped image has it."""
    mean, std = contrast.mean.copy(), contrast.std.copy()
    mean[0] = min(mean[0], 0) if contrast.ceiling is not None else 0
    std[0] = 0
    return replace(contrast, background="zero", mean=mean, std=std)


def paint(rows: Tensor, contrast: Contrast, mask: Tensor | None = None) -> Tensor:
    """Draw every voxel from the Gaussian of its row, then blur for partial volume.

    Args:
        rows: (X, Y, Z) uint8, rows of the scheme the contrast was drawn for.
        contrast: what was drawn.
        mask: (X, Y, Z) bool; outside it the image is exactly 0, as after skull stripping.

    Returns:
        (X, Y, Z) float32 >= 0, intensity units: 0 to about 255, fat above; CT within 0..255 for 0..80 HU.
    """
    image = normal_field(tuple(rows.shape), contrast.seed, rows.device)
    image.mul_(paint_values(rows, contrast.std)).add_(paint_values(rows, contrast.mean))
    if contrast.texture is not None:
        patches = _patches(tuple(rows.shape), contrast.seed + 1, rows.device)
        image.addcmul_(patches, paint_values(rows, contrast.texture))
    if contrast.ceiling is None:
        image.clamp_(min=0)
    image = soften(image, contrast.soften_voxels).clamp_(0, contrast.ceiling)
    return image if mask is None else image.mul_(mask)


def _patches(shape: tuple[int, ...], seed: int, device: torch.device) -> Tensor:
    """Return smooth noise of std 1 on average over voxels."""
    coarse = normal_field(tuple(-(-size // PATCH_VOXELS) for size in shape), seed, device)
    return zoom(coarse, shape).mul_(PATCH_GAIN)


def paint_values(rows: Tensor, values: np.ndarray) -> Tensor:
    """Give every voxel the value of its row, say a nominal target; (X, Y, Z) float32."""
    table = torch.from_numpy(values).to(rows.device, torch.float32)
    return table.index_select(0, rows.flatten().int()).reshape(rows.shape)


def soften(image: Tensor, std_voxels: float) -> Tensor:
    """Blur (X, Y, Z) or (C, X, Y, Z) by a Gaussian, weights of voxels beyond the border left out; 0 changes nothing."""
    if std_voxels <= 0:
        return image
    matrices = (blur_matrix(size, std_voxels, image.device) for size in image.shape[-3:])
    return apply_separable(image, tuple(matrix / matrix.sum(1, keepdim=True) for matrix in matrices))
