"""Taking values of a subject at given positions: trilinear for images and maps, nearest for labels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from BrainFMEngine.errors import UsageError

Box = tuple[slice, slice, slice]
WITHOUT_OFFSET = (slice(None),) * 3
EXACT_FLOAT_INTEGERS = 1 << 24


def box_of(positions: Tensor, shape: Sequence[int]) -> Box:
    """Return the part of a grid that sampling touches; never empty.

    Args:
        positions: (3, X, Y, Z) continuous voxel indices. Reading their extremes waits once for the device.
        shape: (x, y, z) of the grid.

    Returns:
        slices from the voxel at or below the lowest position to the one at or above the highest.
    """
    flat = positions.reshape(3, -1)
    low, high = torch.stack((flat.amin(1).floor(), flat.amax(1).ceil())).int().tolist()
    limits = zip(low, high, shape, strict=True)
    x, y, z = (slice(min(max(a, 0), n - 1), min(max(b, 0), n - 1) + 1) for a, b, n in limits)
    return x, y, z


def warp_linear(
    image: Tensor, positions: Tensor, outside: float | Sequence[float] = 0.0, box: Box | None = None
) -> Tensor:
    """Sample all channels at once, trilinear.

    The grid of a subject ends at its outermost voxel centres: from there values go linearly to `outside` within one
    voxel. Index 0 is inside, unlike in the published code, which takes a position of exactly 0 for outside.

    Args:
        image: (C, x, y, z), any real dtype. On a CPU several channels are read fastest where they lie next to each
            other in memory (strides as of a permuted (x, y, z, C)); float32 that does is not copied.
        positions: (3, X, Y, Z) float32 continuous voxel indices of `image`.
        outside: one value, or one for every channel.
        box: part of `image` that the positions touch, of `box_of`; only this part is converted to float32.

    Returns:
        (C, X, Y, Z) float32.
    """
    box = box or WITHOUT_OFFSET
    start = [part.start or 0 for part in box]
    part = image[(slice(None), *box)]
    values = _as_float(part)
    background = _channel_values(outside, values)
    if background is not None:
        values = values - background if values.data_ptr() == part.data_ptr() else values.sub_(background)
    warped = sample_grid(values, normalised(positions, values.shape[1:], start), "zeros")
    return warped if background is None else warped.add_(background)


def warp_together(volumes: Sequence[Tensor], positions: Tensor, outside: Sequence[float], box: Box) -> Tensor:
    """Sample volumes of one grid in one go, whatever their dtypes.

    Args:
        volumes: (x, y, z) each.
        positions: (3, X, Y, Z) float32 continuous voxel indices.
        outside: value beyond the grid, one for each volume.
        box: part of the grid that the positions touch, of `box_of`.

    Returns:
        (len(volumes), X, Y, Z) float32.
    """
    size = [part.stop - part.start for part in box]
    values = torch.empty((*size, len(volumes)), device=positions.device)
    for channel, (volume, background) in enumerate(zip(volumes, outside, strict=True)):
        values[..., channel] = volume[box]
        if background:
            values[..., channel] -= background
    where = normalised(positions, size, [part.start for part in box])
    return sample_grid(values.movedim(-1, 0), where, "zeros").add_(positions.new_tensor(outside).reshape(-1, 1, 1, 1))


def warp_nearest(labels: Tensor, positions: Tensor, outside: int = 0) -> Tensor:
    """Sample labels at the nearest voxel; no value appears that the map or `outside` lacks.

    Args:
        labels: (x, y, z), an integer dtype or bool.
        positions: (3, X, Y, Z) float32 continuous voxel indices; halves go to the even voxel.
        outside: of voxels further than half a voxel from the grid.

    Returns:
        (X, Y, Z) of the dtype of `labels`.
    """
    if labels.is_floating_point() or labels.ndim != 3:
        raise UsageError(f"labels are (x, y, z) integers, not {labels.dtype} {tuple(labels.shape)}")
    framed = F.pad(labels, (1,) * 6, value=outside)
    exact = torch.float32 if framed.numel() < EXACT_FLOAT_INTEGERS else torch.float64
    index = torch.zeros((), dtype=exact, device=positions.device)
    for axis, size in enumerate(labels.shape):
        index = (positions[axis].round().clamp_(-1, size).to(exact) + 1).add_(index * (size + 2))
    return framed.flatten().index_select(0, index.flatten().int()).view(positions.shape[1:])


def normalised(positions: Tensor, shape: Sequence[int], start: Sequence[float] = (0, 0, 0)) -> Tensor:
    """Return positions (3, X, Y, Z) in the units of `sample_grid`: -1 and 1 are the outer faces of the outer voxels."""
    scaled = torch.empty_like(positions)
    for axis, (size, first) in enumerate(zip(shape, start, strict=True)):
        torch.mul(positions[axis], 2 / size, out=scaled[axis])
        scaled[axis] += (1 - 2 * first) / size - 1
    return scaled


def sample_grid(values: Tensor, where: Tensor, padding: str) -> Tensor:
    """Sample (C, x, y, z) float32 at `normalised` positions (3, X, Y, Z), trilinear; returns (C, X, Y, Z).

    Args:
        padding: "zeros" or "border", what lies beyond the outer voxels.
    """
    points = where.flip(0)
    parts = _parallel_parts(points)
    points = points.reshape(3, parts, -1, *points.shape[2:]).permute(1, 2, 3, 4, 0)
    source = values[None].expand(parts, *values.shape)
    sampled = F.grid_sample(source, points, mode="bilinear", padding_mode=padding, align_corners=False)
    return sampled.transpose(0, 1).reshape(values.shape[0], *where.shape[1:])


def _parallel_parts(points: Tensor) -> int:
    """Return into how many slabs to cut a grid: on a CPU, torch samples one item of a batch a thread."""
    if points.device.type != "cpu":
        return 1
    threads, size = torch.get_num_threads(), points.shape[1]
    return max(n for n in range(1, max(1, threads) + 1) if size % n == 0)


def _as_float(image: Tensor) -> Tensor:
    """Return float32, with channels next to each other in memory where that is read faster."""
    adjacent = image.shape[0] == 1 or image.stride(0) == 1
    if image.device.type != "cpu" or (adjacent and image.dtype == torch.float32):
        return image.float()
    return image[None].to(torch.float32, memory_format=torch.channels_last_3d)[0]


def _channel_values(outside: float | Sequence[float], values: Tensor) -> Tensor | None:
    """Return (C, 1, 1, 1), or None where every value is 0."""
    channels = values.shape[0]
    listed = [float(outside)] * channels if isinstance(outside, int | float) else [float(value) for value in outside]
    if len(listed) != channels:
        raise UsageError(f"{len(listed)} outside values for {channels} channels")
    return values.new_tensor(listed).reshape(-1, 1, 1, 1) if any(listed) else None
