"""The task table: one row for each thing the network can do. Torch-free; everything else reads it.

A row says which head gives the task, how the raw head becomes a physical quantity (`finish`), what a left-right
flip does to it (`mirror`), which images it gives (`maps`), how they are shown and what lies outside the head.
Adding a task touches this row, its output file and its tests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from BrainFMEngine.errors import UsageError

Finish = Literal["intensity", "hounsfield", "exponential", "softmax", "clamp_mm", "atlas_mm", "residual"]
Mirror = Literal["scalar", "labels", "distance", "registration"]
Display = Literal["grey", "ct", "labels", "signed_mm", "ratio", "coordinates"]


@dataclass(frozen=True)
class Map:
    """One image that a task gives: `<stem>_<name>.nii.gz`."""

    name: str
    title: str
    display: Display


@dataclass(frozen=True)
class Task:
    """One row of the table.

    Attributes:
        name: what users type.
        title: what users read.
        heads: names of the network output that gives it (BrainFM's first, then Brain-ID's).
        finish: how raw head values become `unit`.
        mirror: what a left-right flip does beside mirroring the first axis.
        unit: of the finished values; "" for relative intensities.
        outside: finished value where the network did not look (air around the head).
        maps: the images, in channel order.
    """

    name: str
    title: str
    heads: tuple[str, ...]
    finish: Finish
    mirror: Mirror
    unit: str
    outside: float
    maps: tuple[Map, ...]


TASKS: tuple[Task, ...] = (
    Task("t1", "T1w", ("T1", "image"), "intensity", "scalar", "", 0.0, (Map("T1w", "T1w", "grey"),)),
    Task("t2", "T2w", ("T2",), "intensity", "scalar", "", 0.0, (Map("T2w", "T2w", "grey"),)),
    Task("flair", "FLAIR", ("FLAIR",), "intensity", "scalar", "", 0.0, (Map("FLAIR", "FLAIR", "grey"),)),
    Task("ct", "CT", ("CT",), "hounsfield", "scalar", "HU", -1000.0, (Map("CT", "CT", "ct"),)),
    Task(
        "seg",
        "Anatomy",
        ("segmentation", "seg"),
        "softmax",
        "labels",
        "",
        0.0,
        (Map("dseg", "Segmentation", "labels"),),
    ),
    Task(
        "distance",
        "Cortical distances",
        ("distance",),
        "clamp_mm",
        "distance",
        "mm",
        3.0,
        (
            Map("lp", "Left pial", "signed_mm"),
            Map("lw", "Left white", "signed_mm"),
            Map("rp", "Right pial", "signed_mm"),
            Map("rw", "Right white", "signed_mm"),
        ),
    ),
    Task(
        "bias",
        "Bias field",
        ("bias_field_log",),
        "exponential",
        "scalar",
        "",
        1.0,
        (Map("biasfield", "Bias field", "ratio"),),
    ),
    Task(
        "registration",
        "Atlas coordinates",
        ("registration",),
        "atlas_mm",
        "registration",
        "mm",
        0.0,
        (Map("atlas_coordinates", "Atlas coordinates", "coordinates"),),
    ),
    Task(
        "superresolution",
        "Super-resolution",
        ("high_res_residual",),
        "residual",
        "scalar",
        "",
        0.0,
        (Map("highres", "Super-resolution", "grey"),),
    ),
)


def offered_tasks(heads: Iterable[str]) -> dict[str, Task]:
    """Return head name -> task for the heads that a network has; heads of no task are left out."""
    known = {head: task for task in TASKS for head in task.heads}
    return {head: known[head] for head in heads if head in known}


def select_tasks(wanted: str, heads: Iterable[str]) -> dict[str, Task]:
    """Return head name -> task for what the user asked for.

    Args:
        wanted: "all", or task names joined by commas.
        heads: outputs that the model has.

    Raises:
        UsageError: an unknown task, or one that the model has no head for.
    """
    offered = offered_tasks(heads)
    names = [name.strip().lower() for name in wanted.split(",") if name.strip()]
    if names == ["all"]:
        return offered
    missing = [name for name in names if name not in {task.name for task in offered.values()}]
    if missing or not names:
        choices = ", ".join(["all", *(task.name for task in offered.values())])
        raise UsageError(
            f"this model does not offer {', '.join(missing) or 'an empty list of tasks'}", f"Choose from: {choices}."
        )
    return {head: task for head, task in offered.items() if task.name in names}


def evaluated_tasks(wanted: str, heads: Iterable[str]) -> dict[str, Task]:
    """Return head name -> task for what is computed: what was asked for, and the anatomy that masks and checks it.

    Arguments and errors as in `select_tasks`.
    """
    heads = tuple(heads)
    asked = select_tasks(wanted, heads)
    return {head: task for head, task in offered_tasks(heads).items() if head in asked or task.finish == "softmax"}
