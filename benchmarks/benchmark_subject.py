"""The subject that generator benchmarks work on: a head of nested ellipsoids, or a label map, with everything else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from BrainFMEngine.generator.contrast import paint_values
from BrainFMEngine.generator.labels import freesurfer_scheme
from BrainFMEngine.generator.presets import target_values
from BrainFMEngine.generator.subject import COARSE_STEP, DISTANCE_OFFSET, DISTANCE_SCALE, Subject
from BrainFMEngine.generator.tissues import CONTRASTS
from torch import Tensor

SHAPE = (180, 220, 200)
"""Voxels of 1 mm: a 256³ label map without the air around the head."""

CEREBRUM, WHITE = ((0, 2, 12), (65, 84, 62)), ((0, 2, 12), (61, 80, 58))
FOLDED = (CEREBRUM, WHITE)
SHAPES = (
    ((0, 0, 0), (80, 100, 92), 511, 511),
    ((0, 0, 0), (74, 94, 86), 515, 515),
    ((0, 0, 0), (68, 88, 78), 24, 24),
    (*CEREBRUM, 3, 42),
    (*WHITE, 2, 41),
    ((10, 5, 14), (7, 30, 12), 4, 43),
    ((12, -8, 6), (9, 14, 9), 10, 49),
    ((14, 14, 12), (6, 14, 10), 11, 50),
    ((26, 4, 4), (6, 14, 10), 12, 51),
    ((20, 2, 2), (4, 8, 6), 13, 52),
    ((28, -18, -12), (5, 16, 6), 17, 53),
    ((24, 0, -14), (6, 7, 6), 18, 54),
    ((22, -56, -34), (26, 22, 20), 8, 47),
    ((18, -54, -34), (16, 14, 12), 7, 46),
    ((0, -24, -30), (11, 12, 30), 16, 16),
    ((30, 72, -30), (13, 13, 13), 506, 506),
)
"""Centre (distance from the midline, A, S) and radii in mm, FreeSurfer id on the left and on the right."""


def benchmark_subject(labels: Path | None = None) -> Subject:
    """Return a subject with labels, four images, distances and atlas coordinates, whatever `labels` come with."""
    torch.manual_seed(0)
    if labels is None:
        subject = Subject("phantom", _phantom_rows(SHAPE), _phantom_distances(SHAPE))
    else:
        from BrainFMEngine.generator.read_subject import read_subject

        subject = read_subject(labels)
    distance = subject.distance
    if distance is None:
        distance = torch.full((4, *subject.shape), int(DISTANCE_OFFSET), dtype=torch.uint8)
    return replace(subject, distance=distance, atlas_mm=_coordinates(subject.shape), images=_images(subject))


def _millimetres(shape: tuple[int, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Return R, A and S from the grid's centre, each along an axis of its own."""
    x, y, z = (torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in shape)
    return x[:, None, None], y[:, None], z


def _radius(shape: tuple[int, ...], ellipsoid: tuple) -> Tensor:
    """Return (X, Y, Z), 1 on the surface of an ellipsoid and its mirror image; the cerebrum has folds."""
    x, y, z = _millimetres(shape)
    terms = (((p - c) / r).square() for p, c, r in zip((x.abs(), y, z), ellipsoid[0], ellipsoid[1], strict=True))
    radius = sum(terms).sqrt()
    return radius * (1 + 0.05 * (x / 5).sin() * (y / 6).sin() * (z / 5).sin()) if ellipsoid in FOLDED else radius


def _phantom_rows(shape: tuple[int, ...]) -> Tensor:
    scheme, left = freesurfer_scheme(), _millimetres(shape)[0] < 0
    rows = torch.zeros(shape, dtype=torch.uint8)
    for centre, radii, left_id, right_id in SHAPES:
        sided = torch.where(left, scheme.row(left_id), scheme.row(right_id)).to(torch.uint8).expand(shape)
        rows = torch.where(_radius(shape, (centre, radii)) < 1, sided, rows)
    return rows


def _phantom_distances(shape: tuple[int, ...]) -> Tensor:
    """Return roughly the distances to the two surfaces of each hemisphere, (4, X, Y, Z) uint8 as a subject has them."""
    x = _millimetres(shape)[0]
    surfaces = [(_radius(shape, ellipsoid) - 1) * 70 for ellipsoid in FOLDED]
    maps = torch.stack([torch.maximum(surface, side * x) for side in (1, -1) for surface in surfaces])
    return (maps * DISTANCE_SCALE + DISTANCE_OFFSET).clamp_(0, 255).to(torch.uint8)


def _coordinates(shape: tuple[int, ...]) -> Tensor:
    x, y, z = (torch.arange(-(-n // COARSE_STEP) + 1) * COARSE_STEP - n / 2 for n in shape)
    return (0.95 * torch.stack(torch.meshgrid(x, y, z, indexing="ij"))).half()


def _images(subject: Subject) -> dict[str, Tensor]:
    images = {}
    for name in CONTRASTS:
        clean = paint_values(subject.rows, target_values(name, subject.scheme))
        images[name] = clean.add_(torch.randn(subject.shape), alpha=0.02).half()
    return images
