import numpy as np
import pytest
from BrainFMEngine.image.conform import conform
from BrainFMEngine.image.head import Box
from BrainFMEngine.image.neck import BRAIN_MM, without_neck
from BrainFMEngine.image.volume import Volume

SHAPE = (170, 200, 290)
CENTRE = np.array((85.0, 100.0, 190.0))
AXES = (70.0, 90.0, 85.0)


@pytest.fixture(scope="module")
def head() -> np.ndarray:
    """An ellipsoid on a long cylinder: (X, Y, Z) bool, 1 mm."""
    grid = np.ogrid[tuple(slice(n) for n in SHAPE)]
    inside = sum(((axis - c) / a) ** 2 for axis, c, a in zip(grid, CENTRE, AXES, strict=True)) < 1
    neck = ((grid[0] - 85) ** 2 + (grid[1] - 100) ** 2 < 55**2) & (grid[2] < CENTRE[2])
    return inside | neck


def lowest(mask: np.ndarray, spacing_mm: float = 1.0) -> int:
    box, inside = without_neck(Box((0, 0, 0), mask.shape), mask, spacing_mm)
    assert inside.shape == box.shape
    return box.start[2]


def test_a_long_neck_is_left_out(head):
    crown = int(CENTRE[2] + AXES[2])
    assert crown - BRAIN_MM - 20 < lowest(head) < crown - BRAIN_MM - 5


def test_a_holder_above_the_crown_does_not_move_the_end(head):
    held = head.copy()
    held[60:110, 20:40, 270:] = True
    assert lowest(held) == lowest(head)


@pytest.mark.parametrize("cut", ["short neck", "small"])
def test_what_is_short_or_small_stays_whole(head, cut):
    mask = head[:, :, 130:] if cut == "short neck" else head[::4, ::4, ::4]
    assert lowest(mask) == 0


def test_coarse_voxels_give_the_same_end(head):
    assert lowest(head[::2, ::2, ::2], 2.0) == pytest.approx(lowest(head) / 2, abs=1)


def test_conformed_image_ends_below_the_brain(head):
    rng = np.random.default_rng(3)
    image = (head * 200 + rng.normal(0, 3, SHAPE)).astype(np.float32)
    result = conform(Volume(image, np.eye(4)), 16)
    assert result.volume.array.shape[2] <= 192
    assert result.volume.affine_ras[2, 3] > CENTRE[2] + AXES[2] - BRAIN_MM - 32
