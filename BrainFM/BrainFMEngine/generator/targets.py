"""What the five tasks should answer for a sample, deformed with it; what the subject lacks is absent (BrainFM §3.2.2).

Values are in the units of the raw heads: T1, T2 and FLAIR relative to nominal tissue values, CT in 1000 HU, distances
in mm, atlas coordinates in 100 mm, "image" (Brain-ID's MP-RAGE guide) relative to white matter.
"""

from __future__ import annotations

import torch
from torch import Tensor

from BrainFMEngine.anatomy.protocols import LabelProtocol
from BrainFMEngine.generator.contrast import paint_values, soften
from BrainFMEngine.generator.deformation import Deformation
from BrainFMEngine.generator.labels import LabelScheme, rows_to_channels
from BrainFMEngine.generator.presets import target_values
from BrainFMEngine.generator.subject import COARSE_STEP, DISTANCE_OFFSET, DISTANCE_SCALE, Subject
from BrainFMEngine.generator.tissues import CONTRASTS
from BrainFMEngine.generator.velocity import refine
from BrainFMEngine.generator.warp import Box, warp_linear, warp_together

REGISTRATION_UNIT_MM = 100.0
FAR = 255.0
AIR_CT = -1.0
PARTIAL_VOLUME_VOXELS = 0.55
MIRRORED_DISTANCES = [2, 3, 0, 1]


def anatomy_targets(
    subject: Subject,
    rows: Tensor | None,
    coded_distance: Tensor | None,
    control: Tensor,
    deformation: Deformation,
    shape: tuple[int, int, int],
    protocol: LabelProtocol,
    max_distance_mm: float,
) -> dict[str, Tensor]:
    """Return "segmentation", "distance" and "registration", as far as the subject has them.

    Args:
        subject: the anatomy.
        rows: (X, Y, Z) the deformed (and mirrored) rows of the label scheme.
        coded_distance: (4, X, Y, Z) float32, result of `warp_volumes`.
        control: (3, x, y, z) subject voxels of the deformation's control points: enough for smooth coordinates.
        deformation: for the scale of distances and for the flip.
        shape: of the sample.
        protocol: channels of the segmentation; what it lacks is background.
        max_distance_mm: distances are clipped at this.

    Returns:
        name -> (C, X, Y, Z) float32; "segmentation" is (X, Y, Z) int64 channels.
    """
    targets = {}
    if rows is not None and subject.scheme.sided:
        channels = torch.from_numpy(rows_to_channels(subject.scheme, protocol)).to(rows.device)
        targets["segmentation"] = channels.index_select(0, rows.flatten().int()).reshape(rows.shape)
    if coded_distance is not None:
        scale = 1 / (DISTANCE_SCALE * deformation.distance_scale)
        distance = coded_distance.sub(DISTANCE_OFFSET).mul_(scale)
        distance = distance[MIRRORED_DISTANCES] if deformation.flip else distance
        targets["distance"] = distance.clamp_(-max_distance_mm, max_distance_mm)
    if subject.atlas_mm is not None:
        coordinates = warp_linear(subject.atlas_mm, control / COARSE_STEP).div_(REGISTRATION_UNIT_MM)
        if deformation.flip:
            coordinates[0].neg_()
        targets["registration"] = refine(coordinates, shape)
    return targets


def warp_volumes(subject: Subject, positions: Tensor, box: Box) -> tuple[Tensor | None, dict[str, Tensor]]:
    """Deform the subject's distance codes and real images together.

    Args:
        subject: the anatomy.
        positions: (3, X, Y, Z) subject voxel of every sample voxel.
        box: part of the subject that they touch.

    Returns:
        (4, X, Y, Z) distance codes, far away outside, or None; and contrast -> (X, Y, Z) float32, air outside.
    """
    codes = [] if subject.distance is None else list(subject.distance)
    outside = [FAR] * len(codes) + [AIR_CT if name == "CT" else 0.0 for name in subject.images]
    if not outside:
        return None, {}
    warped = warp_together([*codes, *subject.images.values()], positions, outside, box)
    images = dict(zip(subject.images, warped[len(codes) :], strict=True))
    return (warped[: len(codes)] if codes else None), images


def image_targets(subject: Subject, rows: Tensor | None, warped: dict[str, Tensor], paint: bool) -> dict[str, Tensor]:
    """Return the synthesis targets and Brain-ID's guide "image": real where there are images, else painted if asked.

    Args:
        subject: for the brightness of white matter.
        rows: (X, Y, Z) deformed rows, None without labels.
        warped: result of `warp_volumes`.
        paint: whether a subject without any real image gets targets of nominal tissue values.

    Returns:
        contrast -> (1, X, Y, Z) float32.
    """
    if warped:
        targets = {name: image[None] for name, image in warped.items()}
    elif paint and rows is not None:
        targets = painted_contrasts(rows, subject.scheme)
    else:
        return {}
    if "T1" in targets and subject.white_matter_t1 is not None:
        targets["image"] = targets["T1"].clamp(min=0) / subject.white_matter_t1
    return targets


def painted_contrasts(rows: Tensor, scheme: LabelScheme) -> dict[str, Tensor]:
    """Paint nominal tissue values with partial volume: contrast -> (1, X, Y, Z) float32."""
    painted = torch.stack([paint_values(rows, target_values(name, scheme)) for name in CONTRASTS])
    soft = soften(painted, PARTIAL_VOLUME_VOXELS)
    return {name: image[None] for name, image in zip(CONTRASTS, soft, strict=True)}
