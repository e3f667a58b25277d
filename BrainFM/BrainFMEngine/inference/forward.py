"""Running the network over one image, whole or in windows, and giving its heads one at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from BrainFMEngine.anatomy.protocols import LabelProtocol
from BrainFMEngine.image.volume import Shape3D
from BrainFMEngine.inference.finish import mirror_back, to_linear
from BrainFMEngine.inference.lean import Step, lean_features
from BrainFMEngine.inference.tiling import blend_weights, windows
from BrainFMEngine.network.build import BrainNetwork
from BrainFMEngine.tasks import Task

SLABS = 8
FEATURES = "features"

Linear = tuple[str, np.ndarray]


@dataclass(frozen=True)
class Pass:
    """One evaluation of the backbone: what went in, and what the output layers see; mirrored or not."""

    image: Tensor
    hidden: Tensor
    mirrored: bool


@dataclass(frozen=True)
class Job:
    """What is asked of the network.

    Attributes:
        network: in evaluation mode.
        tasks: head name -> task, of the heads to evaluate.
        protocol: of the segmentation head.
        mirror: evaluate the left-right flipped image too, and average.
        features: give the last feature map too.
        step: told which fraction (0..1) of the backbone's work is done; may raise to stop.
    """

    network: BrainNetwork
    tasks: dict[str, Task]
    protocol: LabelProtocol | None
    mirror: bool
    features: bool
    step: Step

    @property
    def passes(self) -> int:
        """Evaluations of the backbone for each image."""
        return 2 if self.mirror else 1


def run_whole(job: Job, image: np.ndarray, device: torch.device) -> Iterator[Linear]:
    """Evaluate the whole image at once.

    Args:
        job: what to compute.
        image: (X, Y, Z) float32, 0..1, axis 0 left to right.
        device: where the network already is.

    Yields:
        (head name, (C, X, Y, Z)) in linear form, probabilities as float16, others float32; with `job.features`
        finally ("features", (f_maps, X, Y, Z) float16).
    """
    passes = _passes(job, image, device, job.step)
    for head, task in job.tasks.items():
        dtype = torch.float16 if task.finish == "softmax" else torch.float32
        out = torch.empty((job.network.config.heads[head], *image.shape), dtype=dtype)
        for slab, part in _head_slabs(job, head, task, passes):
            out[:, slab] = part.to(dtype).cpu()
        yield head, out.numpy()
    if job.features:
        yield FEATURES, passes[0].hidden[0].to(torch.float16).cpu().contiguous().numpy()


def run_windows(job: Job, image: np.ndarray, device: torch.device, window: Shape3D) -> Iterator[Linear]:
    """Evaluate overlapping windows and blend their linear results with Gaussian weights; yields as `run_whole`.

    Results differ a little from those of the whole image: GroupNorm sees only the window.
    """
    shape: Shape3D = image.shape  # type: ignore[assignment]
    weight = torch.from_numpy(blend_weights(window))
    total = torch.zeros(shape)
    sums = {head: torch.zeros((job.network.config.heads[head], *shape)) for head in job.tasks}
    if job.features:
        sums[FEATURES] = torch.zeros((job.network.config.f_maps, *shape))
    places = list(windows(shape, window))
    for index, place in enumerate(places):
        passes = _passes(job, image[place], device, _part_of(job.step, index, len(places)))
        total[place] += weight
        for head, task in job.tasks.items():
            target = sums[head][(slice(None), *place)]
            for slab, part in _head_slabs(job, head, task, passes):
                target[:, slab] += part.cpu() * weight[slab]
        if job.features:
            sums[FEATURES][(slice(None), *place)] += passes[0].hidden[0].cpu() * weight
    for head in list(sums):
        blended = sums.pop(head).div_(total)
        half = head == FEATURES or job.tasks[head].finish == "softmax"
        yield head, blended.to(torch.float16 if half else torch.float32).numpy()


def _passes(job: Job, image: np.ndarray, device: torch.device, step: Step) -> list[Pass]:
    tensor = torch.from_numpy(np.array(image, dtype=np.float32))[None, None].to(device)
    passes = []
    for index in range(job.passes):
        mirrored = index == 1
        given = tensor.flip(2) if mirrored else tensor
        if device.type != "mps":
            given = given.contiguous(memory_format=torch.channels_last_3d)
        features = lean_features(job.network.backbone, given, _part_of(step, index, job.passes))
        passes.append(Pass(given, job.network.head.hidden(features, given), mirrored))
    return passes


def _head_slabs(job: Job, head: str, task: Task, passes: list[Pass]) -> Iterator[tuple[slice, Tensor]]:
    """Yield (slab of axis 0, mean over passes of the linear head there as (C, x, Y, Z)), to hold little at a time."""
    size = passes[0].image.shape[2]
    thickness = math.ceil(size / SLABS)
    for start in range(0, size, thickness):
        stop = min(start + thickness, size)
        parts = []
        for one in passes:
            slab = slice(size - stop, size - start) if one.mirrored else slice(start, stop)
            raw = job.network.head.output(head, one.hidden[:, :, slab], one.image[:, :, slab])
            linear = to_linear(task, raw)
            parts.append(mirror_back(task, linear, job.protocol) if one.mirrored else linear)
        yield slice(start, stop), (torch.stack(parts).mean(0) if len(parts) > 1 else parts[0])[0]


def _part_of(step: Step, index: int, count: int) -> Step:
    return lambda fraction: step((index + fraction) / count)
