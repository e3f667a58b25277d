"""Everything that was drawn for one sample, and how a batch of them is drawn (BrainFM §3.1, §3.2.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from BrainFMEngine.generator.contrast import Contrast, ContrastRanges, sample_contrast
from BrainFMEngine.generator.corruption import Corruption, sample_corruption
from BrainFMEngine.generator.corruption_changes import check_changes, with_changes
from BrainFMEngine.generator.corruption_ranges import CorruptionRanges
from BrainFMEngine.generator.deformation import Deformation, DeformationRanges, sample_deformation
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.extracerebral import Extracerebral, ExtracerebralRanges, sample_extracerebral
from BrainFMEngine.generator.mixup import Mixup, MixupRanges, sample_mixup
from BrainFMEngine.generator.pathology import Pathology, PathologyRanges, sample_pathology
from BrainFMEngine.generator.severity import mild_to_severe, ranges_at
from BrainFMEngine.generator.subject import Subject

SYNTHETIC = "synthetic"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class GeneratorOptions:
    """What to draw from; every range of the generator.

    Attributes:
        shape: voxels of a sample.
        spacing_mm: edge of its cubic voxels.
        severities: one value from 0 (clean) to 1 (severe) per sample of a batch.
        real_input_probability: how often a sample is one of the subject's own images instead of a painted one.
        corruption: fixed ranges instead of those of the severities.
        corruption_changes: single ranges that replace those, see `corruption_changes.with_changes`.
        paint_targets: give subjects without any image nominal T1, T2, FLAIR and CT as targets.
        noise_device: kind of device that voxel noise is drawn on; None for that of the subject.
    """

    shape: tuple[int, int, int] = (128, 128, 128)
    spacing_mm: float = 1.0
    severities: tuple[float, ...] = field(default_factory=lambda: tuple(mild_to_severe(4)))
    real_input_probability: float = 0.0
    deformation: DeformationRanges = field(default_factory=DeformationRanges)
    extracerebral: ExtracerebralRanges = field(default_factory=ExtracerebralRanges)
    contrast: ContrastRanges = field(default_factory=ContrastRanges)
    mixup: MixupRanges = field(default_factory=MixupRanges)
    pathology: PathologyRanges = field(default_factory=PathologyRanges)
    corruption: CorruptionRanges | None = None
    protocol: str = "compact-40"
    max_distance_mm: float = 3.0
    paint_targets: bool = False
    noise_device: str | None = None
    corruption_changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        check_changes(self.corruption_changes)

    def corruption_at(self, severity: float) -> CorruptionRanges:
        """Return the ranges that a sample of this severity is drawn from."""
        return with_changes(self.corruption or ranges_at(severity), self.corruption_changes)


@dataclass(frozen=True)
class SampleParameters:
    """One sample, completely: with the subject it gives the same voxels again.

    Attributes:
        subject, seed, index, severity: where the draw came from; not used to make the sample.
        input: "synthetic", or the contrast of the real image that is the sample.
        noise_device: kind of device that voxel noise is drawn on, "cpu", "cuda" or "mps".
    """

    subject: str
    seed: int
    index: int
    severity: float
    shape: tuple[int, int, int]
    spacing_mm: float
    input: str
    deformation: Deformation
    extracerebral: Extracerebral
    contrast: Contrast | None
    mixup: Mixup | None
    pathology: Pathology | None
    corruption: Corruption
    noise_device: str = "cpu"
    format_version: int = FORMAT_VERSION

    @property
    def is_ct(self) -> bool:
        """Whether the image is a CT, which has no coil and no k-space."""
        return self.input == "CT" or (self.contrast is not None and self.contrast.kind == "ct")


def draw_batch(subject: Subject, options: GeneratorOptions, seed: int) -> tuple[SampleParameters, ...]:
    """Draw the samples of one intra-subject mini-batch.

    They share the anatomy (deformation, tissue outside the brain, lesion) and the stream that says how strong each
    corruption is, so that with rising severities no corruption gets weaker; contrasts and patterns are their own. At
    one severity for all, how strong is drawn for each.

    Args:
        subject: whose labels and images there are.
        options: the ranges.
        seed: the batch's; the same one draws the same batch.
    """
    anatomy = Draws(*(np.random.default_rng((seed, 2, stream)) for stream in range(2)))
    shared = {
        "deformation": sample_deformation(anatomy, options.shape, options.spacing_mm, options.deformation),
        "extracerebral": sample_extracerebral(anatomy, subject.scheme, options.extracerebral),
        "pathology": sample_pathology(anatomy, options.pathology),
    }
    return tuple(
        _draw_sample(subject, options, seed, index, severity, shared)
        for index, severity in enumerate(options.severities)
    )


def _draw_sample(
    subject: Subject, options: GeneratorOptions, seed: int, index: int, severity: float, shared: dict
) -> SampleParameters:
    draws = Draws.from_seed(seed, index, own_level=len(set(options.severities)) == 1)
    corruption = sample_corruption(draws, options.shape, options.spacing_mm, options.corruption_at(severity))
    contrasts = tuple(sorted(subject.images))
    wants_real, which = draws.pattern.uniform(size=2)
    real = bool(contrasts) and (subject.rows is None or wants_real < options.real_input_probability)
    contrast = None if real else sample_contrast(draws, subject.scheme, options.contrast)
    mixup = sample_mixup(draws, contrasts, options.mixup)
    return SampleParameters(
        subject=subject.name,
        seed=seed,
        index=index,
        severity=severity,
        shape=options.shape,
        spacing_mm=options.spacing_mm,
        input=contrasts[int(which * len(contrasts))] if real else SYNTHETIC,
        contrast=contrast,
        mixup=None if contrast is None or contrast.kind == "ct" else mixup,
        corruption=corruption,
        noise_device=options.noise_device or subject.device.type,
        **shared,
    )
