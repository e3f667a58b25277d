"""A subject that samples are made from: labels, distances, atlas coordinates and images on one 1 mm RAS grid."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

COARSE_STEP = 3
DISTANCE_SCALE, DISTANCE_OFFSET = 20.0, 128.0


@dataclass(frozen=True)
class Subject:
    """One subject; what it lacks is None or absent.

    Attributes:
        rows: (X, Y, Z) uint8, rows of the tissue table.
        distance: (4, X, Y, Z) uint8, signed mm to lp, lw, rp, rw coded as `mm * DISTANCE_SCALE + DISTANCE_OFFSET`.
        atlas_mm: (3, x, y, z) float16, atlas RAS mm of every `COARSE_STEP`-th voxel.
        images: contrast -> (X, Y, Z) float16; CT in 1000 HU, the others relative to their nominal tissue values.
    """

    name: str
    rows: Tensor | None
    distance: Tensor | None
    atlas_mm: Tensor | None
    images: dict[str, Tensor] = field(default_factory=dict)

    @property
    def is_real(self) -> bool:
        """Whether the subject brings its own images."""
        return bool(self.images)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels of 1 mm."""
        tensor = self.rows if self.rows is not None else next(iter(self.images.values()))
        return tuple(tensor.shape)
