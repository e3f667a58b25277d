"""What is done to a raw head: made linear, mirrored, and turned into a physical quantity.

The *linear* form of a head is the one that may be averaged over windows, mirrored passes and voxels: probabilities
for a segmentation, the raw output for everything else. Formulas are facts of the published systems.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from torch import Tensor

from BrainFMEngine.anatomy.protocols import LabelProtocol
from BrainFMEngine.tasks import Task

HOUNSFIELD_SCALE, HOUNSFIELD_RANGE = 1000.0, (-1024.0, 3071.0)
ATLAS_SCALE_MM = 100.0
DISTANCE_LIMIT_MM = 3.0


def to_linear(task: Task, raw: Tensor) -> Tensor:
    """Return the form of a raw head (1, C, X, Y, Z) that may be averaged; may reuse its memory."""
    if task.finish != "softmax":
        return raw
    raw -= raw.amax(1, keepdim=True)
    raw.exp_()
    raw /= raw.sum(1, keepdim=True)
    return raw


def mirror_refusal(tasks: Iterable[Task], channels: dict[str, int], protocol: LabelProtocol | None) -> str:
    """Tell why results of a mirrored head cannot be mirrored back; "" if they can.

    Args:
        tasks: what is computed.
        channels: head name -> channels.
        protocol: of the segmentation head, if there is one.
    """
    for task in tasks:
        if task.mirror == "labels" and (protocol is None or protocol.flip is None):
            return "its labels cover one hemisphere only"
        if task.mirror == "distance" and any(channels.get(head, 4) != 4 for head in task.heads):
            return "its distances cover one hemisphere only"
    return ""


def mirror_back(task: Task, linear: Tensor, protocol: LabelProtocol | None) -> Tensor:
    """Undo a left-right flip of the input: return what an unflipped head would have given.

    Args:
        task: whose head it is.
        linear: (1, C, X, Y, Z) computed from the image flipped along its first axis (left-right in RAS).
        protocol: of the segmentation head.
    """
    linear = linear.flip(2)
    if task.mirror == "labels" and protocol is not None and protocol.flip is not None:
        return linear[:, list(protocol.flip)]
    if task.mirror == "distance":
        return linear[:, [2, 3, 0, 1]]
    if task.mirror == "registration":
        return linear * linear.new_tensor([-1.0, 1.0, 1.0]).view(1, 3, 1, 1, 1)
    return linear


def finish(task: Task, linear: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Turn a linear head into the task's physical quantity.

    Args:
        task: row of the task table.
        linear: (C, X, Y, Z), see `to_linear`.
        image: (X, Y, Z), what the network was given, 0..1.

    Returns:
        (C, X, Y, Z) in `task.unit`.
    """
    if task.finish == "intensity":
        return np.maximum(linear, 0)
    if task.finish == "hounsfield":
        return np.clip(linear * HOUNSFIELD_SCALE, *HOUNSFIELD_RANGE)
    if task.finish == "exponential":
        return np.exp(linear)
    if task.finish == "clamp_mm":
        return np.clip(linear, -DISTANCE_LIMIT_MM, DISTANCE_LIMIT_MM)
    if task.finish == "atlas_mm":
        return linear * ATLAS_SCALE_MM
    if task.finish == "residual":
        return linear + image
    return linear
