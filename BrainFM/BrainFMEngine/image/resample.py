"""Moving images between grids in world space: a point keeps its RAS millimetres. The one file here that needs torch.

When the axes of both grids align, each axis is interpolated on its own; otherwise the full matrix is used, a few
slices at a time. A point belongs to the source when it lies in one of its voxels (half a voxel beyond the outer
centres); there the outermost values reach to the border.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from BrainFMEngine.image.volume import Grid

Mode = Literal["linear", "nearest"]
ALIGNED_VOXELS = 1e-3
"""How far, in source voxels over the whole target, grids may turn against each other and still count as aligned."""
SNAP_VOXELS = 1e-4
SLAB_POINTS = 1 << 21


def resample(array: np.ndarray, source: Grid, target: Grid, outside: float, mode: Mode = "linear") -> np.ndarray:
    """Bring an image onto another grid.

    Args:
        array: (X, Y, Z) or (X, Y, Z, C) on `source`, any real dtype.
        source, target: grids.
        outside: value of target voxels outside the source.
        mode: "linear" gives float32; "nearest" keeps the dtype.

    Returns:
        (X', Y', Z'[, C]) C-order on `target`.
    """
    sampler = make_sampler(source, target, mode)
    if array.ndim == 3:
        return _pasted(sampler, array, outside, mode)
    channels = [_pasted(sampler, array[..., c], outside, mode) for c in range(array.shape[3])]
    return np.stack(channels, axis=-1)


def resample_labels(
    probabilities: np.ndarray | Iterable[np.ndarray],
    source: Grid,
    target: Grid,
    ids: Sequence[int],
    background: int = 0,
) -> np.ndarray:
    """Turn probabilities on one grid into labels on another: the largest of the linearly resampled probabilities.

    Only one channel is held at the target's resolution at a time.

    Args:
        probabilities: (C, X, Y, Z), or one (X, Y, Z) after the other, in the order of `ids`.
        source, target: grids.
        ids: label of each channel.
        background: label outside the source.

    Returns:
        (X', Y', Z') int16 on `target`.
    """
    sampler = make_sampler(source, target, "linear")
    size = tuple(part.stop - part.start for part in sampler.region)
    best, labels = torch.full(size, -torch.inf), torch.full(size, background, dtype=torch.int16)
    for label, channel in zip(ids, probabilities, strict=True):
        value = sampler.sample(_tensor(channel))
        labels[value > best] = label
        best = torch.maximum(best, value)
    inside = sampler.inside()
    result = np.full(target.shape, background, np.int16)
    result[sampler.region] = labels.numpy() if inside is None else np.where(inside, labels.numpy(), background)
    return result


def make_sampler(source: Grid, target: Grid, mode: Mode) -> AlignedSampler | FreeSampler:
    """Return what samples images on `source` at the voxels of `target`."""
    to_source = np.linalg.inv(source.affine_ras) @ target.affine_ras
    aligned = _aligned_axes(to_source[:3, :3], target.shape)
    if aligned is None:
        return FreeSampler(to_source, source.shape, target.shape, mode)
    return AlignedSampler(to_source, aligned, source.shape, target.shape, mode)


def same_voxels(source: Grid, target: Grid) -> bool:
    """Tell whether every target voxel is a source voxel or outside of the source, so that nothing is interpolated."""
    sampler = make_sampler(source, target, "linear")
    return isinstance(sampler, AlignedSampler) and sampler.exact


class AlignedSampler:
    """Samples axis by axis.

    Attributes:
        shape: of the target.
        region: the box of target voxels that lie in the source; samples are of this box.
    """

    def __init__(
        self, to_source: np.ndarray, axes: list[int], source_shape: Sequence[int], shape: Sequence[int], mode: Mode
    ):
        self._order, self._mode = axes, mode
        self.shape = tuple(shape)
        positions = [_axis_positions(to_source, axis, t, source_shape, shape) for t, axis in enumerate(axes)]
        self.region = tuple(slice(start, start + len(values)) for start, values in positions)
        self._positions = [values for _, values in positions]
        self._sizes = [source_shape[axis] for axis in axes]

    @property
    def exact(self) -> bool:
        """Whether every sample is the value of a voxel."""
        return all(np.array_equal(positions, np.round(positions)) for positions in self._positions)

    def inside(self) -> None:
        """Return None: all of the region is inside."""

    def sample(self, image: Tensor) -> Tensor:
        """Return values (float32 when linear) in `region` of an image (X, Y, Z) on the source."""
        image = image.permute(*self._order)
        # The axis that shrinks most goes first, so that the others have less to do.
        gains = [len(p) / n for p, n in zip(self._positions, self._sizes, strict=True)]
        for axis in sorted(range(3), key=gains.__getitem__):
            image = _sample_axis(image, axis, self._positions[axis], self._mode)
        return image.contiguous()


class FreeSampler:
    """Samples through the full matrix, in slabs of target voxels; `region` is the whole target."""

    def __init__(self, to_source: np.ndarray, source_shape: Sequence[int], shape: Sequence[int], mode: Mode):
        self._matrix = to_source
        self._source_shape, self.shape, self._mode = source_shape, tuple(shape), mode
        self.region = tuple(slice(0, n) for n in shape)

    def inside(self) -> np.ndarray:
        """Return which target voxels lie in a voxel of the source, (X', Y', Z') bool."""
        limit = torch.tensor([n - 0.5 + SNAP_VOXELS for n in self._source_shape])
        parts = [((p > -0.5 - SNAP_VOXELS) & (p < limit)).all(-1) for p in self._slabs()]
        return torch.cat(parts).numpy()

    def sample(self, image: Tensor) -> Tensor:
        """Return values in the whole target of an image (X, Y, Z) on the source; outermost values go on outside."""
        steps = torch.tensor([max(n - 1, 1) / 2 for n in self._source_shape])
        floating = image if image.dtype == torch.float64 else image.float()
        method = "bilinear" if self._mode == "linear" else "nearest"
        parts = []
        for positions in self._slabs():
            # grid_sample wants the last array axis first.
            where = (positions / steps - 1).flip(-1)[None].to(floating.dtype)
            part = functional.grid_sample(
                floating[None, None], where, mode=method, padding_mode="border", align_corners=True
            )
            parts.append(part[0, 0])
        return torch.cat(parts).to(torch.float32 if self._mode == "linear" else image.dtype)

    def _slabs(self) -> Iterator[Tensor]:
        """Yield source positions (slab, Y', Z', 3) in voxels."""
        matrix, offset = (torch.from_numpy(part) for part in (self._matrix[:3, :3].copy(), self._matrix[:3, 3].copy()))
        _, rows, columns = self.shape
        plane = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).double() @ matrix[:, 1:].T + offset
        depth = max(1, SLAB_POINTS // (rows * columns))
        for start in range(0, self.shape[0], depth):
            first = torch.arange(start, min(start + depth, self.shape[0])).double()
            positions = first[:, None, None] * matrix[:, 0] + plane
            yield positions.float().reshape(-1, rows, columns, 3)


def _pasted(sampler: AlignedSampler | FreeSampler, image: np.ndarray, outside: float, mode: Mode) -> np.ndarray:
    values = sampler.sample(_tensor(image)).numpy()
    if mode == "nearest":
        values = values.astype(image.dtype, copy=False)
    inside = sampler.inside()
    if inside is not None:
        return np.where(inside, values, values.dtype.type(outside))
    result = np.full(sampler.shape, outside, values.dtype)
    result[sampler.region] = values
    return result


def _tensor(image: np.ndarray) -> Tensor:
    native = np.ascontiguousarray(image)
    return torch.from_numpy(native.astype(np.float32) if native.dtype == np.float16 else native)


def _aligned_axes(matrix: np.ndarray, shape: Sequence[int]) -> list[int] | None:
    """Return for each target axis the source axis it runs along, or None when it runs along several."""
    reach = np.abs(matrix) * (np.array(shape) - 1)
    axes = [int(axis) for axis in np.abs(matrix).argmax(0)]
    if sorted(axes) != [0, 1, 2]:
        return None
    reach[axes, range(3)] = 0
    return axes if reach.sum(1).max() <= ALIGNED_VOXELS else None


def _axis_positions(
    to_source: np.ndarray, axis: int, target_axis: int, source_shape: Sequence[int], shape: Sequence[int]
) -> tuple[int, np.ndarray]:
    """Return the first target index inside the source, and the source positions of all that are, along one axis."""
    positions = to_source[axis, 3] + to_source[axis, target_axis] * np.arange(shape[target_axis])
    nearest = np.round(positions)
    positions = np.where(np.abs(positions - nearest) < SNAP_VOXELS, nearest, positions)
    inside = np.flatnonzero((positions > -0.5 - SNAP_VOXELS) & (positions < source_shape[axis] - 0.5 + SNAP_VOXELS))
    if inside.size == 0:
        return 0, positions[:0]
    return int(inside[0]), np.clip(positions[inside], 0, source_shape[axis] - 1)


def _sample_axis(image: Tensor, axis: int, positions: np.ndarray, mode: Mode) -> Tensor:
    if mode == "nearest" or np.all(positions == np.round(positions)):
        return _take(image, axis, np.floor(positions + 0.5).astype(np.int64))
    image = image.float()
    below = np.floor(positions).astype(np.int64)
    weight = torch.from_numpy((positions - below).astype(np.float32))
    weight = weight.reshape([-1 if a == axis else 1 for a in range(3)])
    lower = _take(image, axis, below)
    upper = _take(image, axis, np.minimum(below + 1, image.shape[axis] - 1))
    return torch.lerp(lower, upper, weight)


def _take(image: Tensor, axis: int, index: np.ndarray) -> Tensor:
    steps = np.diff(index)
    if index.size and np.all(steps == 1):
        return image.narrow(axis, int(index[0]), len(index))
    return image.index_select(axis, torch.from_numpy(index))
