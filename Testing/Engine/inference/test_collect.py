"""Heads become volumes: labels by a short way where voxels coincide, and nothing that is not finite."""

from __future__ import annotations

import numpy as np
import pytest
from BrainFMEngine.anatomy.protocols import BRAINID_33
from BrainFMEngine.image.resample import resample_labels, same_voxels
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.inference.collect import Target, collect
from BrainFMEngine.inference.strategy import NotFiniteError
from BrainFMEngine.tasks import TASKS

SOURCE = Grid((12, 10, 8), np.eye(4))
SEGMENTATION = next(task for task in TASKS if task.finish == "softmax")
T1 = next(task for task in TASKS if task.name == "t1")


def moved(*shift: float, flipped: bool = False) -> Grid:
    """A grid beside the source, also with its first axis the other way round."""
    affine = np.eye(4)
    affine[:3, 3] = shift
    if flipped:
        affine[0] = [-1, 0, 0, 11 - shift[0]]
    return Grid((9, 12, 8), affine)


def collected(head: str, values: np.ndarray, grid: Grid):
    tasks = {"segmentation": SEGMENTATION, "T1": T1}
    image = np.zeros(SOURCE.shape, np.float32)
    return collect([(head, values)], Target(tasks, BRAINID_33, image, SOURCE, grid, False), lambda *_: None)


@pytest.mark.parametrize(
    ("grid", "coincide"),
    [
        (SOURCE, True),
        (moved(2, -3, 0), True),
        (moved(2, -3, 0, flipped=True), True),
        (moved(2.5, 0, 0), False),
        (Grid((9, 12, 8), np.diag([1.1, 1, 1, 1])), False),
    ],
)
def test_labels_are_those_of_the_largest_probability(rng, grid, coincide):
    assert same_voxels(SOURCE, grid) == coincide
    probabilities = rng.dirichlet(np.full(33, 0.1), SOURCE.shape).transpose(3, 0, 1, 2).astype(np.float16)
    probabilities[3, 4:6] = probabilities[7, 4:6] = 1  # of two that are equal, the first
    found = collected("segmentation", probabilities, grid)
    expected = resample_labels(probabilities, SOURCE, grid, BRAINID_33.ids)
    assert found.labels.dtype == np.int16
    np.testing.assert_array_equal(found.labels, expected)
    for channel, label in enumerate(BRAINID_33.ids):
        assert found.soft_volumes_mm3[label] == pytest.approx(probabilities[channel].sum(dtype=np.float64))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("head", "kind"), [("segmentation", np.float16), ("T1", np.float32)])
def test_what_is_not_finite_is_refused(head, kind, value):
    values = np.zeros((33 if head == "segmentation" else 1, *SOURCE.shape), kind)
    values[-1, 1, 2, 3] = -1.5
    collected("T1", values[-1:].astype(np.float32), SOURCE)
    values[-1, 1, 2, 3] = value
    with pytest.raises(NotFiniteError, match=head):
        collected(head, values, SOURCE)
