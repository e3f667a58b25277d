"""One training sample from one subject: draw everything, warp once, paint, corrupt, and give the targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.anatomy.protocols import LabelProtocol
from BrainFMEngine.generator.contrast import (
    EXTRACEREBRAL_FROM,
    Contrast,
    ContrastRanges,
    keep_tissue,
    paint,
    paint_target,
    sample_contrast,
    tissue_table,
)
from BrainFMEngine.generator.corruption import (
    CorruptionRanges,
    bias_log_field,
    blur,
    corrupt,
    sample_corruption,
)
from BrainFMEngine.generator.deformation import (
    Deformation,
    DeformationRanges,
    sample_deformation,
    sampling_positions,
    warp_linear,
    warp_nearest,
)
from BrainFMEngine.generator.subject import COARSE_STEP, DISTANCE_OFFSET, DISTANCE_SCALE, Subject

MAX_DISTANCE_MM = 3.0
PARTIAL_VOLUME_STD = 0.55


@dataclass(frozen=True)
class GeneratorRanges:
    """Every range of the generator."""

    deformation: DeformationRanges = field(default_factory=DeformationRanges)
    contrast: ContrastRanges = field(default_factory=ContrastRanges)
    corruption: CorruptionRanges = field(default_factory=CorruptionRanges)


@dataclass(frozen=True)
class Sample:
    """One sample on a 1 mm grid; a target that the subject lacks is absent.

    Attributes:
        image: (1, X, Y, Z) float32, 0..1, what the network sees.
        targets: head name -> (C, X, Y, Z) float32 in the unit of the raw head; "segmentation" is (X, Y, Z) int64.
        head: (X, Y, Z) bool, where the subject is.
        parameters: the draws that made it.
    """

    image: Tensor
    targets: dict[str, Tensor]
    head: Tensor
    parameters: dict[str, object]

    def part(self, window: tuple[slice, slice, slice]) -> Sample:
        """Return the same sample on fewer voxels; slices may have steps."""
        targets = {name: target[(..., *window)] for name, target in self.targets.items()}
        return Sample(self.image[(..., *window)], targets, self.head[window], self.parameters)


def generate(
    subject: Subject,
    shape: tuple[int, int, int],
    protocol: LabelProtocol,
    rng: np.random.Generator,
    ranges: GeneratorRanges,
) -> Sample:
    """Draw one sample of `shape` voxels from a subject."""
    deformation = sample_deformation(rng, shape, ranges.deformation)
    contrast = sample_contrast(rng, ranges.contrast)
    corruption = sample_corruption(rng, ranges.corruption)
    positions = sampling_positions(deformation, shape, brain_centre(subject))
    rows = _warp_rows(subject, positions, deformation, contrast)
    warped = {c: warp_linear(i[None], positions, -1 if c == "CT" else 0) for c, i in subject.images.items()}

    clean, kind = _clean_image(rng, rows, warped, contrast)
    bias_log = bias_log_field(corruption, shape) * (kind != "CT")
    head = clean > (0.02 * clean.max()) if rows is None else rows > 0
    image = corrupt(clean, corruption, bias_log)
    targets = _clean_targets(rows, warped) | _anatomy_targets(subject, rows, positions, deformation, protocol)
    if kind != "CT":
        mean = bias_log[head].mean() if head.any() else 0.0
        targets["bias_field_log"] = ((bias_log - mean) * head)[None]
    parameters = {"deformation": deformation, "contrast": contrast, "corruption": corruption, "input": kind}
    return Sample(image[None], targets, head, parameters)


def brain_centre(subject: Subject) -> np.ndarray:
    """Return the voxel (3,) that crops are centred on: the brain's centroid, or the grid's centre."""
    if subject.rows is None:
        return (np.array(subject.shape) - 1) / 2
    coarse = subject.rows[::4, ::4, ::4]
    brain = (coarse > 0) & (coarse < int(np.searchsorted(tissue_table()["id"], EXTRACEREBRAL_FROM)))
    return brain.nonzero().float().mean(0).numpy() * 4


def _warp_rows(subject: Subject, positions: Tensor, deformation: Deformation, contrast: Contrast) -> Tensor | None:
    if subject.rows is None:
        return None
    rows = warp_nearest(subject.rows, positions)
    rows = _mirror_rows()[rows.long()] if deformation.flip else rows
    return rows if subject.is_real else keep_tissue(rows, contrast)


@cache
def _mirror_rows() -> Tensor:
    """Return row -> row of the structure across the midline."""
    ids, partner = tissue_table()["id"], tissue_table()["partner"]
    opposite = {int(left): int(right) for right, left in zip(ids, partner, strict=True) if right != left}
    opposite |= {right: left for left, right in opposite.items()}
    return torch.from_numpy(np.searchsorted(ids, [opposite.get(int(i), int(i)) for i in ids]).astype(np.uint8))


def _clean_image(
    rng: np.random.Generator, rows: Tensor | None, warped: dict[str, Tensor], contrast: Contrast
) -> tuple[Tensor, str]:
    """Return the image before corruption and its kind: a real contrast, or a painted one."""
    if warped:
        kind = str(rng.choice(sorted(warped)))
        image = warped[kind][0]
        return ((image / 0.08).clamp(0, 1) if kind == "CT" else image.clamp(min=0)), kind
    painted = paint(rows, contrast)
    return blur(painted[None], (PARTIAL_VOLUME_STD,) * 3)[0], contrast.kind


def _clean_targets(rows: Tensor | None, warped: dict[str, Tensor]) -> dict[str, Tensor]:
    if warped:
        return warped
    painted = torch.stack([paint_target(rows, kind) for kind in ("T1", "T2", "FLAIR", "CT")])
    painted[3] += 1
    painted = blur(painted, (PARTIAL_VOLUME_STD,) * 3)
    painted[3] -= 1
    return {kind: painted[i : i + 1] for i, kind in enumerate(("T1", "T2", "FLAIR", "CT"))}


def _anatomy_targets(
    subject: Subject, rows: Tensor | None, positions: Tensor, deformation: Deformation, protocol: LabelProtocol
) -> dict[str, Tensor]:
    targets = {}
    if rows is not None:
        targets["segmentation"] = torch.from_numpy(_row_to_channel(protocol))[rows.long()]
    if subject.distance is not None:
        coded = warp_linear(subject.distance, positions, outside=255.0)
        distance = (coded - DISTANCE_OFFSET) / DISTANCE_SCALE / deformation.distance_scale
        distance = distance[[2, 3, 0, 1]] if deformation.flip else distance
        targets["distance"] = distance.clamp_(-MAX_DISTANCE_MM, MAX_DISTANCE_MM)
    if subject.atlas_mm is not None:
        coordinates = warp_linear(subject.atlas_mm, positions / COARSE_STEP) / 100
        if deformation.flip:
            coordinates[0].neg_()
        targets["registration"] = coordinates
    return targets


@cache
def _row_to_channel(protocol: LabelProtocol) -> np.ndarray:
    """Map rows of the tissue table to channels; what the protocol lacks is background."""
    channels = {label: channel for channel, label in enumerate(protocol.ids)}
    return np.array([channels.get(int(i), 0) for i in tissue_table()["segmentation"]], np.int64)
