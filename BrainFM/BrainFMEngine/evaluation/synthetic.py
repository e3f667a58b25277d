"""Inputs whose answers are known: a subject's head painted in a given contrast, the same one every time."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from BrainFMEngine.anatomy.protocols import COMPACT_40
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.affine import AffineRanges
from BrainFMEngine.generator.bias import BiasRanges
from BrainFMEngine.generator.contrast import ContrastRanges
from BrainFMEngine.generator.corruption_ranges import CorruptionRanges
from BrainFMEngine.generator.deformation import DeformationRanges
from BrainFMEngine.generator.extracerebral import ExtracerebralRanges
from BrainFMEngine.generator.gamma import GammaRanges
from BrainFMEngine.generator.generator import Sample, iterate_batch
from BrainFMEngine.generator.mixup import MixupRanges
from BrainFMEngine.generator.noise import NoiseRanges
from BrainFMEngine.generator.parameters import GeneratorOptions, SampleParameters, draw_batch
from BrainFMEngine.generator.subject import Subject
from BrainFMEngine.generator.tissues import CONTRASTS
from BrainFMEngine.generator.velocity import VelocityRanges

KINDS = (*CONTRASTS, "random-1", "random-2")
"""What a head is painted as: like the four contrasts, and in two random ones."""

TRUTH_PROTOCOL = COMPACT_40
STILL = DeformationRanges(AffineRanges(0, 0, 0), VelocityRanges(std_mm=0.0), flip_probability=0.0)
WHOLE_HEAD = ExtracerebralRanges(1.0, 0.0, 0.0, cluster_probability=0.0)
MODERATE = CorruptionRanges(GammaRanges(0.05), BiasRanges((0.02, 0.02), (0.1, 0.2)), noise=NoiseRanges((3.0, 8.0)))
NEVER_MIXED = MixupRanges(0.0)


def synthetic_samples(subject: Subject, kinds: Sequence[str] = KINDS) -> Iterator[Sample]:
    """Paint a whole head without deformation, with a moderate bias field and noise, in one contrast after the other.

    The seed follows from the subject's name and the kind, so that every model sees the same input. Where the subject
    has no real image, T1, T2, FLAIR and CT targets are painted. All samples share the targets that are not their own.

    Args:
        subject: with labels.
        kinds: of `KINDS`, at least one.

    Raises:
        UsageError: the subject has no labels to paint.
    """
    if subject.rows is None:
        raise UsageError(f"{subject.name} has no label map, so no head can be painted from it")
    drawn = [_drawn(subject, kind) for kind in kinds]
    batch = [replace(parameters, deformation=drawn[0].deformation) for parameters in drawn]  # none of them moves
    return iterate_batch(subject, batch, _options(subject, kinds[0]))


def _drawn(subject: Subject, kind: str) -> SampleParameters:
    return draw_batch(subject, _options(subject, kind), zlib.crc32(f"{subject.name} {kind}".encode()))[0]


def _options(subject: Subject, kind: str) -> GeneratorOptions:
    return GeneratorOptions(
        shape=subject.shape,
        severities=(0.5,),
        deformation=STILL,
        extracerebral=WHOLE_HEAD,
        contrast=ContrastRanges(kind=kind.split("-")[0].lower()),
        mixup=NEVER_MIXED,
        corruption=MODERATE,
        protocol=TRUTH_PROTOCOL.name,
        paint_targets=True,
    )
