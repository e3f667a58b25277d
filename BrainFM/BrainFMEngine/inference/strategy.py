"""Whole volume, windows, smaller windows, CPU: the first that fits, and the next when one fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

from BrainFMEngine.errors import DeviceMemoryError, ModelFileError
from BrainFMEngine.image.volume import Shape3D, shape_3d
from BrainFMEngine.inference.available import available_bytes, host_available_bytes
from BrainFMEngine.inference.forward import Job, Linear, run_whole, run_windows
from BrainFMEngine.inference.memory import result_bytes, run_bytes
from BrainFMEngine.inference.tiling import window_shape
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.progress import Progress

logger = logging.getLogger(__name__)

WINDOW_EDGES = (192, 160, 128, 96, 64)
SAFETY = 1.15  # what an allocator keeps beside what is asked of it
GIB = 2**30

_OUT_OF_MEMORY = ("out of memory", "can't allocate", "not enough memory", "alloc_cpu", "could not create a memory")

Result = TypeVar("Result")


class NotFiniteError(ArithmeticError):
    """The network gave NaN or infinity."""


@dataclass(frozen=True)
class Plan:
    """One way to run: on a device, whole (`window` None) or in windows of that shape."""

    device: torch.device
    window: Shape3D | None

    def __str__(self) -> str:
        size = "the whole volume" if self.window is None else "windows of {}x{}x{} voxels".format(*self.window)
        return f"{size} on {self.device}"


def make_plans(shape: Shape3D, multiple: int, device: torch.device, edge: int | None) -> list[Plan]:
    """Return the ways to run, best first; `edge` asks for windows of that size (and smaller ones after it)."""
    edges = [size for size in WINDOW_EDGES if edge is None or size < edge]
    shapes = [window_shape(shape, size, multiple) for size in ([edge] if edge else []) + edges]
    ways: list[Shape3D | None] = [*([] if edge else [None]), *dict.fromkeys(s for s in shapes if s != shape or edge)]
    devices = [device] if device.type == "cpu" else [device, torch.device("cpu")]
    return [Plan(where, way) for where in devices for way in ways]


def run(
    job: Job,
    image: np.ndarray,
    plans: list[Plan],
    progress: Progress,
    consume: Callable[[Iterator[Linear]], Result],
    kept: int = 0,
) -> tuple[Result, Plan]:
    """Run the first plan that fits; go on to the next when memory or the device fails.

    Args:
        job: what to compute.
        image: (X, Y, Z) float32, 0..1.
        plans: what to try, in order.
        progress: told why a plan was not taken and which one is.
        consume: given the iterator of linear heads; called again, with a new one, for every plan that is tried.
        kept: bytes of main memory that `consume` needs for what it keeps.

    Returns:
        (what `consume` returned, the plan that was taken).

    Raises:
        DeviceMemoryError: no plan fits.
        ModelFileError: the network's values are not finite on the CPU.
    """
    reason, fault = "", False
    for plan in plans:
        if fault and plan.device.type != "cpu":
            continue
        shortage = _shortage(job, image.shape, plan, kept)
        if shortage:
            reason = reason or shortage
            logger.info("%s: %s", plan, shortage)
            continue
        if reason:
            progress.warning(f"{reason}; using {plan}")
        try:
            return consume(_start(job, image, plan)), plan
        except (MemoryError, RuntimeError, NotFiniteError) as error:
            reason, fault = _explain(error, plan)
            logger.info("%s failed", plan, exc_info=True)
        _release(plan.device)
    hint = "Close other programs, use a machine with more memory, or a smaller model."
    raise DeviceMemoryError(f"memory is not enough for this scan: {reason or 'nothing left to try'}", hint)


def _start(job: Job, image: np.ndarray, plan: Plan) -> Iterator[Linear]:
    layout = torch.contiguous_format if plan.device.type == "mps" else torch.channels_last_3d
    job.network.to(device=plan.device).to(memory_format=layout)  # type: ignore[call-overload]
    if plan.window is None:
        return run_whole(job, image, plan.device)
    return run_windows(job, image, plan.device, plan.window)


def _shortage(job: Job, shape: tuple[int, ...], plan: Plan, kept: int) -> str:
    """Tell what is missing for a plan, "" if it fits."""
    weights = sum(parameter.nbytes for parameter in job.network.parameters())
    for need, free in memory_needs(job.network.config, job.tasks, job.passes, weights, shape_3d(shape), plan, kept):
        if need > free:
            return f"{plan} needs about {need / GIB:.1f} GiB and {free / GIB:.1f} GiB are free"
    return ""


def memory_needs(
    config: NetworkConfig, heads: Iterable[str], passes: int, weights: int, shape: Shape3D, plan: Plan, kept: int
) -> list[tuple[int, int]]:
    """Estimate what a plan takes.

    Args:
        config: the architecture.
        heads: outputs to evaluate.
        passes: 2 when the mirrored image is evaluated too, else 1.
        weights: bytes of the network's parameters.
        shape: (X, Y, Z) voxels that the network sees.
        plan: the way to run.
        kept: bytes of main memory for finished results.

    Returns:
        (bytes needed, bytes free) of the device, then of main memory where that is another.
    """
    running = int(SAFETY * run_bytes(config, plan.window or shape, passes))
    results = kept + result_bytes(config, heads, shape, plan.window is not None)
    if plan.device.type == "cpu":
        return [(running + results, host_available_bytes())]
    return [(running + weights, available_bytes(plan.device)), (results, host_available_bytes())]


def _explain(error: Exception, plan: Plan) -> tuple[str, bool]:
    """Return (what happened, whether the device is to blame rather than the size); re-raise what is unknown."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(
        text in str(error).lower() for text in _OUT_OF_MEMORY
    ):
        return f"{plan} ran out of memory", False
    if plan.device.type != "cpu":
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        return f"{plan.device} failed ({first_line})", True
    if isinstance(error, NotFiniteError):
        raise ModelFileError(
            f"the network gave values that are not finite ({error})", "The weights may be damaged; try another model."
        ) from error
    raise error


def _release(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
