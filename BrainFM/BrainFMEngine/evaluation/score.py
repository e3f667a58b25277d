"""All numbers of one input: every answer against what is known about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from BrainFMEngine.anatomy.protocols import BRAINID_33
from BrainFMEngine.anatomy.structures import structures
from BrainFMEngine.evaluation.maps import LABELS, Maps
from BrainFMEngine.evaluation.metrics import (
    dice_of_present,
    distance_errors_mm,
    l1,
    norm_l2,
    psnr,
    published_dice,
    registration_errors_mm,
    registration_l1,
)
from BrainFMEngine.evaluation.row import Row
from BrainFMEngine.evaluation.similarity import ssim, ssim_in
from BrainFMEngine.tasks import TASKS, Task

DISTANCES, ATLAS, BIAS = ("lp", "lw", "rp", "rw"), "atlas_coordinates", "biasfield"
AIR_HU, AIR_FRACTION = -500.0, 0.02
MEAN_DICE, ONE_DICE = "mean Dice", "Dice "


@dataclass(frozen=True)
class Pair:
    """What is compared.

    Attributes:
        subject, input: for the rows.
        made: what a model gave.
        truth: what is known, on the same voxels.
        brain: (X, Y, Z) bool; None where that is not known.
        known_ids: structures that the model can find; None for all.
        device: where the heavier work is done.
    """

    subject: str
    input: str
    made: Maps
    truth: Maps
    brain: np.ndarray | None = None
    known_ids: Sequence[int] | None = None
    device: torch.device | str = "cpu"


def score(pair: Pair) -> Iterator[Row]:
    """Yield every number that can be told; docs/how-to/evaluate.md lists them."""
    for measure in (_anatomy, _atlas, _distance, _bias, _synthesis):
        for task, metric, value, unit in measure(pair):
            if np.isfinite(value):
                yield Row(pair.subject, pair.input, task, metric, float(value), unit)


Number = tuple[str, str, float, str]


def _anatomy(pair: Pair) -> Iterator[Number]:
    if LABELS not in pair.made or LABELS not in pair.truth:
        return
    labels, truth = pair.made[LABELS], pair.truth[LABELS]
    known = BRAINID_33.ids if pair.known_ids is None else pair.known_ids
    scores = dice_of_present(labels, truth, [label for label in BRAINID_33.ids[1:] if label in known])
    for structure, value in scores.items():
        yield "seg", f"{ONE_DICE}{structures()[structure].name}", value, ""
    if scores:
        yield "seg", MEAN_DICE, float(np.mean(list(scores.values()))), ""
    if set(BRAINID_33.ids) <= set(known):
        yield "seg", "mean Dice of 33 classes", published_dice(labels, truth, BRAINID_33.ids).mean(), ""


def _atlas(pair: Pair) -> Iterator[Number]:
    if ATLAS not in pair.made or ATLAS not in pair.truth or not _has_brain(pair):
        return
    made, truth = pair.made[ATLAS][pair.brain], pair.truth[ATLAS][pair.brain]
    yield "registration", "median error in brain", np.median(registration_errors_mm(made, truth)), "mm"
    yield "registration", "L1 in brain", registration_l1(made, truth), "100 mm"


def _distance(pair: Pair) -> Iterator[Number]:
    names = [name for name in DISTANCES if name in pair.made and name in pair.truth]
    if not names:
        return
    inside = np.concatenate([distance_errors_mm(pair.made[name], pair.truth[name]) for name in names])
    if inside.size:
        yield "distance", "L1 inside ±3 mm", float(inside.mean()), "mm"
    yield "distance", "L1", float(np.mean([l1(pair.made[name], pair.truth[name]) for name in names])), "mm"


def _bias(pair: Pair) -> Iterator[Number]:
    if BIAS in pair.made and BIAS in pair.truth and _has_brain(pair):
        yield "bias", "norm-L2 in brain", norm_l2(pair.made[BIAS][pair.brain], pair.truth[BIAS][pair.brain]), ""


def _synthesis(pair: Pair) -> Iterator[Number]:
    for task in TASKS:
        name = task.maps[0].name
        if task.maps[0].display not in ("grey", "ct") or name not in pair.made or name not in pair.truth:
            continue
        made, truth = pair.made[name], pair.truth[name]
        where, region = _region(pair, task, truth)
        if region.any():
            inside = made[region], truth[region]
            yield name, f"L1 in {where}", l1(*inside), task.unit
            yield name, f"PSNR in {where}", psnr(*inside), "dB"
            yield name, f"SSIM in {where}", ssim_in(made, truth, region, pair.device), ""
        yield name, "L1", l1(made, truth), task.unit
        yield name, "PSNR", psnr(made, truth), "dB"
        yield name, "SSIM", ssim(made, truth, device=pair.device), ""


def _has_brain(pair: Pair) -> bool:
    return pair.brain is not None and bool(pair.brain.any())


def _region(pair: Pair, task: Task, truth: np.ndarray) -> tuple[str, np.ndarray]:
    """Return the brain, or without labels everything that is not air, and its name."""
    if pair.brain is not None:
        return "brain", pair.brain
    floor = AIR_HU if task.unit == "HU" else AIR_FRACTION * np.percentile(truth, 99.9)
    return "head", truth > floor
