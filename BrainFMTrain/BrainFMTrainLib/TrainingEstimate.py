"""What a training will need, beside what there is: asked of the engine, which reads the data set for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from BrainFMLib.EngineProcess import EngineProcess, Outcome
from slicer.i18n import tr as _

from BrainFMTrainLib.TrainingRequest import TrainingRequest

_GB = 1e9


@dataclass(frozen=True)
class Estimate:
    """Bytes and counts.

    Attributes:
        parameters: of the network.
        needed, free: memory of the device; `free` is None where it is not known.
        disk, freeDisk: what the checkpoints take, and what the disk has; None where it is not known.
    """

    parameters: int
    needed: int
    free: int | None
    disk: int
    freeDisk: int | None

    def problem(self) -> str:
        """Return what is too little, "" if nothing is."""
        if self.free is not None and self.needed > self.free:
            return _("Memory may be too little: choose a smaller preset, or close other programs.")
        if self.freeDisk is not None and self.disk > self.freeDisk:
            return _("The disk may be too full for the checkpoints.")
        return ""

    def sentence(self) -> str:
        """Return it in words."""
        free = _("{n:.1f} GB are free").format(n=self.free / _GB) if self.free is not None else _("free: not known")
        text = _(
            "{count:.1f} million weights; a step needs about {memory:.1f} GB of memory ({free}), "
            "checkpoints {disk:.2f} GB of disk."
        )
        return text.format(count=self.parameters / 1e6, memory=self.needed / _GB, free=free, disk=self.disk / _GB)


class TrainingEstimate:
    """Asks for one estimate at a time.

    Attributes:
        makeEngine: makes the child process.
    """

    def __init__(self) -> None:
        self.makeEngine: Callable[[], EngineProcess] = EngineProcess
        self._engine: EngineProcess | None = None
        self._values: dict[str, Any] = {}

    @property
    def running(self) -> bool:
        """Whether one is being made."""
        return self._engine is not None

    def ask(self, request: TrainingRequest, onFinished: Callable[[Estimate | None, Outcome], None]) -> None:
        """Make an estimate; what went wrong instead is told by the outcome. One that goes on is dropped."""
        self.stop()
        self._values, engine = {}, self.makeEngine()
        self._engine = engine

        def onEvent(event: dict[str, Any]) -> None:
            if event["event"] == "done":
                self._values = event.get("estimate") or {}

        def onEnd(outcome: Outcome) -> None:
            self._engine = None
            onFinished(_estimateOf(self._values, request.runsFolder) if outcome.state == "done" else None, outcome)

        engine.onEvent, engine.onFinished = onEvent, onEnd
        engine.start(request.estimateArguments())

    def stop(self) -> None:
        """Forget what was asked."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.discard()


def _estimateOf(values: dict[str, Any], folder: Path | None) -> Estimate | None:
    if not values:
        return None
    try:
        freeDisk = shutil.disk_usage(folder).free if folder is not None else None
    except OSError:
        freeDisk = None
    free = values.get("free_bytes")
    needed, disk = int(values.get("step_bytes") or 0), int(values.get("disk_bytes") or 0)
    return Estimate(int(values.get("parameters") or 0), needed, None if free is None else int(free), disk, freeDisk)
