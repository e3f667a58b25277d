"""A subject that samples are made from: labels, distances, atlas coordinates and images on one 1 mm RAS grid."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.generator.labels import LabelScheme, freesurfer_scheme
from BrainFMEngine.generator.subject_units import COARSE_STEP as COARSE_STEP
from BrainFMEngine.generator.subject_units import DISTANCE_OFFSET, DISTANCE_SCALE
from BrainFMEngine.image.volume import Shape3D, shape_3d


@dataclass(frozen=True)
class Subject:
    """One subject, kept compact so that many fit in memory; what it lacks is None or absent.

    Attributes:
        name: for logs and records.
        rows: (X, Y, Z) uint8, rows of the label scheme.
        distance: (4, X, Y, Z) uint8, signed mm to lp, lw, rp, rw coded as `mm * DISTANCE_SCALE + DISTANCE_OFFSET`.
        atlas_mm: (3, x, y, z) float16, atlas RAS mm of every `COARSE_STEP`-th voxel.
        images: contrast -> (X, Y, Z) float16; CT in 1000 HU, the others relative to their nominal tissue values.
        scheme: what `rows` are rows of.
        affine_ras: (4, 4) voxel to RAS mm.
    """

    name: str
    rows: Tensor | None
    distance: Tensor | None = None
    atlas_mm: Tensor | None = None
    images: dict[str, Tensor] = field(default_factory=dict)
    scheme: LabelScheme = field(default_factory=freesurfer_scheme)
    affine_ras: np.ndarray = field(default_factory=lambda: np.eye(4))

    @property
    def device(self) -> torch.device:
        """Where the tensors are, and so where samples are made."""
        return (self.rows if self.rows is not None else next(iter(self.images.values()))).device

    @property
    def is_real(self) -> bool:
        """Whether the subject brings its own images."""
        return bool(self.images)

    @property
    def shape(self) -> Shape3D:
        """Voxels of 1 mm."""
        tensor = self.rows if self.rows is not None else next(iter(self.images.values()))
        return shape_3d(tensor.shape)

    @cached_property
    def centre_voxel(self) -> np.ndarray:
        """Voxel (3,) that samples are centred on: the brain's centroid, or the grid's centre without labels."""
        if self.rows is None:
            return (np.array(self.shape) - 1) / 2
        inside = is_brain(self.rows[::4, ::4, ::4], self.scheme).nonzero()
        if not len(inside):
            return (np.array(self.shape) - 1) / 2
        return 4 * inside.float().mean(0).cpu().double().numpy()

    @cached_property
    def white_matter_t1(self) -> float | None:
        """Median of the T1w in white matter, the unit of Brain-ID's MP-RAGE guide; None without T1w or labels."""
        if self.rows is None or "T1" not in self.images:
            return None
        white = select(self.rows, np.isin(np.arange(len(self.scheme)), self.scheme.rows_of("white")))
        values = self.images["T1"][white].float()
        return float(values.median()) if len(values) else None

    def to(self, device: torch.device | str) -> Subject:
        """Return the subject with its tensors on a device."""

        def moved(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        images = {name: image.to(device) for name, image in self.images.items()}
        maps = moved(self.rows), moved(self.distance), moved(self.atlas_mm)
        return replace(self, rows=maps[0], distance=maps[1], atlas_mm=maps[2], images=images)


def select(rows: Tensor, chosen: np.ndarray) -> Tensor:
    """Return where `rows` (X, Y, Z) are among the chosen ones; `chosen` is (rows,) bool."""
    table = torch.from_numpy(chosen).to(rows.device)
    return table.index_select(0, rows.flatten().int()).reshape(rows.shape)


def is_brain(rows: Tensor, scheme: LabelScheme) -> Tensor:
    """Return (X, Y, Z) bool: brain and the fluid in it, not the fluid around it."""
    return select(rows, scheme.brain)


def code_distances(distances_mm: np.ndarray) -> np.ndarray:
    """Return signed distances in mm as `Subject.distance` keeps them, uint8 of the same shape."""
    return (distances_mm * DISTANCE_SCALE + DISTANCE_OFFSET).round().clip(0, 255).astype(np.uint8)
