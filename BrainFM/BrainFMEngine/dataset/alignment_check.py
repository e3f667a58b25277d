"""Whether a scan lies where its labels say: structures explain its grey levels best where it is, not moved away."""

from __future__ import annotations

from itertools import product

import numpy as np

from BrainFMEngine.generator.labels import LabelScheme

STRIDE = 2
SHIFTS_VOXELS = (4, 8)
BETTER = 1.05
LEAST_EXPLAINED = 0.05


def misalignment(image: np.ndarray, rows: np.ndarray, scheme: LabelScheme) -> str | None:
    """Compare how much of a scan's variance the labels explain (the correlation ratio, Roche 1998) when it is moved.

    Args:
        image: (X, Y, Z) on the labels' grid.
        rows: (X, Y, Z) uint8.
        scheme: of the rows.

    Returns:
        None if the scan fits best where it is; else a sentence.
    """
    brain = scheme.brain[rows]
    if not brain.any():
        return None
    margin = max(SHIFTS_VOXELS)
    low, high = (np.argwhere(brain).min(0), np.argwhere(brain).max(0) + 1)
    image = np.pad(image.astype(np.float32), margin)
    box = tuple(slice(a, b, STRIDE) for a, b in zip(low, high, strict=True))
    labels, inside = rows[box], brain[box]
    here = _explained(image, labels, inside, low, high, (0, 0, 0))
    moves = [tuple(np.eye(3, dtype=int)[axis] * step) for axis, step in product(range(3), _steps())]
    best = max(moves, key=lambda move: _explained(image, labels, inside, low, high, move))
    there = _explained(image, labels, inside, low, high, best)
    if there > BETTER * here and there > LEAST_EXPLAINED:
        text = ", ".join(f"{value:+d} mm" for value in best)
        return f"fits its labels better {text} away along x, y, z: they are not aligned"
    if here < LEAST_EXPLAINED:
        return "has little to do with its labels: structures explain almost none of its grey levels"
    return None


def _steps() -> tuple[int, ...]:
    return tuple(sign * step for step in SHIFTS_VOXELS for sign in (1, -1))


def _explained(
    image: np.ndarray,
    labels: np.ndarray,
    inside: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    move: tuple[int, ...],
) -> float:
    margin = max(SHIFTS_VOXELS)
    starts = [(a + margin + m, b + margin + m) for a, b, m in zip(low, high, move, strict=True)]
    values = image[tuple(slice(a, b, STRIDE) for a, b in starts)][inside].astype(np.float64)
    groups = labels[inside]
    total = values.var() * len(values)
    if total <= 0:
        return 0.0
    counts = np.bincount(groups)
    sums, squares = np.bincount(groups, values), np.bincount(groups, values**2)
    within = squares - sums**2 / np.maximum(counts, 1)
    return float(1 - within.sum() / total)
