"""Signed distances to a surface that is given as triangles, such as a pial or white surface of FreeSurfer."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.errors import InputImageError
from BrainFMEngine.generator.distances import REACH_MM
from BrainFMEngine.generator.nearest_points import spread

Shape = tuple[int, int, int]
PAIRS_AT_ONCE = 1 << 20
TINY = 1e-30
NEXT_TO_SURFACE = 1.0
OFF_GRID = (0.00137, 0.00219)
"""Rays run this far beside voxel centres, where the corners of a surface often lie."""


def distances_from_surface(
    vertices_mm: np.ndarray,
    faces: np.ndarray,
    affine_ras: np.ndarray,
    shape: tuple[int, int, int],
    reach_mm: float = REACH_MM,
) -> np.ndarray:
    """Compute the distance of every voxel of a grid to a closed surface.

    Args:
        vertices_mm: (V, 3) RAS mm, in the world of `affine_ras`; they may lie outside of the grid.
        faces: (F, 3) integers, corners of the triangles in any order.
        affine_ras: (4, 4) voxel to RAS mm, cubic voxels.
        shape: (X, Y, Z) of the grid.
        reach_mm: where distances are cut off, on both sides.

    Returns:
        (X, Y, Z) float32 mm, negative inside.

    Raises:
        InputImageError: faces name vertices that don't exist, or voxels are not cubes.
    """
    spacing = _spacing(affine_ras)
    vertices, faces = np.asarray(vertices_mm, np.float64), np.asarray(faces, np.int64)
    if not faces.size or faces.min() < 0 or faces.max() >= len(vertices):
        raise InputImageError("the faces of a surface do not fit its vertices", "Its file may be damaged.")
    reach = math.ceil(reach_mm / spacing)
    inverse = np.linalg.inv(affine_ras)
    corners = (vertices @ inverse[:3, :3].T + inverse[:3, 3])[faces]
    low = np.maximum(np.floor(corners.min((0, 1))).astype(int) - reach - 1, -reach)
    high = np.minimum(np.ceil(corners.max((0, 1))).astype(int) + reach + 2, np.add(shape, reach))
    result = np.full(shape, reach_mm, np.float32)
    if (high <= low).any():
        return result
    triangles = torch.from_numpy((corners - low).transpose(2, 1, 0).copy())
    size = tuple((high - low).tolist())
    distance = (spread(*_points_next_to(triangles, size), reach) * spacing).clamp_(max=reach_mm)
    signed = torch.where(_inside(triangles, size), -distance, distance).numpy()
    first, last = np.maximum(low, 0), np.minimum(high, shape)
    if (last > first).all():
        parts = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
        result[parts] = signed[tuple(slice(a, b) for a, b in zip(first - low, last - low, strict=True))]
    return result


def _spacing(affine_ras: np.ndarray) -> float:
    matrix = affine_ras[:3, :3]
    spacing = float(np.linalg.norm(matrix[:, 0]))
    if not np.allclose(matrix.T @ matrix, spacing**2 * np.eye(3), atol=1e-3 * spacing**2):
        raise InputImageError("distances to a surface need cubic voxels", "Resample the label map first.")
    return spacing


def _points_next_to(triangles: Tensor, shape: Shape) -> tuple[Tensor, Tensor]:
    """Return the way (3, X, Y, Z) to the closest surface point, and where it is known: next to a triangle.

    Args:
        triangles: (3 axes, 3 corners, F) voxel indices.
    """
    best = torch.full((math.prod(shape),), math.inf)
    offsets = torch.zeros(3, math.prod(shape))
    low = (triangles.amin(1) - NEXT_TO_SURFACE).ceil().long()
    high = (triangles.amax(1) + NEXT_TO_SURFACE).floor().long()
    for owner, voxels in _pairs(low, high, shape):
        way = _to_triangle(voxels.float(), triangles[..., owner].float())
        squared = _dot(way, way)
        index = (voxels[0] * shape[1] + voxels[1]) * shape[2] + voxels[2]
        best.scatter_reduce_(0, index, squared, "amin")
        nearest = squared == best[index]
        offsets[:, index[nearest]] = way[:, nearest]
    return offsets.reshape(3, *shape), torch.isfinite(best).reshape(shape)


def _pairs(low: Tensor, high: Tensor, shape: tuple[int, ...]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield boxes low..high (D, F), inclusive, with the lattice points in them: owners (N,) and points (D, N)."""
    limits = torch.tensor(shape)[:, None]
    low, high = low.clamp(min=0), torch.minimum(high, limits - 1)
    extents = (high - low + 1).clamp_(min=0)
    counts = extents.prod(0)
    total = counts.cumsum(0)
    cuts = (torch.diff(total // PAIRS_AT_ONCE).nonzero()[:, 0] + 1).tolist()
    for begin, end in pairwise([0, *cuts, len(counts)]):
        owner = torch.repeat_interleave(torch.arange(begin, end), counts[begin:end])
        rank = torch.arange(len(owner)) - (total - counts)[owner] + (total - counts)[begin]
        points = []
        for first, extent in zip(low.flip(0), extents.flip(0), strict=True):
            points.append(first[owner] + rank % extent[owner])
            rank = rank // extent[owner]
        yield owner, torch.stack(points[::-1])


def _to_triangle(points: Tensor, triangles: Tensor) -> Tensor:
    """Return the way (3, N) from points (3, N) to the closest points of their triangles (3 axes, 3 corners, N)."""
    a, b, c = triangles.unbind(1)
    normal = _cross(b - a, c - a)
    area = _dot(normal, normal)
    over = area > 0
    best = torch.full_like(area, math.inf)
    way = torch.zeros_like(points)
    for start, end in ((a, b), (b, c), (c, a)):
        along, away = end - start, points - start
        fraction = (_dot(away, along) / _dot(along, along).clamp(min=TINY)).clamp_(0, 1)
        to_edge = fraction * along - away
        squared = _dot(to_edge, to_edge)
        way = torch.where(squared < best, to_edge, way)
        best = torch.minimum(squared, best)
        over &= _dot(_cross(along, away), normal) >= 0
    down = normal * (_dot(a - points, normal) / area.clamp(min=TINY))
    return torch.where(over, down, way)


def _inside(triangles: Tensor, shape: Shape) -> Tensor:
    """Return the voxels (X, Y, Z) that are inside, as seen along at least two of the three axes."""
    votes = torch.zeros(shape, dtype=torch.uint8)
    for axis in range(3):
        votes += _inside_along(triangles, shape, axis)
    return votes >= 2


def _inside_along(triangles: Tensor, shape: Shape, axis: int) -> Tensor:
    """Return where a ray from below along one axis has crossed the surface an odd number of times."""
    across = [other for other in range(3) if other != axis]
    flat = triangles[across] - triangles.new_tensor(OFF_GRID)[:, None, None]
    size = tuple(shape[other] for other in across)
    crossings = torch.zeros(math.prod(size) * (shape[axis] + 1), dtype=torch.int32)
    for owner, rays in _pairs(flat.amin(1).ceil().long(), flat.amax(1).floor().long(), size):
        weights = _barycentric(rays.double(), flat[..., owner])
        hit = (weights.amin(0) >= 0) & torch.isfinite(weights).all(0)
        height = (weights * triangles[axis][:, owner]).sum(0)[hit]
        first = height.ceil().long().clamp_(0, shape[axis])
        index = (rays[0, hit] * size[1] + rays[1, hit]) * (shape[axis] + 1) + first
        crossings.scatter_add_(0, index, torch.ones_like(index, dtype=torch.int32))
    below = crossings.reshape(*size, -1).cumsum(2)[..., :-1]
    return (below % 2 == 1).movedim(2, axis)


def _barycentric(points: Tensor, triangles: Tensor) -> Tensor:
    """Return the weights (3, N) of the corners of (2, 3 corners, N) at points (2, N); not finite where flat."""
    (ax, bx, cx), (ay, by, cy) = triangles - points[:, None]
    weights = torch.stack((bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx))
    return weights / weights.sum(0)


def _cross(u: Tensor, v: Tensor) -> Tensor:
    return torch.stack((u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]))


def _dot(u: Tensor, v: Tensor) -> Tensor:
    return u[0] * v[0] + u[1] * v[1] + u[2] * v[2]
