"""A small synthetic head, asymmetric in every direction, defined in RAS millimetres; and ways to store it."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
from BrainFMEngine.image.volume import Volume

AIR, SKIN, BRAIN, FLUID, MARK = 0.0, 700.0, 500.0, 150.0, 900.0
RADII_MM = np.array([18.0, 22.0, 19.0])
ORIENTATIONS = [(order, flips) for order in permutations(range(3)) for flips in product((False, True), repeat=3)]
"""All 48 ways to store a volume along its axes."""


def head_at(points_ras: np.ndarray) -> np.ndarray:
    """Return the intensity at RAS mm (..., 3); float32."""
    radius = np.linalg.norm(points_ras / RADII_MM, axis=-1)
    values = np.select([radius < 0.85, radius < 1], [BRAIN, SKIN], AIR)
    values = values + np.where(radius < 0.85, 2 * points_ras[..., 0] + points_ras[..., 1], 0)
    for centre, size, value in (
        ((-5, 2, 3), 5, FLUID),
        ((5, 1, 3), 3, FLUID),
        ((-8, 10, 6), 3, MARK),
        ((18, -3, -2), 3, SKIN),
    ):
        values = np.where(np.linalg.norm(points_ras - centre, axis=-1) < size, value, values)
    return values.astype(np.float32)


def labels_at(points_ras: np.ndarray) -> np.ndarray:
    """Return labels at RAS mm (..., 3): 0 air, 2 left brain, 41 right brain, 4 left fluid, 85 the mark; int16."""
    radius = np.linalg.norm(points_ras / RADII_MM, axis=-1)
    labels = np.where(radius < 0.85, np.where(points_ras[..., 0] < 0, 2, 41), 0)
    labels = np.where(np.linalg.norm(points_ras - (-5, 2, 3), axis=-1) < 5, 4, labels)
    return np.where(np.linalg.norm(points_ras - (-8, 10, 6), axis=-1) < 3, 85, labels).astype(np.int16)


def affine_for(
    shape: tuple[int, ...], spacing_mm: tuple[float, ...], directions: np.ndarray | None = None
) -> np.ndarray:
    """Return the affine that puts the middle of the array near the head's centre."""
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if directions is None else directions) @ np.diag(spacing_mm)
    affine[:3, 3] = np.array([1.0, -1.0, 0.0]) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


def points_of(shape: tuple[int, ...], affine_ras: np.ndarray) -> np.ndarray:
    """Return RAS mm (X, Y, Z, 3) of every voxel."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    return index @ affine_ras[:3, :3].T + affine_ras[:3, 3]


def make_head(
    shape: tuple[int, int, int] = (44, 52, 47),
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
    directions: np.ndarray | None = None,
    noise: float = 4.0,
) -> Volume:
    """Return the head on a grid; axes are RAS unless `directions` (3, 3) says otherwise; noise is never negative."""
    affine = affine_for(shape, spacing_mm, directions)
    values = head_at(points_of(shape, affine))
    values += np.abs(np.random.default_rng(7).normal(0, noise, shape)).astype(np.float32) if noise else 0
    return Volume(values, affine)


def stored_as(volume: Volume, order: tuple[int, ...], flips: tuple[bool, ...]) -> Volume:
    """Return the same volume stored along other axes: permuted, then flipped, with the affine that says so."""
    array = volume.array.transpose(order)
    affine = volume.affine_ras[:, [*order, 3]].copy()
    for axis, flip in enumerate(flips):
        if flip:
            array = np.flip(array, axis)
            affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
            affine[:3, axis] *= -1
    return Volume(np.ascontiguousarray(array), affine, volume.source, dict(volume.header))


def rotation(x_degrees: float = 0, y_degrees: float = 0, z_degrees: float = 0) -> np.ndarray:
    """Return the (3, 3) rotation about x, then y, then z."""
    a, b, c = np.radians([x_degrees, y_degrees, z_degrees])
    about_x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    about_y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x
