"""A deformation to look at: cubes of the subject as they lie in the sample."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from BrainFMEngine.generator.deformation import Deformation, sampling_positions

CELL_MM = 10.0


def deformed_checkerboard(
    deformation: Deformation,
    shape: tuple[int, int, int],
    centre_voxel: Sequence[float],
    spacing_mm: float = 1.0,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Return which of two kinds of cubes every voxel comes from, (X, Y, Z) uint8, 1 or 2.

    Cubes of `CELL_MM`, their borders between voxels, alternate along each axis of the subject; outlined as labels they
    are a grid in every slice.

    Args:
        deformation: of the sample.
        shape: (X, Y, Z) of the sample.
        centre_voxel: (3,) voxel of the 1 mm subject that the sample is centred on.
        spacing_mm: of the sample.
        device: where to compute.
    """
    positions = sampling_positions(deformation, shape, centre_voxel, spacing_mm, device)
    cells = positions.add_(0.5).div_(CELL_MM).floor_().sum(0)
    return torch.remainder(cells, 2).add_(1).to(torch.uint8)
