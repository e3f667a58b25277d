"""From linear heads on the 1 mm grid to finished volumes on the grid that was asked for, one head at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import torch

from BrainFMEngine.anatomy.protocols import LabelProtocol
from BrainFMEngine.image.resample import resample, resample_labels, same_voxels
from BrainFMEngine.image.volume import Grid
from BrainFMEngine.inference.finish import finish
from BrainFMEngine.inference.forward import FEATURES, Linear
from BrainFMEngine.inference.islands import without_islands
from BrainFMEngine.inference.strategy import NotFiniteError
from BrainFMEngine.tasks import Task

HALF_ABSOLUTE, HALF_INFINITY = np.uint16(0x7FFF), 0x7C00


@dataclass(frozen=True)
class Target:
    """What is to be collected, and where it goes.

    Attributes:
        tasks: head name -> task.
        protocol: of the segmentation head.
        image: (X, Y, Z) float32, what the network was given.
        source: grid of `image` and of every head.
        grid: grid of the results.
        posteriors: keep probabilities.
    """

    tasks: dict[str, Task]
    protocol: LabelProtocol | None
    image: np.ndarray
    source: Grid
    grid: Grid
    posteriors: bool


@dataclass
class Collected:
    """Finished results on `Target.grid`; see `Prediction` for shapes and units. `seconds` were spent on moving them."""

    maps: dict[str, np.ndarray] = field(default_factory=dict)
    labels: np.ndarray | None = None
    probabilities: np.ndarray | None = None
    features: np.ndarray | None = None
    soft_volumes_mm3: dict[int, float] = field(default_factory=dict)
    confidence: dict[int, float] = field(default_factory=dict)
    seconds: float = 0.0


def collect(heads: Iterable[Linear], target: Target, step: Callable[[str, float], None]) -> Collected:
    """Finish every head and move it to the target grid.

    Args:
        heads: (name, (C, X, Y, Z)) in linear form.
        target: what is wanted.
        step: told (what is at hand, the fraction 0..1 of heads that are done); may raise to stop.

    Raises:
        NotFiniteError: a head holds NaN or infinity.
    """
    found = Collected()
    for index, (head, linear) in enumerate(heads):
        if not all(_is_finite(channel) for channel in linear):
            raise NotFiniteError(head)
        if head == FEATURES:
            found.features = linear
            continue
        start = time.perf_counter()
        task = target.tasks[head]
        step(task.title, index / len(target.tasks))
        if task.finish == "softmax":
            _collect_labels(found, linear, target)
        else:
            _collect_maps(found, task, finish(task, linear, target.image), target)
        found.seconds += time.perf_counter() - start
    return found


def _is_finite(values: np.ndarray) -> bool:
    if values.dtype == np.float16:  # by its bits, many times faster
        return bool((values.view(np.uint16) & HALF_ABSOLUTE).max(initial=0) < HALF_INFINITY)
    return bool(np.isfinite(values).all())


def _collect_maps(found: Collected, task: Task, values: np.ndarray, target: Target) -> None:
    if task.mirror == "registration":
        found.maps[task.maps[0].name] = _move_coordinates(np.moveaxis(values, 0, -1), target)
        return
    for entry, channel in zip(task.maps, values, strict=False):  # one hemisphere gives the first maps only
        found.maps[entry.name] = resample(channel, target.source, target.grid, outside=task.outside)


def _move_coordinates(values: np.ndarray, target: Target) -> np.ndarray:
    """Move (X, Y, Z, 3) to the target grid; outside the source the nearest value goes on, no constant is a place."""
    moved = resample(values, target.source, target.grid, outside=np.nan)
    last = np.array(target.source.shape) - 1
    for plane in range(len(moved)):
        missing = np.argwhere(np.isnan(moved[plane, ..., 0]))
        if len(missing):
            index = np.insert(missing, 0, plane, axis=1)
            nearest = np.rint(target.source.to_index(target.grid.to_ras(index))).astype(np.intp)
            moved[tuple(index.T)] = values[tuple(np.clip(nearest, 0, last).T)]
    return moved


def _collect_labels(found: Collected, probabilities: np.ndarray, target: Target) -> None:
    assert target.protocol is not None
    ids = np.array(target.protocol.ids, dtype=np.int16)
    best, winner = _argmax(probabilities)
    islands = without_islands(probabilities, winner, target.protocol, target.source)
    if islands.any():
        best, winner = _argmax(probabilities)
    voxel_mm3 = target.source.voxel_mm3
    counts = np.bincount(winner.ravel(), minlength=len(ids))
    sums = np.bincount(winner.ravel(), weights=best.ravel(), minlength=len(ids))
    for channel, label in enumerate(target.protocol.ids):
        total = torch.from_numpy(probabilities[channel]).sum(dtype=torch.float64)
        found.soft_volumes_mm3[label] = float(total) * voxel_mm3
        if counts[channel]:
            found.confidence[label] = float(sums[channel] / counts[channel])
    if target.grid.same_as(target.source):
        found.labels = ids[winner]
        found.probabilities = probabilities if target.posteriors else None
        return
    if same_voxels(target.source, target.grid):
        found.labels = resample(ids[winner], target.source, target.grid, outside=0, mode="nearest")
    else:
        found.labels = resample_labels(probabilities, target.source, target.grid, target.protocol.ids)
    if target.posteriors:
        found.probabilities = _move_probabilities(probabilities, target)


def _argmax(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (largest probability float16, its channel uint8), each (X, Y, Z), channel by channel to save memory."""
    bits = probabilities.view(np.int16)  # what is not negative sorts as its bits, which are faster to compare
    best = bits[0].copy()
    winner = np.zeros(best.shape, dtype=np.uint8)
    for channel in range(1, len(bits)):
        winner[bits[channel] > best] = channel
        np.maximum(best, bits[channel], out=best)
    return best.view(np.float16), winner


def _move_probabilities(probabilities: np.ndarray, target: Target) -> np.ndarray:
    moved = np.empty((len(probabilities), *target.grid.shape), dtype=np.float16)
    for channel, values in enumerate(probabilities):
        outside = 1.0 if channel == 0 else 0.0  # channel 0 is background
        moved[channel] = resample(values.astype(np.float32), target.source, target.grid, outside=outside)
    return moved
