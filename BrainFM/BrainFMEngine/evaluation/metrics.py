"""Numbers that compare an answer with the truth, as the papers report them (BrainFM §4.1) and as we read them.

Structural similarity is in `similarity`. Every function takes arrays of one shape and returns plain floats.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SMALLEST_NORM = 1e-7
SMALLEST_SIZE = 1e-5
REGISTRATION_UNIT_MM = 100.0


def l1(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean absolute error, in the unit of the images."""
    return float(np.abs(estimate - truth).mean())


def psnr(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Return 20 log10(max(truth) / RMSE) in dB: inf without any error, NaN where the truth has nothing above 0."""
    top = float(truth.max())
    error = float(np.sqrt(np.mean((estimate - truth) ** 2, dtype=np.float64)))
    if top <= 0:
        return float("nan")
    return 20 * float(np.log10(top / error)) if error > 0 else float("inf")


def norm_l2(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Return the L2 error after the best scale, relative to the truth's L2 norm (the papers' bias metric)."""
    weight = (estimate * truth).sum() / ((estimate**2).sum() + SMALLEST_NORM)
    return float(np.sqrt(((weight * estimate - truth) ** 2).sum() / ((truth**2).sum() + SMALLEST_NORM)))


def dice_of_present(labels: np.ndarray, truth: np.ndarray, ids: Sequence[int]) -> dict[int, float]:
    """Return id -> Dice of the structures that the truth has; one that it lacks says nothing about the answer."""
    found, wanted, both = _counts(labels, truth, ids)[:, 1:]
    return {label: float(2 * both[n] / (found[n] + wanted[n])) for n, label in enumerate(ids) if wanted[n]}


def published_dice(labels: np.ndarray, truth: np.ndarray, ids: Sequence[int]) -> np.ndarray:
    """Return the Dice of every class, whose mean the papers report: absent classes are 0, background counts.

    Args:
        labels, truth: (X, Y, Z) ids; one that is not in `ids` counts as background.
        ids: of the classes, background first.

    Returns:
        (classes,) float64.
    """
    found, wanted, both = _counts(labels, truth, ids[1:])
    return 2 * both / np.maximum(found + wanted, SMALLEST_SIZE)


def _counts(labels: np.ndarray, truth: np.ndarray, ids: Sequence[int]) -> np.ndarray:
    """Return how many voxels the labels, the truth, and both have of each class, (3, 1 + ids); first comes no id."""
    size = 1 + len(ids)
    classes = _classes(labels, ids) * np.intp(size) + _classes(truth, ids)
    table = np.bincount(classes.ravel(), minlength=size**2).reshape(size, size)
    return np.stack([table.sum(1), table.sum(0), table.diagonal()])


def _classes(array: np.ndarray, ids: Sequence[int]) -> np.ndarray:
    """Return 1 + the place in `ids` of every value, 0 of a value that is not there."""
    top = max(ids, default=0) + 1
    places = np.zeros(top + 1, np.uint8)
    places[list(ids)] = np.arange(1, len(ids) + 1)
    return places[np.clip(array, -1, top)]  # the last place, which -1 is too, is that of no id


def distance_errors_mm(estimate: np.ndarray, truth: np.ndarray, limit_mm: float = 3.0) -> np.ndarray:
    """Return the absolute errors (places,) in mm of distances where the truth is less than `limit_mm`."""
    near = np.abs(truth) < limit_mm
    return np.abs(estimate[near] - truth[near])


def registration_errors_mm(estimate: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return how far apart atlas coordinates (..., 3) in mm are, (...) in mm."""
    return np.linalg.norm(estimate - truth, axis=-1)


def registration_l1(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Return the mean absolute error of the coordinates in units of 100 mm, as the papers report it."""
    return l1(estimate, truth) / REGISTRATION_UNIT_MM
