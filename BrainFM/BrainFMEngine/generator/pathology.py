"""Experimental, off by default: a lesion grown from noise and written into an image of any contrast.

The shape is the top of gradient noise, carried along by a random flow, as published. Three things are ours. The noise
fills a box of some centimetres rather than the whole head, with three cells an axis rather than two, and fades out
within a ball of drawn radius. Its peak is put on a random voxel of the brain: one lesion of plausible size instead of
confetti. And its edge is blurred over a point of that box, which is partial volume rather than a staircase.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from BrainFMEngine.errors import UsageError, nearest_name
from BrainFMEngine.generator.advection import advect, curl
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.perlin import gradient_noise, keep_top
from BrainFMEngine.generator.voxel_noise import normal_field

SignRule = Literal["contrast", "brighter", "darker"]
LATTICE = 32
"""Points an axis of the box in which a lesion grows."""
BOX_RADII = 2.6
"""Edge of that box in radii of the lesion's ball."""
GROWTH_STEP = 0.1
"""Time of one step of growth."""
STABLE_STEP = 9.0
"""Longest stable step of growth times velocity times cells."""
KIND_SIGNS = {"t1": -1, "ct": -1, "t2": 1, "flair": 1}
BY_CONTRAST = "random"
"""Kind of an image whose sign follows from its own contrast."""


@dataclass(frozen=True)
class PathologyRanges:
    """How often there is a lesion, and what it may be like.

    The shape: `percentile` of the noise that is cut away, `cells` of noise an axis of the box, `growth_steps` of 0.1
    in time, `velocity` as the factor on the curl in points of the box. `radius_mm` of the ball that the lesion starts
    in is drawn evenly on a logarithmic scale; `threshold` is the fraction of the largest probability that counts as
    lesion. `intensity` is the change as a fraction of the mean within the lesion, `noise_std` in units of 0..255.
    `sign_rule` "brighter" or "darker" overrides what the contrast says: a fresh haemorrhage is bright in CT.
    """

    probability: float = 0.0
    percentile: tuple[float, float] = (85.0, 99.9)
    cells: int = 3
    growth_probability: float = 0.5
    growth_steps: tuple[int, int] = (1, 10)
    velocity: float = 30.0
    radius_mm: tuple[float, float] = (12.0, 40.0)
    threshold: float = 0.5
    intensity: tuple[float, float] = (0.75, 1.0)
    noise_std: tuple[float, float] = (0.0, 10.0)
    sign_rule: SignRule = "contrast"

    def __post_init__(self):
        if not (0 <= self.probability <= 1 and 0 <= self.growth_probability <= 1 and 0 <= self.threshold < 1):
            raise UsageError("a probability or the threshold of a lesion is not within 0..1")
        if not 0 <= self.percentile[0] <= self.percentile[1] < 100:
            raise UsageError(f"percentiles {self.percentile} of a lesion are not a range within 0..100")
        if self.cells < 1 or not 0 < self.radius_mm[0] <= self.radius_mm[1]:
            raise UsageError(f"a lesion of {self.cells} cells and {self.radius_mm} mm", "Give at least 1 and above 0.")
        if not 0 <= self.growth_steps[0] <= self.growth_steps[1]:
            raise UsageError(f"growth steps {self.growth_steps} are not a range from 0 up")
        if self.velocity < 0:
            raise UsageError(f"the velocity {self.velocity} of a lesion's growth is negative")


@dataclass(frozen=True)
class Pathology:
    """One lesion.

    `theta` and `phi`, (4, cells+1, cells+1, cells+1) float32 radians, are the directions of the noise of the shape and
    of the three potentials of the flow. `place` in 0..1 counts through the voxels of the brain; `seed` is that of the
    voxel noise.
    """

    theta: np.ndarray
    phi: np.ndarray
    percentile: float
    growth_steps: int
    velocity: float
    radius_mm: float
    place: float
    threshold: float
    intensity: float
    noise_std: float
    sign_rule: SignRule
    seed: int


def sample_pathology(draws: Draws, ranges: PathologyRanges) -> Pathology | None:
    """Draw a lesion, or None where there is none; either way the same count of random numbers is used.

    A lesion belongs to the anatomy: draw it once for the samples of one subject that share a deformation.
    """
    present = draws.chance(ranges.probability)
    growing = draws.chance(ranges.growth_probability)
    first, last = ranges.growth_steps
    steps = min(int(draws.between((first, last + 1))), last)
    radius = math.exp(draws.between((math.log(ranges.radius_mm[0]), math.log(ranges.radius_mm[1]))))
    lattice = (4, *[ranges.cells + 1] * 3)
    pathology = Pathology(
        theta=(2 * math.pi * draws.pattern.uniform(size=lattice)).astype(np.float32),
        phi=(2 * math.pi * draws.pattern.uniform(size=lattice)).astype(np.float32),
        percentile=draws.between(ranges.percentile),
        growth_steps=steps if growing else 0,
        velocity=ranges.velocity,
        radius_mm=radius,
        place=float(draws.pattern.uniform()),
        threshold=ranges.threshold,
        intensity=draws.between(ranges.intensity),
        noise_std=draws.between(ranges.noise_std),
        sign_rule=ranges.sign_rule,
        seed=draws.seed(),
    )
    return pathology if present else None


def lesion_probability(
    pathology: Pathology | None, shape: tuple[int, int, int], inside: Tensor, spacing_mm: float = 1.0
) -> Tensor:
    """Return how much of every voxel is lesion.

    Args:
        pathology: the lesion; None gives zeros.
        shape: (X, Y, Z) of the sample.
        inside: (X, Y, Z) bool, where a lesion may be: white and grey matter, not the ventricles.
        spacing_mm: edge of a voxel.

    Returns:
        (X, Y, Z) float32 in 0..1 on the device of `inside`, 0 outside; 1 at the peak, which lies inside. All 0 where
        nothing is inside.

    Raises:
        UsageError: `inside` has another shape.
    """
    if tuple(inside.shape) != tuple(shape):
        raise UsageError(f"the mask {tuple(inside.shape)} does not fit the sample {tuple(shape)}")
    if pathology is None:
        return torch.zeros(shape, device=inside.device)
    lesion = grow_lesion(pathology, inside.device)
    peak = _coordinates(lesion.argmax(), lesion.shape)
    centre = _coordinates(_nth_inside(inside, pathology.place), inside.shape)
    step = spacing_mm * (LATTICE - 1) / (BOX_RADII * pathology.radius_mm)
    points = torch.arange(LATTICE, device=inside.device)
    for axis in range(3):
        position = (torch.arange(shape[axis], device=inside.device) - centre[axis]) * step + peak[axis]
        weights = (1 - (position[:, None] - points).abs()).clamp(min=0)
        lesion = torch.tensordot(lesion, weights, ([0], [1]))
    return (lesion * inside).clamp_(0, 1)


def grow_lesion(pathology: Pathology, device: torch.device | str = "cpu") -> Tensor:
    """Return the lesion in its box, (LATTICE, LATTICE, LATTICE) float32, 0 at the faces and 1 at the peak."""
    box = (LATTICE, LATTICE, LATTICE)
    theta, phi = (torch.from_numpy(angles).to(device) for angles in (pathology.theta, pathology.phi))
    fields = [gradient_noise(*pair, box) for pair in zip(theta, phi, strict=True)]
    axis = torch.linspace(-BOX_RADII / 2, BOX_RADII / 2, LATTICE, device=device) ** 2
    squared_radii = axis[:, None, None] + axis[:, None] + axis
    ball = (1 - squared_radii**2).clamp(min=0)
    lesion, _ = keep_top((fields[0] - fields[0].amin()) * ball, pathology.percentile)
    if pathology.growth_steps:
        # Potentials that vanish towards the faces of the box keep the flow, and the lesion, in it.
        still = (1 - squared_radii / (BOX_RADII / 2) ** 2).clamp(min=0)
        velocity = curl(torch.stack(fields[1:]) * still, pathology.velocity)
        step = min(GROWTH_STEP, STABLE_STEP / max(pathology.velocity * (theta.shape[1] - 1), 1e-6))
        lesion = advect(lesion, velocity, (0, pathology.growth_steps * GROWTH_STEP), step)[-1]
    lesion = _soften(lesion)
    return lesion / lesion.amax().clamp(min=1e-6)


def lesion_mask(probability: Tensor, pathology: Pathology) -> Tensor:
    """Return what counts as lesion: (X, Y, Z) bool, above `threshold` times the largest probability."""
    return probability > pathology.threshold * probability.amax()


def encode(
    image: Tensor,
    probability: Tensor,
    pathology: Pathology | None,
    kind: str,
    grey_mean_above_white: bool | Tensor = False,
) -> Tensor:
    """Write a lesion into an image.

    Adds probability · (±intensity · m + noise) with m the mean of the image over the lesion: brighter in T2- and
    FLAIR-like images, darker in T1- and CT-like ones (as the published code does). An image of random contrast takes
    after T2 where grey matter is brighter than white matter.

    Args:
        image: (X, Y, Z) float32 ≥ 0.
        probability: (X, Y, Z) of `lesion_probability`.
        pathology: the lesion; None returns `image` itself.
        kind: "T1", "T2", "FLAIR", "CT" or "random".
        grey_mean_above_white: bool, or a scalar bool tensor on the image's device; only read for "random".

    Returns:
        (X, Y, Z) float32 ≥ 0, the same values as `image` where the probability is 0.

    Raises:
        UsageError: an unknown kind.
    """
    if pathology is None:
        return image
    sign = _sign(kind, pathology.sign_rule, grey_mean_above_white)
    mean = (probability * image).sum() / probability.sum().clamp(min=1e-6)
    noise = normal_field(tuple(image.shape), pathology.seed, image.device)
    change = noise.mul_(pathology.noise_std).add_(sign * pathology.intensity * mean)
    return torch.addcmul(image, probability, change).clamp_(min=0)


def _sign(kind: str, rule: SignRule, grey_mean_above_white: bool | Tensor) -> int | Tensor:
    known = {**KIND_SIGNS, BY_CONTRAST: 0}
    if kind.lower() not in known:
        raise UsageError(f"no lesion is known in images of kind {kind!r}", nearest_name(kind.lower(), known))
    if rule != "contrast":
        return 1 if rule == "brighter" else -1
    return KIND_SIGNS.get(kind.lower(), 2 * grey_mean_above_white - 1)


def _soften(lesion: Tensor) -> Tensor:
    """Blur with (1, 2, 1) / 4 along each axis; 0 outside and at the faces."""
    lesion = F.pad(lesion[1:-1, 1:-1, 1:-1], [1] * 6)
    for axis in range(3):
        padded = F.pad(lesion, [int(axis == 2 - i // 2) for i in range(6)])
        size = lesion.shape[axis]
        lesion = (padded.narrow(axis, 0, size) + 2 * lesion + padded.narrow(axis, 2, size)) / 4
    return lesion


def _nth_inside(inside: Tensor, place: float) -> Tensor:
    """Return the flat index, a scalar tensor, of the voxel at fraction `place` of those inside."""
    count = inside.flatten().cumsum(0, dtype=torch.int32)
    wanted = (count[-1] * place).floor().to(torch.int32) + 1
    return torch.searchsorted(count, wanted.minimum(count[-1])).clamp(max=len(count) - 1)


def _coordinates(index: Tensor, shape: torch.Size) -> tuple[Tensor, Tensor, Tensor]:
    return index // (shape[1] * shape[2]), index // shape[2] % shape[1], index % shape[2]
