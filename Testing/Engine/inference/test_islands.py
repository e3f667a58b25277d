"""Brain is where the brain is: parts of the segmentation far from it are what else they may be."""

from __future__ import annotations

import numpy as np
import pytest
from BrainFMEngine.anatomy.protocols import COMPACT_40
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.inference.islands import small_parts, without_islands

SHAPE = (24, 20, 22)
GRID = Grid(SHAPE, np.eye(4))
CEREBELLUM, WHITE, CSF_CHANNEL = (COMPACT_40.ids.index(label) for label in (8, 2, 24))
MUSCLE = COMPACT_40.ids.index(907)
BRAIN, NEAR, FAR = np.s_[4:16, 4:14, 8:18], np.s_[4:8, 4:8, 5:8], np.s_[10:12, 10:12, 1:3]


def segmentation(**parts) -> tuple[np.ndarray, np.ndarray]:
    """White matter, with 0.6 for what is named elsewhere and 0.3 for muscle there."""
    probabilities = np.zeros((len(COMPACT_40.ids), *SHAPE), np.float16)
    probabilities[0] = 1.0
    regions = {"brain": (BRAIN, WHITE)} | parts
    for where, channel in regions.values():
        probabilities[(slice(None), *where)] = 0.0
        probabilities[(channel, *where)] = 0.6
        probabilities[(MUSCLE, *where)] = 0.3
        probabilities[(0, *where)] = 0.1
    return probabilities, probabilities.argmax(0).astype(np.uint8)


def test_a_far_part_becomes_what_else_it_may_be():
    probabilities, winner = segmentation(far=(FAR, CEREBELLUM))
    before = probabilities.copy()
    islands = without_islands(probabilities, winner, COMPACT_40, GRID)
    assert islands[FAR].all() and islands.sum() == 8
    assert (probabilities.argmax(0)[FAR] == MUSCLE).all()
    assert probabilities[(MUSCLE, *FAR)] == pytest.approx(0.75, abs=1e-3)
    np.testing.assert_array_equal(probabilities[:, ~islands], before[:, ~islands])


def test_a_structure_that_touches_the_brain_stays():
    probabilities, winner = segmentation(near=(NEAR, CEREBELLUM))
    before = probabilities.copy()
    assert not without_islands(probabilities, winner, COMPACT_40, GRID).any()
    np.testing.assert_array_equal(probabilities, before)


def test_where_nothing_else_is_likely_there_is_background():
    probabilities, winner = segmentation()
    probabilities[(slice(None), *FAR)] = 0.0
    probabilities[(CEREBELLUM, *FAR)] = 1.0
    without_islands(probabilities, probabilities.argmax(0).astype(np.uint8), COMPACT_40, GRID)
    assert (probabilities[(0, *FAR)] == 1.0).all()


def test_a_large_second_part_is_brain_too():
    mask = np.zeros(SHAPE, bool)
    mask[BRAIN] = True
    mask[18:22, 4:9, 8:13] = True  # a twelfth of it
    assert not small_parts(mask).any()
    mask[18:22, 4:9, 9:13] = False
    assert small_parts(mask).sum() == 20


def test_corners_do_not_touch():
    mask = np.zeros(SHAPE, bool)
    mask[BRAIN] = True
    mask[16:18, 14:16, 18:20] = True
    assert small_parts(mask).sum() == 8


def test_no_brain_is_no_error():
    probabilities, winner = segmentation(brain=(BRAIN, MUSCLE))
    assert not without_islands(probabilities, winner, COMPACT_40, GRID).any()
    assert not small_parts(np.zeros(SHAPE, bool)).any()
