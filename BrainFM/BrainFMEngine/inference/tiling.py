"""Windows over a volume that does not fit: where they lie and how they are blended. Torch-free."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from BrainFMEngine.image.volume import Shape3D

OVERLAP = 0.25
SIGMA = 0.25  # of the Gaussian weight, as a fraction of the window


def window_shape(shape: Shape3D, edge: int, multiple: int) -> Shape3D:
    """Return the window for an edge: a multiple of `multiple` along each axis, never larger than the volume."""
    edge = max(edge // multiple, 1) * multiple
    return tuple(min(edge, size) for size in shape)  # type: ignore[return-value]


def window_starts(size: int, window: int) -> list[int]:
    """Return starts along one axis, evenly spread, neighbours sharing at least a quarter of the window."""
    if window >= size:
        return [0]
    count = int(np.ceil((size - window) / (window * (1 - OVERLAP)))) + 1
    return [int(start) for start in np.linspace(0, size - window, count)]


def windows(shape: Shape3D, window: Shape3D) -> Iterator[tuple[slice, slice, slice]]:
    """Yield the slices of every window of a volume."""
    starts = [window_starts(size, edge) for size, edge in zip(shape, window, strict=True)]
    for corner in product(*starts):
        yield tuple(slice(start, start + edge) for start, edge in zip(corner, window, strict=True))  # type: ignore[misc]


def blend_weights(window: Shape3D) -> np.ndarray:
    """Return positive weights (X, Y, Z) float32: a Gaussian about the centre of the window."""
    axes = []
    for edge in window:
        offset = (np.arange(edge) - (edge - 1) / 2) / (SIGMA * edge)
        axes.append(np.exp(-0.5 * offset**2))
    return np.einsum("i,j,k->ijk", *axes).astype(np.float32)
