"""What surrounds the brain: all of the head, a thin shell, or nothing; and clusters that follow no anatomy.

Skull-stripped images come in all qualities, and real heads differ more than 20 labels say. BrainFM's generation maps
replace the tissues around the brain by clusters of intensity; here labels are merged and split at random instead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.labels import LabelScheme
from BrainFMEngine.generator.range_checks import check_limits, check_probability
from BrainFMEngine.generator.zoom import zoom

SPLIT_SHAPE = (8, 8, 8)
CUBE_SHARE = math.sqrt(2) - 1
"""Of the radius; with it the ball is exact along axes and face diagonals, and 5 % too large along space diagonals."""


@dataclass(frozen=True)
class ExtracerebralRanges:
    """Ranges of `sample_extracerebral`.

    Attributes:
        keep_probability, thin_probability, remove_probability: of the three modes; they add up to 1.
        keep_csf_probability: that removing leaves the fluid around the brain.
        shell_mm: thickness of what thinning leaves.
        closing_mm: how narrow gaps are that removing leaves filled with vessels and fluid, as brain masks are smooth.
        cluster_probability: that the tissues are merged into random clusters.
        clusters: fewest and most of them.
        split_probability: that smooth random borders divide each tissue between two clusters.
    """

    keep_probability: float = 0.5
    thin_probability: float = 0.15
    remove_probability: float = 0.35
    keep_csf_probability: float = 0.5
    shell_mm: tuple[float, float] = (2.0, 12.0)
    closing_mm: tuple[float, float] = (0.0, 6.0)
    cluster_probability: float = 0.3
    clusters: tuple[int, int] = (2, 8)
    split_probability: float = 0.5

    def __post_init__(self):
        modes = (self.keep_probability, self.thin_probability, self.remove_probability)
        for name, value in zip(("keep", "thin", "remove"), modes, strict=True):
            check_probability(f"{name} probability", value)
        if abs(sum(modes) - 1) > 1e-6:
            raise UsageError(f"keep, thin and remove probabilities add up to {sum(modes):g}", "They must add up to 1.")
        for name in ("keep_csf", "cluster", "split"):
            check_probability(f"{name} probability", getattr(self, f"{name}_probability"))
        check_limits("shell thickness", self.shell_mm)
        check_limits("closing", self.closing_mm)
        check_limits("number of clusters", self.clusters, low=1)


@dataclass(frozen=True, eq=False)
class Extracerebral:
    """One draw.

    Attributes:
        mode: "keep", "thin" or "remove".
        keep_csf: whether "remove" leaves the fluid around the brain.
        shell_mm: thickness that "thin" leaves.
        closing_mm: half the width of gaps that "remove" leaves filled with vessels and fluid.
        cluster_rows: row -> row whose Gaussian paints it; None without clusters.
        split_rows: the same for where `split_field` is above 0; None without a split.
        split_field: (8, 8, 8) float32, normal values at coarse points that span the grid.
    """

    mode: str
    keep_csf: bool
    shell_mm: float
    closing_mm: float
    cluster_rows: tuple[int, ...] | None = None
    split_rows: tuple[int, ...] | None = None
    split_field: np.ndarray | None = None


def sample_extracerebral(draws: Draws, scheme: LabelScheme, ranges: ExtracerebralRanges) -> Extracerebral:
    """Draw what happens around the brain, all from the pattern stream."""
    random = draws.pattern
    choice = random.uniform()
    if choice < ranges.remove_probability:
        mode = "remove"
    else:
        mode = "thin" if choice < ranges.remove_probability + ranges.thin_probability else "keep"
    keep_csf = random.uniform() < ranges.keep_csf_probability
    shell_mm, closing_mm = random.uniform(*ranges.shell_mm), random.uniform(*ranges.closing_mm)
    clustered, split = random.uniform() < ranges.cluster_probability, random.uniform() < ranges.split_probability
    outside = np.flatnonzero(scheme.extracerebral)
    wanted = min(int(random.integers(ranges.clusters[0], ranges.clusters[1] + 1)), len(outside))
    clusters = random.permutation(outside)[:wanted]
    first, second = (_cluster_rows(random, scheme, clusters) for _ in range(2))
    field = random.standard_normal(SPLIT_SHAPE).astype(np.float32)
    return Extracerebral(
        mode=mode,
        keep_csf=bool(keep_csf),
        shell_mm=float(shell_mm),
        closing_mm=float(closing_mm),
        cluster_rows=first if clustered else None,
        split_rows=second if clustered and split else None,
        split_field=field if clustered and split else None,
    )


def _cluster_rows(random: np.random.Generator, scheme: LabelScheme, clusters: np.ndarray) -> tuple[int, ...]:
    rows = np.arange(len(scheme))
    rows[scheme.extracerebral] = clusters[random.integers(len(clusters), size=scheme.extracerebral.sum())]
    return tuple(rows.tolist())


def apply_extracerebral(
    rows: Tensor, extracerebral: Extracerebral, scheme: LabelScheme, spacing_mm: float = 1.0
) -> Tensor:
    """Set what is removed around the brain to background.

    Args:
        rows: (X, Y, Z) uint8.
        extracerebral: what was drawn.
        scheme: of the rows.
        spacing_mm: of the voxels.

    Returns:
        (X, Y, Z) uint8; `rows` itself where everything is kept.
    """
    if extracerebral.mode == "keep":
        return rows
    every = np.arange(len(scheme))
    if extracerebral.mode == "thin":
        brain = _look_up(rows, (every > 0) & ~scheme.extracerebral).bool()
        return torch.where(dilate(brain, round(extracerebral.shell_mm / spacing_mm)), rows, 0)
    soft = scheme.outer_csf & (not extracerebral.keep_csf)
    brain = _look_up(rows, (every > 0) & ~scheme.extracerebral & ~soft).bool()
    closed = close(brain, round(extracerebral.closing_mm / spacing_mm))
    fluid = _look_up(rows, soft | np.isin(every, [*scheme.rows_of("artery"), *scheme.rows_of("vein")])).bool()
    return torch.where(brain | (closed & fluid), rows, 0)


def cluster_extracerebral(rows: Tensor, extracerebral: Extracerebral) -> Tensor:
    """Return rows to paint by: extracerebral tissues take each other's Gaussians; the brain stays.

    Args:
        rows: (X, Y, Z) uint8.
        extracerebral: what was drawn.

    Returns:
        (X, Y, Z) uint8; `rows` itself without clusters.
    """
    if extracerebral.cluster_rows is None:
        return rows
    clustered = _look_up(rows, np.array(extracerebral.cluster_rows))
    if extracerebral.split_rows is None:
        return clustered
    field = zoom(torch.from_numpy(extracerebral.split_field).to(rows.device), tuple(rows.shape))
    return torch.where(field > 0, _look_up(rows, np.array(extracerebral.split_rows)), clustered)


def dilate(mask: Tensor, radius: int) -> Tensor:
    """Grow a mask (X, Y, Z) bool by nearly a ball of `radius` voxels: a cube's and an octahedron's growth in turn."""
    cube = round(CUBE_SHARE * radius)
    for axis in range(3):
        mask = _dilate_axis(mask, cube, axis)
    for _ in range(radius - cube):
        mask = torch.stack([_dilate_axis(mask, 1, axis) for axis in range(3)]).any(0)
    return mask


def close(mask: Tensor, radius: int) -> Tensor:
    """Fill gaps of a mask (X, Y, Z) bool that are up to twice `radius` voxels wide; nothing changes for 0."""
    return ~dilate(~dilate(mask, radius), radius) if radius > 0 else mask


def _dilate_axis(mask: Tensor, radius: int, axis: int) -> Tensor:
    padding = [0, 0] * (2 - axis) + [radius, radius] + [0, 0] * axis
    grown = torch.nn.functional.pad(mask, padding)
    window, wanted = 1, 2 * radius + 1
    while window < wanted:
        step = min(window, wanted - window)
        length = grown.shape[axis] - step
        grown = grown.narrow(axis, 0, length) | grown.narrow(axis, step, length)
        window += step
    return grown


def _look_up(rows: Tensor, table: np.ndarray) -> Tensor:
    values = torch.from_numpy(table.astype(np.uint8)).to(rows.device)
    return values.index_select(0, rows.flatten().int()).reshape(rows.shape)
