"""What a training will need, beside what there is: asked of the engine, which reads the data set for it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from BrainFMLib.EngineProcess import EngineProcess, Outcome
from BrainFMLib.Widgets.Texts import megabytes
from slicer.i18n import tr as _

from BrainFMTrainLib.TrainingRequest import TrainingRequest

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


@dataclass(frozen=True)
class Estimate:
    """Bytes, counts and seconds.

    Attributes:
        parameters: of the network.
        needed, free: memory of the device; `free` is None where it is not known.
        disk, freeDisk: what the checkpoints take, and what the disk has; None where it is not known.
        stepSeconds, totalSeconds: of one step and of all; None where they are not known.
        device: what users call where it is computed; "" where it is not known.
    """

    parameters: int
    needed: int
    free: int | None
    disk: int
    freeDisk: int | None
    stepSeconds: float | None = None
    totalSeconds: float | None = None
    device: str = ""

    def problem(self) -> str:
        """Return what is too little, "" if nothing is."""
        if self.free is not None and self.needed > self.free:
            return _("Memory may be too little: choose a smaller preset, smaller or fewer samples, or close programs.")
        if self.freeDisk is not None and self.disk > self.freeDisk:
            return _("The disk may be too full for the checkpoints.")
        return ""

    def sentence(self) -> str:
        """Return all of it in sentences."""
        weights = _("The network has {count:.1f} million weights.").format(count=self.parameters / 1e6)
        return " ".join((weights, self._memorySentence(), self._diskSentence(), self._timeSentence()))

    def _memorySentence(self) -> str:
        where = _("of memory on {device}").format(device=self.device) if self.device else _("of memory")
        if self.free is None:
            text = _("A step needs about {needed:.1f} GB {where}; how much is free is not known.")
        elif self.needed > self.free:
            text = _("A step needs about {needed:.1f} GB {where}, but only {free:.1f} GB are free.")
        else:
            text = _("A step needs about {needed:.1f} GB {where}; {free:.1f} GB are free.")
        return text.format(needed=self.needed / 1e9, free=(self.free or 0) / 1e9, where=where)

    def _diskSentence(self) -> str:
        if self.freeDisk is None:
            return _("Checkpoints take {size} of disk.").format(size=megabytes(self.disk))
        text = _("Checkpoints take {size} of disk; {free} are free.")
        if self.disk > self.freeDisk:
            text = _("Checkpoints take {size} of disk, but only {free} are free.")
        return text.format(size=megabytes(self.disk), free=megabytes(self.freeDisk))

    def _timeSentence(self) -> str:
        if not self.totalSeconds or not self.stepSeconds:
            return _("How long it takes is told after the first steps.")
        text = _("It takes about {total}: {step} a step.")
        step = _("{n:.2g} s").format(n=self.stepSeconds)
        return text.format(total=durationText(self.totalSeconds), step=step)


class TrainingEstimate:
    """Asks for one estimate at a time.

    Attributes:
        makeEngine: makes the child process.
        deviceTitle: gives what users call a device.
    """

    def __init__(self) -> None:
        self.makeEngine: Callable[[], EngineProcess] = EngineProcess
        self.deviceTitle: Callable[[str], str] = lambda name: ""
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
            title = self.deviceTitle(str(self._values.get("device") or request.device))
            estimate = estimateOf(self._values, request.runsFolder, title)
            onFinished(estimate if outcome.state == "done" else None, outcome)

        engine.onEvent, engine.onFinished = onEvent, onEnd
        engine.start(request.estimateArguments())

    def stop(self) -> None:
        """Forget what was asked."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.discard()


def durationText(seconds: float) -> str:
    """Return a time in words, in the unit that fits."""
    for unit, text in (
        (_DAY, _("{n:.1f} days")),
        (_HOUR, _("{n:.1f} hours")),
        (_MINUTE, _("{n:.0f} minutes")),
    ):
        if seconds >= 1.5 * unit:
            return text.format(n=seconds / unit)
    if seconds >= _MINUTE / 2:
        return _("a minute")
    return _("{n:.0f} seconds").format(n=seconds) if seconds >= 1.5 else _("a second")


def estimateOf(values: dict[str, Any], folder: Path | None, device: str = "") -> Estimate | None:
    """Return what the engine told, with the space that the disk of a folder has; None if it told nothing.

    Args:
        values: of the engine.
        folder: for runs; it need not be there yet.
        device: what users call where it is computed.
    """
    if not values:
        return None
    free, step, total = (values.get(name) for name in ("free_bytes", "step_seconds", "total_seconds"))
    return Estimate(
        parameters=int(values.get("parameters") or 0),
        needed=int(values.get("step_bytes") or 0),
        free=None if free is None else int(free),
        disk=int(values.get("disk_bytes") or 0),
        freeDisk=_freeDisk(folder),
        stepSeconds=None if step is None else float(step),
        totalSeconds=None if total is None else float(total),
        device=device,
    )


def _freeDisk(folder: Path | None) -> int | None:
    """Return the bytes that are free where a folder is or will be."""
    while folder is not None and not folder.exists() and folder.parent != folder:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free if folder is not None else None
    except OSError:
        return None
