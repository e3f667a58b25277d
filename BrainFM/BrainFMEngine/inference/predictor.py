"""The whole way from a scan to its results."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np

from BrainFMEngine.anatomy.protocols import LabelProtocol, protocol_for_channels
from BrainFMEngine.anatomy.structures import structures
from BrainFMEngine.errors import CancelledError, ModelFileError, UsageError
from BrainFMEngine.image.conform import ConformedImage, conform
from BrainFMEngine.image.io import read_image
from BrainFMEngine.image.resample import resample
from BrainFMEngine.image.volume import Grid, Volume
from BrainFMEngine.inference.collect import Collected, Target, collect
from BrainFMEngine.inference.device import choose_device, run_settings
from BrainFMEngine.inference.finish import mirror_refusal
from BrainFMEngine.inference.forward import Job
from BrainFMEngine.inference.memory import kept_bytes
from BrainFMEngine.inference.prediction import Prediction
from BrainFMEngine.inference.strategy import Plan, make_plans, run
from BrainFMEngine.network.build import BrainNetwork
from BrainFMEngine.network.info import ModelInfo
from BrainFMEngine.progress import Progress, SilentProgress
from BrainFMEngine.tasks import Task, evaluated_tasks, offered_tasks

logger = logging.getLogger(__name__)

Modality = Literal["auto", "mr", "ct"]
GridChoice = Literal["native", "1mm"]

READ, PREPARE, NETWORK, MAP, END = 0.0, 0.05, 0.1, 0.7, 1.0  # fractions of the work


class Predictor:
    """Runs one network on any number of scans.

    Args:
        network: from `load_model` or `build_network`; it is set to float32 and moved to the device in use.
        device: "auto" (GPU if there is one), "cpu", "cuda", "cuda:N" or "mps".
        threads: CPU threads during a prediction; None leaves PyTorch's choice.
        tta: average with the left-right mirrored scan (twice the time).
        window: edge in voxels of the windows to use; None takes the whole scan where memory allows.
        progress: told about stages and warnings.
        cancelled: asked between steps; when it returns True the prediction stops.

    Raises:
        UsageError: not a device name, or a window or thread count below 1.
        DeviceMemoryError: the device is not available.
        ModelFileError: the network needs more than one input image, or has no head that is a task.

    >>> predictor = Predictor(load_model("compact"))      # doctest: +SKIP
    >>> predictor.predict("head.nii.gz").maps["T1w"]      # doctest: +SKIP
    """

    def __init__(
        self,
        network: BrainNetwork,
        device: str = "auto",
        threads: int | None = None,
        tta: bool = False,
        window: int | None = None,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ):
        for name, value in (("threads", threads), ("window", window)):
            if value is not None and value < 1:
                raise UsageError(f"{name} must be at least 1, not {value}")
        self.device = choose_device(device)
        self.network = network.float().eval()
        self.info = _info_of(network)
        self.threads, self.tta, self.window = threads, tta, window
        self.progress: Progress = progress or SilentProgress()
        self.cancelled = cancelled or (lambda: False)
        if network.config.in_channels != 1:
            raise ModelFileError(f"this network needs {network.config.in_channels} images of a scan, not one")
        if not offered_tasks(network.config.task_heads):
            raise ModelFileError("this network has no output that is one of the tasks")

    def predict(
        self,
        scan: str | Path | Volume,
        tasks: str = "all",
        modality: Modality = "auto",
        grid: GridChoice = "native",
        posteriors: bool = False,
        features: bool = False,
        frame: int | None = None,
    ) -> Prediction:
        """Compute every task asked for.

        Args:
            scan: a file (NIfTI, NRRD, MetaImage, MGH/MGZ), or a volume with its affine.
            tasks: "all", or task names joined by commas; the anatomy is always computed where the model has it.
            modality: "mr" or "ct" when the intensities leave it open.
            grid: results on the scan's own grid, or on the 1 mm RAS grid that the network saw.
            posteriors: keep the probability of every structure (large).
            features: keep the network's last feature map (large, 1 mm grid).
            frame: which volume of a 4D file, from 0.

        Returns:
            finished volumes, all on one grid, with what is needed to judge them.

        Raises:
            UsageError: unknown tasks or choices.
            InputImageError, FileAccessError: the scan cannot be right, or cannot be read.
            ModelFileError: the network's values are not finite.
            DeviceMemoryError: memory is not enough on any path.
            CancelledError: `cancelled` returned True.
        """
        wanted = self._select(tasks, modality, grid)
        watch = _Watch(self.progress, self.cancelled)
        volume = scan if isinstance(scan, Volume) else self._read(scan, frame, watch)
        with watch.timed("preparing", PREPARE):
            multiple = self.network.config.size_multiple
            conformed = conform(volume, multiple, modality=modality, spacing_mm=self.info.spacing_mm, progress=watch)
            target = self._target(conformed, wanted, grid, posteriors)
        mirror = self.tta and self._may_mirror(wanted, watch)
        found, plan = self._run(target, mirror, features, watch)
        options = {
            "tasks": _names(wanted, tasks),
            "modality": modality,
            "grid": grid,
            "tta": mirror,
            "threads": self.threads,
            "window": self.window,
            "plan": str(plan),
        }
        return self._prediction(conformed, target, found, watch, str(plan.device), options)

    def _select(self, tasks: str, modality: str, grid: str) -> dict[str, Task]:
        """Return the heads to evaluate: those asked for, and the segmentation, which masks and checks the others."""
        for value, choices in ((modality, ("auto", "mr", "ct")), (grid, ("native", "1mm"))):
            if value not in choices:
                raise UsageError(f"unknown choice {value!r}", f"Choose from: {', '.join(choices)}.")
        return evaluated_tasks(tasks, self.network.config.task_heads)

    def _read(self, path: str | Path, frame: int | None, watch: _Watch) -> Volume:
        with watch.timed("reading", READ):
            return read_image(path, frame=frame, progress=watch)

    def _target(self, conformed: ConformedImage, tasks: dict[str, Task], grid: str, posteriors: bool) -> Target:
        source = conformed.volume.grid
        goal = conformed.native.grid if grid == "native" else source
        return Target(tasks, self.info.protocol, conformed.volume.array, source, goal, posteriors)

    def _may_mirror(self, tasks: dict[str, Task], watch: _Watch) -> bool:
        reason = mirror_refusal(tasks.values(), self.network.config.heads, self.info.protocol)
        if reason:
            watch.warning(f"the mirrored scan is not averaged: {reason}")
        return not reason

    def _run(self, target: Target, mirror: bool, features: bool, watch: _Watch) -> tuple[Collected, Plan]:
        def network_step(fraction: float) -> None:
            watch.stage("network", NETWORK + (MAP - NETWORK) * fraction)

        def map_step(title: str, fraction: float) -> None:
            watch.stage(title, MAP + (END - MAP) * fraction)

        job = Job(self.network, target.tasks, target.protocol, mirror, features, network_step)
        shape = target.source.shape
        plans = make_plans(shape, self.network.config.size_multiple, self.device, self.window)
        with watch.timed("network", NETWORK), run_settings(self.threads):
            image = np.ascontiguousarray(target.image, dtype=np.float32)
            kept = kept_bytes(self.network.config, target.tasks, math.prod(target.grid.shape), target.posteriors)
            found, plan = run(job, image, plans, watch, lambda heads: collect(heads, target, map_step), kept)
        watch.seconds["mapping"] = found.seconds
        watch.seconds["network"] -= found.seconds
        return found, plan

    def _prediction(
        self,
        conformed: ConformedImage,
        target: Target,
        found: Collected,
        watch: _Watch,
        device: str,
        options: dict[str, Any],
    ) -> Prediction:
        return Prediction(
            conformed=conformed,
            grid=target.grid,
            image=_image_on(target.grid, conformed.native),
            maps=found.maps,
            labels=found.labels,
            protocol=target.protocol if found.labels is not None else None,
            probabilities=found.probabilities,
            features=found.features,
            soft_volumes_mm3=found.soft_volumes_mm3,
            confidence=found.confidence,
            brain_mask=_brain_mask(found.labels),
            model=self.info,
            device=device,
            seconds=watch.seconds,
            warnings=list(dict.fromkeys([*conformed.warnings, *watch.warnings])),
            options=options,
        )


class _Watch:
    """Progress of one prediction: passes everything on, keeps warnings and seconds, and stops when cancelled."""

    def __init__(self, progress: Progress, cancelled: Callable[[], bool]):
        self.progress, self.cancelled = progress, cancelled
        self.seconds: dict[str, float] = {}
        self.warnings: list[str] = []

    @contextmanager
    def timed(self, name: str, fraction: float) -> Iterator[None]:
        """Tell a stage and measure its seconds."""
        self.stage(name, fraction)
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start

    def stage(self, name: str, fraction: float) -> None:
        if self.cancelled():
            raise CancelledError()
        self.progress.stage(name, fraction)

    def warning(self, message: str) -> None:
        if message not in self.warnings:
            self.warnings.append(message)
            self.progress.warning(message)


def _names(evaluated: dict[str, Task], tasks: str) -> list[str]:
    asked = {name.strip().lower() for name in tasks.split(",")}
    return [task.name for task in evaluated.values() if "all" in asked or task.name in asked]


def _info_of(network: BrainNetwork) -> ModelInfo:
    """Return the description that came with the network, or one for a network built by hand."""
    info = getattr(network, "info", None)
    if info is not None:
        return info
    channels = [network.config.heads[head] for head in ("segmentation", "seg") if head in network.config.heads]
    protocol: LabelProtocol | None = protocol_for_channels(channels[0]) if channels else None
    return ModelInfo("unnamed", network.config, label_protocol=protocol.name if protocol else None)


def _image_on(grid: Grid, native: Volume) -> np.ndarray:
    values = native.array.astype(np.float32)
    if grid.same_as(native.grid):
        return values
    return resample(values, native.grid, grid, outside=float(values.min()))


def _brain_mask(labels: np.ndarray | None) -> np.ndarray | None:
    """Return where labels are brain: neither background nor around it."""
    if labels is None:
        return None
    brain = [label for label, structure in structures().items() if label != 0 and not structure.extracerebral]
    return np.isin(labels, brain)
