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


class PreviewWorker:
    """One worker, started when it is first needed; the newest request counts.

    Attributes:
        onStage: called with what is being done and the fraction of it.
        onSample: called with the facts of a sample, see `brainfm preview`; its files are there.
        onDone: called with the last event of the newest request: all samples have come, or it was taken back.
        onProblem: called with message, hint and details; the worker may have ended.
        makeEngine: makes the child process.
    """

    def __init__(self) -> None:
        self.onStage: Callable[[str, float], None] = lambda stage, fraction: None
        self.onSample: Callable[[dict[str, Any]], None] = lambda sample: None
        self.onDone: Callable[[dict[str, Any]], None] = lambda event: None
        self.onProblem: Callable[[str, str, str], None] = lambda message, hint, details: None
        self.makeEngine: Callable[[], EngineProcess] = lambda: EngineProcess(finalEvent="")
        self.busy = False
        self._engine: EngineProcess | None = None
        self._number = 0
        self._folder: Path | None = None

    def folder(self) -> Path:
        """Return the folder for files of this worker, made if needed."""
        if self._folder is None or not self._folder.is_dir():
            self._folder = Path(tempfile.mkdtemp(prefix="BrainFMTrain-", dir=slicer.app.temporaryPath))
        return self._folder

    def ask(self, request: dict[str, Any], device: str = "auto") -> None:
        """Ask for samples; one that is being made for a former request is not waited for.

        Args:
            request: as `brainfm preview` takes it, without "request" and "folder".
            device: where to compute; of a worker that runs already it stays as it is.
        """
        self._number += 1
        if self._engine is None:
            engine = self._engine = self.makeEngine()
            engine.onEvent, engine.onFinished = self._onEvent, self._onFinished
            engine.start(["preview", "--device", device])
        self.busy = True
        place = {} if {"save_recipe", "export"} & set(request) else {"folder": str(self.folder() / str(self._number))}
        self._engine.send({**request, **place, "request": self._number})

    def stop(self) -> None:
        """End the worker, and remove its files."""
        engine, self._engine = self._engine, None
        self.busy = False
        if engine is not None:
            engine.discard()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _onEvent(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if event.get("request") != self._number:
            return
        if kind == "progress":
            self.onStage(str(event.get("stage") or ""), float(event.get("fraction") or 0.0))
        elif kind == "sample":
            self.onSample(event)
        elif kind in ("done", "cancelled"):
            self.busy = False
            self._tidy()
            self.onDone(event)
        elif kind == "error":
            self.busy = False
            self.onProblem(str(event.get("message") or ""), str(event.get("hint") or ""), "")

    def _onFinished(self, outcome: Outcome) -> None:
        """The worker ended although nobody asked for it."""
        self._engine, self.busy = None, False
        message = outcome.message or _("The program that makes samples has ended")
        self.onProblem(message, outcome.hint, outcome.details)

    def _tidy(self) -> None:
        """The samples are in the scene by now."""
        if self._folder is not None:
            for folder in self._folder.iterdir():
                if folder.is_dir():
                    shutil.rmtree(folder, ignore_errors=True)
