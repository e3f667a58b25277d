"""Samples of the generator, made by `brainfm preview`: a worker that stays, so that the next ones come quickly."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from BrainFMLib.EngineProcess import EngineProcess, Outcome
from slicer.i18n import tr as _

JOBS = frozenset({"save_recipe", "export"})
"""Keys of requests that are never replaced by a newer one."""


class PreviewWorker:
    """One worker, started when it is first needed; of requests for samples the newest counts.

    Attributes:
        onStage: called with what is being done and the fraction of it.
        onSample: called with the facts of a sample, see `brainfm preview`; its files are there.
        onDone: called with the last event of a request: all samples have come, or what was to be written is.
        onWarning: called with a message about a request that goes on.
        onProblem: called with message, hint and details; the worker may have ended.
        makeEngine: makes the child process.
    """

    def __init__(self) -> None:
        self.onStage: Callable[[str, float], None] = lambda stage, fraction: None
        self.onSample: Callable[[dict[str, Any]], None] = lambda sample: None
        self.onDone: Callable[[dict[str, Any]], None] = lambda event: None
        self.onWarning: Callable[[str], None] = lambda message: None
        self.onProblem: Callable[[str, str, str], None] = lambda message, hint, details: None
        self.makeEngine: Callable[[], EngineProcess] = lambda: EngineProcess(finalEvent="")
        self._engine: EngineProcess | None = None
        self._device = ""
        self._number = 0
        self._newest: int | None = None
        self._last: tuple[dict[str, Any], str] | None = None
        self._isMore = False
        self._jobs: set[int] = set()
        self._folder: Path | None = None

    @property
    def busy(self) -> bool:
        """Whether an answer is waited for."""
        return self._newest is not None or bool(self._jobs)

    def folder(self) -> Path:
        """Return the folder for files of this worker, made if needed.

        Raises:
            OSError: it cannot be made.
        """
        if self._folder is None or not self._folder.is_dir():
            self._folder = Path(tempfile.mkdtemp(prefix="BrainFMTrain-", dir=slicer.app.temporaryPath))
        return self._folder

    def ask(self, request: dict[str, Any], device: str = "auto") -> None:
        """Ask for samples; those that are being made for a former request are not waited for.

        Args:
            request: as `brainfm preview` takes it, without "request" and "folder".
            device: where to compute; a worker that is idle on another one is replaced.

        Raises:
            OSError: there is no place for files.
        """
        self._number += 1
        isJob = bool(JOBS & set(request))
        place = {} if isJob else {"folder": str(self.folder() / str(self._number))}
        if self._engine is not None and device != self._device and not self._jobs:
            self._engine.discard()
            self._engine = None
        if self._engine is None:
            self._device = device
            engine = self._engine = self.makeEngine()
            engine.onEvent, engine.onFinished = self._onEvent, self._onFinished
            engine.start(["preview", "--device", device])
        if isJob:
            self._jobs.add(self._number)
        else:
            self._newest, self._last, self._isMore = self._number, (request, device), False
        self._engine.send({**request, **place, "request": self._number})

    def askMore(self, targets: list[str]) -> None:
        """Ask for the last samples once more, with these targets; the files of those that came stay.

        Raises:
            OSError: there is no place for files.
        """
        if self._last is not None:
            request, device = self._last
            self.ask({**request, "targets": targets}, device)
            self._last, self._isMore = (request, device), True

    def drop(self) -> None:
        """Samples that are on their way are not wanted any more; new ones will be asked for."""
        self._newest = None

    def cancel(self) -> None:
        """No samples are wanted: let the worker stop making them."""
        if self._newest is not None and self._engine is not None:
            self._engine.send({"cancel": self._newest})
        self.drop()

    def stop(self) -> None:
        """End the worker, and remove its files."""
        engine, self._engine = self._engine, None
        self._newest = None
        self._jobs.clear()
        if engine is not None:
            engine.discard()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _onEvent(self, event: dict[str, Any]) -> None:
        kind, number = event["event"], event.get("request")
        if number is None or (number != self._newest and number not in self._jobs):
            return
        if kind == "progress":
            self.onStage(str(event.get("stage") or ""), float(event.get("fraction") or 0.0))
        elif kind == "sample":
            self.onSample(event)
        elif kind == "warning":
            self.onWarning(str(event.get("message") or ""))
        elif kind in ("done", "cancelled"):
            self._forget(number)
            self.onDone(event)
        elif kind == "error":
            self._forget(number)
            self.onProblem(str(event.get("message") or ""), str(event.get("hint") or ""), "")

    def _forget(self, number: int) -> None:
        """An answer is complete; files of samples that it replaces are not needed any more."""
        self._jobs.discard(number)
        if number != self._newest:
            return
        self._newest = None
        if not self._isMore and self._folder is not None and self._folder.is_dir():
            for folder in self._folder.iterdir():
                if folder.name.isdecimal() and int(folder.name) < number:
                    shutil.rmtree(folder, ignore_errors=True)

    def _onFinished(self, outcome: Outcome) -> None:
        """The worker ended although nobody asked for it; the next request starts another one."""
        self._engine, self._newest = None, None
        self._jobs.clear()
        message = outcome.message or _("The program that makes samples has ended")
        hint = outcome.hint or _("“Generate” starts it again.")
        self.onProblem(message, hint, outcome.details)
