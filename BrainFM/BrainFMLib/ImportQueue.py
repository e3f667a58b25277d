"""Brings finished scans into the scene one after the other, while the engine may still work on the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import slicer

from BrainFMLib.PredictionRequest import FrameSource, Source
from BrainFMLib.Results import importSteps
from BrainFMLib.ResultSequences import ResultSequences
from BrainFMLib.RunFolder import removeSteps
from BrainFMLib.StepRunner import StepRunner
from BrainFMLib.SurfaceProcess import makeInChild


class ImportQueue:
    """Imports result folders in order.

    Args:
        mode: "update" or "new", see `importSteps`.
        surfaces: whether to make cortical surfaces.

    Attributes:
        onStart: called with the index of a scan when its import begins.
        onStep: called with what is being done and the fraction (0..1) of this scan's import.
        onDone: called with the index and the ResultSet.
        onFailed: called with the index and the exception; the scene is then as before this import.
    """

    def __init__(self, mode: str, surfaces: bool):
        self.onStart: Callable[[int], None] = lambda index: None
        self.onStep: Callable[[str, float], None] = lambda label, fraction: None
        self.onDone: Callable[[int, Any], None] = lambda index, resultSet: None
        self.onFailed: Callable[[int, Exception], None] = lambda index, error: None
        self._mode, self._surfaces = mode, surfaces
        self._sequences = ResultSequences()
        self._waiting: deque[tuple[int, Source, Path]] = deque()
        self._runner: StepRunner | None = None
        self._current: int | None = None

    @property
    def busy(self) -> bool:
        """Whether something is being imported or waits for it."""
        return self._current is not None or bool(self._waiting)

    def holds(self, index: int) -> bool:
        """Whether scan `index` is being imported or waits for it."""
        return self._current == index or any(entry[0] == index for entry in self._waiting)

    def add(self, index: int, source: Source, folder: Path) -> None:
        """Import `folder`, which is removed afterwards, when those before it are done."""
        self._waiting.append((index, source, folder))
        self._next()

    def stop(self) -> None:
        """Forget what waits and undo what is half done; nothing is called any more."""
        self._waiting.clear()
        self._current = None
        if self._runner is not None:
            self._runner.stop()
            self._runner = None

    def _next(self) -> None:
        if self._current is not None or not self._waiting:
            return
        self._current, source, folder = self._waiting.popleft()
        self.onStart(self._current)
        steps = self._import(source, folder)
        self._runner = StepRunner(steps, lambda step: self.onStep(*step), self._done, self._failed)

    def _import(self, source: Source, folder: Path) -> Iterator[tuple[str, float]]:
        scene, frame = slicer.mrmlScene, isinstance(source, FrameSource)
        mode = self._sequences.importMode(self._mode) if frame else self._mode
        inputNode, name = source.inputNode(), source.resultName
        resultSet = yield from importSteps(
            folder, folder.name, inputNode, name, scene, mode, self._surfaces, makeInChild
        )
        if frame:
            resultSet = yield from self._sequences.addSteps(resultSet, source)
        yield from removeSteps(folder)
        return resultSet

    def _done(self, resultSet: Any) -> None:
        index, self._current = self._current, None
        self.onDone(index, resultSet)
        self._next()

    def _failed(self, error: Exception) -> None:
        index, self._current = self._current, None
        self.onFailed(index, error)
        self._next()
