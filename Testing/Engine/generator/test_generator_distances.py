"""Distances to surfaces: right to a fraction of a voxel, from masks, label maps and triangles."""

from __future__ import annotations

import numpy as np
import pytest
from BrainFMEngine.errors import InputImageError
from BrainFMEngine.generator.distances import CORTEX, WHITE, signed_distance_mm, signed_distances_mm
from BrainFMEngine.generator.surface_distances import distances_from_surface

SHAPE = (36, 36, 36)
GRID = np.stack(np.meshgrid(*(np.arange(n, dtype=float) for n in SHAPE), indexing="ij"), -1)


def to_sphere(radius: float, centre=(17.3, 18.6, 16.8)) -> np.ndarray:
    return np.linalg.norm(GRID - np.array(centre), axis=-1) - radius


def icosphere(divisions: int) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices and faces of a unit sphere."""
    golden = (1 + 5**0.5) / 2
    corners = [(0, a, b * golden) for a in (-1, 1) for b in (-1, 1)]
    vertices = np.array([np.roll(corner, shift) for shift in range(3) for corner in corners])
    distance = np.linalg.norm(vertices[:, None] - vertices[None], axis=-1)
    near = np.abs(distance - 2) < 1e-6
    indices = range(12)
    faces = np.array(
        [
            (i, j, k)
            for i in indices
            for j in indices
            for k in indices
            if i < j < k and near[i, j] & near[j, k] & near[i, k]
        ]
    )
    for _ in range(divisions):
        triangles = vertices[faces]
        middles = (triangles + np.roll(triangles, -1, axis=1)) / 2
        ab, bc, ca = (len(vertices) + np.arange(3 * len(faces)).reshape(-1, 3)).T
        a, b, c = faces.T
        vertices = np.concatenate([vertices, middles.reshape(-1, 3)])
        faces = np.concatenate([np.stack(f, 1) for f in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))])
    return vertices / np.linalg.norm(vertices, axis=1, keepdims=True), faces


@pytest.mark.parametrize("radius", [5.6, 7.3, 9.4, 11.7])
def test_distances_to_a_sphere_from_its_voxels(radius):
    true = to_sphere(radius)
    found = signed_distance_mm(true < 0)
    near = np.abs(true) < 5
    assert np.abs(found - true)[near].mean() < 0.15
    assert abs((found - true)[near].mean()) < 0.1
    assert np.array_equal(found < 0, true < 0)
    assert np.abs(found).max() <= 6


def test_distances_rise_by_a_millimetre_a_millimetre():
    found = signed_distance_mm((GRID - 17.4) @ (np.array([1, 2, 3]) / 14**0.5) < 0)[8:-8, 8:-8, 8:-8]
    slope = np.linalg.norm(np.gradient(found), axis=0)[np.abs(found) < 4]
    assert np.quantile(slope, (0.05, 0.5, 0.95)) == pytest.approx((1, 1, 1), abs=0.12)


def test_spacing_scales_distances():
    mask = to_sphere(8.2) < 0
    np.testing.assert_allclose(signed_distance_mm(mask, 0.5, 3.0), signed_distance_mm(mask, 1.0, 6.0) / 2, atol=1e-5)


@pytest.mark.parametrize("thickness", [0, 1])
def test_thin_structures_keep_their_inside(thickness):
    mask = np.zeros((16, 16, 16), bool)
    mask[8, 8 : 9 + 16 * thickness, 3:12] = True
    found = signed_distance_mm(mask)
    assert np.array_equal(found < 0, mask)
    assert np.abs(found[mask]).max() < 0.6


def test_nothing_and_everything():
    nothing = np.zeros((5, 6, 7), bool)
    assert (signed_distance_mm(nothing, reach_mm=4) == 4).all()
    assert (signed_distance_mm(~nothing, reach_mm=4) == -4).all()


def test_a_mask_at_the_border_of_the_grid_goes_on():
    found = signed_distance_mm(np.broadcast_to(np.arange(20)[:, None, None] < 10, (20, 8, 8)))
    np.testing.assert_allclose(
        found, np.clip(np.arange(20) - 9.5, -6, 6)[:, None, None] * np.ones((1, 8, 8)), atol=0.05
    )


def two_hemispheres() -> tuple[np.ndarray, list[np.ndarray]]:
    """A label map of two balls of white matter with a deep structure, in shells of cortex; and the true distances."""
    labels, true = np.zeros(SHAPE, np.int16), []
    for x, cortex, white, deep in ((9.2, 3, 2, 12), (26.4, 42, 41, 51)):
        outer, inner = to_sphere(7.4, (x, 17.6, 18.1)), to_sphere(5.1, (x, 17.6, 18.1))
        labels[outer < 0] = cortex
        labels[inner < 0] = white
        labels[to_sphere(2.0, (x, 17.6, 18.1)) < 0] = deep
        true += [outer, inner]
    return labels, true


def test_four_surfaces_of_a_label_map():
    labels, true = two_hemispheres()
    found = signed_distances_mm(labels)
    assert found.shape == (4, *SHAPE)
    assert found.dtype == np.float32
    for channel, expected in zip(found, true, strict=True):
        near = np.abs(expected) < 4
        assert np.abs(channel - expected)[near].mean() < 0.16
        assert np.array_equal(channel < 0, expected < 0)


def test_mirrored_labels_swap_left_and_right():
    labels, _ = two_hemispheres()
    other_side = dict(zip((*WHITE[0], CORTEX[0]), (*WHITE[1], CORTEX[1]), strict=True))
    other_side |= {right: left for left, right in other_side.items()}
    mirrored = np.vectorize(lambda label: other_side.get(label, label))(labels[::-1])
    np.testing.assert_allclose(
        signed_distances_mm(mirrored)[[2, 3, 0, 1], ::-1], signed_distances_mm(labels), atol=1e-3
    )


def test_a_map_without_one_hemisphere_has_no_distances():
    labels, _ = two_hemispheres()
    assert signed_distances_mm(np.where(labels > 40, 0, labels)) is None
    assert signed_distances_mm(np.where(labels == 41, 42, np.where(labels == 51, 42, labels))) is None


def test_distances_to_a_sphere_of_triangles():
    vertices, faces = icosphere(4)
    true = to_sphere(10.4)
    found = distances_from_surface(vertices * 10.4 + (17.3, 18.6, 16.8), faces, np.eye(4), SHAPE)
    near = np.abs(true) < 5
    assert np.abs(found - true)[near].mean() < 0.1
    assert np.abs(found - true)[np.abs(true) < 1].max() < 0.05
    assert np.array_equal(np.sign(found)[np.abs(true) > 0.05], np.sign(true)[np.abs(true) > 0.05])


CORNERS = np.array([(x, y, z) for x in (10, 24) for y in (11, 24) for z in (9, 24)], float)
SIDES = np.array(
    [(0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1)]
    + [(2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)]
)


def to_box() -> np.ndarray:
    low, high = CORNERS.min(0), CORNERS.max(0)
    away = np.maximum(low - GRID, GRID - high)
    return np.linalg.norm(away.clip(0), axis=-1) + np.minimum(away.max(-1), 0)


def test_a_surface_whose_corners_lie_on_voxels():
    true, found = to_box(), distances_from_surface(CORNERS, SIDES, np.eye(4), SHAPE)
    near = np.abs(true) < 5.5
    np.testing.assert_allclose(found[near], true[near], atol=1e-3)


def test_the_order_of_corners_does_not_matter():
    plain = distances_from_surface(CORNERS, SIDES, np.eye(4), SHAPE)
    np.testing.assert_allclose(distances_from_surface(CORNERS, SIDES[:, ::-1], np.eye(4), SHAPE), plain, atol=1e-5)


def test_surfaces_live_in_the_world():
    affine = np.diag([-0.5, 0.5, 0.5, 1.0])
    affine[:3, 3] = (7, -3, 2)
    world = CORNERS @ affine[:3, :3].T + affine[:3, 3]
    expected = distances_from_surface(CORNERS, SIDES, np.eye(4), SHAPE) / 2
    np.testing.assert_allclose(distances_from_surface(world, SIDES, affine, SHAPE, 3.0), expected, atol=1e-4)


def test_a_surface_that_leaves_the_grid_counts_where_it_is():
    expected = distances_from_surface(CORNERS, SIDES, np.eye(4), SHAPE)
    moved = np.eye(4)
    moved[0, 3] = 15
    np.testing.assert_allclose(distances_from_surface(CORNERS, SIDES, moved, (12, 36, 36)), expected[15:27], atol=1e-4)
    moved[0, 3] = 300
    assert (distances_from_surface(CORNERS, SIDES, moved, (8, 8, 8)) == 6).all()


def test_damaged_surfaces_and_flat_voxels_are_refused():
    with pytest.raises(InputImageError):
        distances_from_surface(CORNERS, SIDES + 1, np.eye(4), SHAPE)
    with pytest.raises(InputImageError):
        distances_from_surface(CORNERS, SIDES, np.diag([1.0, 1, 2, 1]), SHAPE)


def test_a_lesion_without_a_side_leaves_no_hole():
    labels = np.zeros((48, 30, 30), np.int16)
    for start, white, cortex in ((4, 2, 3), (26, 41, 42)):
        labels[start : start + 18, 5:25, 5:25] = cortex
        labels[start + 3 : start + 15, 8:22, 8:22] = white
    whole = signed_distances_mm(labels)
    labels[30:34, 13:17, 13:17] = 77
    assert np.array_equal(signed_distances_mm(labels), whole)
