"""What is called brain far below or beside the atlas's brain is not, however the head lies in the scan."""

from __future__ import annotations

import numpy as np
import pytest
from BrainFMEngine.anatomy.atlas import atlas_centroids, load_atlas
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.inference import beyond_atlas as module
from BrainFMEngine.inference.beyond_atlas import beyond_atlas

SHAPE, SPACING_MM = (56, 64, 64), 4.0
WHITE, CEREBELLUM = 2, 8


def grid(degrees: float = 0.0) -> Grid:
    """A scan in which the head is turned about the left-right axis; its centre is the atlas's origin."""
    angle = np.deg2rad(degrees)
    affine = np.eye(4)
    affine[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    affine[:3, :3] *= SPACING_MM
    affine[:3, 3] = -affine[:3, :3] @ (np.array(SHAPE) / 2)
    return Grid(SHAPE, affine)


def head(where: Grid) -> tuple[np.ndarray, np.ndarray]:
    """White matter wherever the atlas has brain, a block around the centroid of every structure; (labels, atlas mm)."""
    points = where.to_ras(np.moveaxis(np.indices(SHAPE), 0, -1))
    atlas = load_atlas()
    index = np.rint(atlas.grid.to_index(points)).astype(int)
    inside = ((index >= 0) & (index < atlas.array.shape)).all(-1)
    labels = np.zeros(SHAPE, np.int16)
    labels[inside] = np.where(atlas.array[tuple(index[inside].T)] > 0, WHITE, 0)
    for label, centroid in atlas_centroids().items():
        labels[np.abs(points - centroid).max(-1) < 8] = label
    return labels, points


@pytest.mark.parametrize("degrees", [0.0, 25.0])
def test_the_neck_is_found_and_nothing_else(degrees):
    where = grid(degrees)
    labels, points = head(where)
    neck = (np.abs(points - [0, -40, -108]) < [50, 30, 18]).all(-1)
    labels[neck] = CEREBELLUM
    beyond = beyond_atlas(labels, where)
    assert beyond[neck & (points[..., 2] < -95)].all()
    assert not beyond[~neck].any()


def test_a_brain_without_a_neck_stays_whole():
    labels, _points = head(grid())
    assert not beyond_atlas(labels, grid()).any()


def test_too_few_structures_tell_nothing():
    labels, points = head(grid())
    labels[labels > 12] = WHITE  # nine are left
    labels[(np.abs(points - [0, -40, -108]) < [50, 30, 18]).all(-1)] = WHITE
    assert not beyond_atlas(labels, grid()).any()


def test_if_most_of_it_lies_outside_the_fit_is_wrong(monkeypatch):
    labels, points = head(grid())
    labels[(np.abs(points - [0, -40, -108]) < [50, 30, 18]).all(-1)] = CEREBELLUM
    monkeypatch.setattr(module, "_MOST_SHARE", 0.001)
    assert not beyond_atlas(labels, grid()).any()


def test_no_brain_at_all():
    assert not beyond_atlas(np.zeros(SHAPE, np.int16), grid()).any()
