"""Raw heads and their targets as the images that users get, so that both are compared in physical units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from torch import Tensor

from BrainFMEngine.anatomy.protocols import LabelProtocol
from BrainFMEngine.inference.finish import finish
from BrainFMEngine.tasks import Task, offered_tasks

Maps = dict[str, np.ndarray]
"""Name of `tasks.Map` -> (X, Y, Z), in the unit of its task; "atlas_coordinates" is (X, Y, Z, 3), "dseg" has ids."""

LABELS = "dseg"

Known = dict[str, tuple[Tensor, Maps]]
"""Head -> a target, and what it is as maps."""


def output_maps(outputs: Mapping[str, Tensor], image: Tensor, protocol: LabelProtocol | None) -> Maps:
    """Finish what a network gave.

    Args:
        outputs: head -> (1, C, X, Y, Z) raw; heads of no task are left out.
        image: (X, Y, Z), what the network was given, 0..1.
        protocol: of the segmentation head.
    """
    maps: Maps = {}
    for head, task in offered_tasks(outputs).items():
        raw = outputs[head][0].detach()
        if task.finish == "softmax":
            maps |= _label_map(raw.argmax(0), protocol)
        else:
            maps |= _finished(task, raw, image)
    return maps


def target_maps(
    targets: Mapping[str, Tensor],
    heads: Iterable[str],
    image: Tensor,
    protocol: LabelProtocol | None,
    known: Known | None = None,
) -> Maps:
    """Finish what a network should have given.

    Args:
        targets: of a `Sample`.
        heads: of the network; which "T1w" is meant, say, depends on them.
        image, protocol: as in `output_maps`, but the protocol is that of the target.
        known: targets that were finished before are looked up here, and new ones kept, for samples that share them.
    """
    known = {} if known is None else known
    maps: Maps = {}
    for head, task in offered_tasks(heads).items():
        target = targets.get("segmentation" if task.finish == "softmax" else head)
        if target is None:
            continue
        if task.finish == "residual" or head not in known or known[head][0] is not target:
            is_labels = task.finish == "softmax"
            known[head] = target, _label_map(target, protocol) if is_labels else _finished(task, target, image)
        maps |= known[head][1]
    return maps


def _label_map(channels: Tensor, protocol: LabelProtocol | None) -> Maps:
    return {} if protocol is None else {LABELS: np.array(protocol.ids, np.int16)[channels.cpu().numpy()]}


def _finished(task: Task, values: Tensor, image: Tensor) -> Maps:
    """Finish (C, X, Y, Z) values of a head."""
    final = finish(task, values.float().cpu().numpy(), image.float().cpu().numpy())
    if task.finish == "atlas_mm":
        return {task.maps[0].name: np.moveaxis(final, 0, -1)}
    return {entry.name: channel for entry, channel in zip(task.maps, final, strict=False)}
