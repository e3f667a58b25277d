"""The size that the network will see is known from the header, and never too small for a head."""

from __future__ import annotations

import numpy as np
import pytest
from BrainFMEngine.image.conform import conform
from BrainFMEngine.image.expected import LARGE_HEAD_MM, expected_shape
from phantom import ORIENTATIONS, make_head, rotation


@pytest.mark.parametrize(
    ("shape", "spacing_mm", "directions"),
    [
        ((44, 52, 47), (1.0, 1.0, 1.0), None),
        ((90, 100, 80), (0.5, 0.6, 0.7), None),
        ((44, 52, 20), (1.0, 1.0, 3.0), rotation(12.0)),
        ((120, 130, 110), (1.0, 1.0, 1.0), None),
    ],
)
def test_never_smaller_than_what_conform_gives(shape, spacing_mm, directions):
    head = make_head(shape, spacing_mm, directions)
    seen = conform(head, 16).volume.array.shape
    assert all(n >= m for n, m in zip(expected_shape(shape, head.affine_ras, 16), seen, strict=True))


def test_same_for_every_orientation_of_the_axes():
    directions = np.eye(3)
    for order, flips in ORIENTATIONS:
        affine = np.eye(4)
        affine[:3, :3] = directions[:, order] * np.where(flips, -1.0, 1.0)
        shape = tuple(np.array((100, 200, 150))[list(order)])
        assert expected_shape(shape, affine, 16) == (128, 224, 176)


def test_air_and_neck_around_a_head_do_not_count():
    assert expected_shape((400, 400, 400), np.eye(4), 16) == tuple(int(mm) for mm in LARGE_HEAD_MM)


def test_voxel_size_counts():
    affine = np.diag([0.5, 0.5, 2.0, 1.0])
    assert (
        expected_shape((200, 200, 50), affine, 32) == expected_shape((100, 100, 100), np.eye(4), 32) == (128, 128, 128)
    )
