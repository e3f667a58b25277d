"""Surfaces of labels made in a child process: one of a large structure takes seconds, in which Slicer would stand."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import slicer

from BrainFMLib.EngineCommand import slicerPython
from BrainFMLib.EngineProcess import EngineProcess
from BrainFMLib.LabelSurfaces import LabelledImage, Surfaces, makeHere, polyDataOf
from BrainFMLib.Steps import FractionSteps, Waiting, part
from BrainFMLib.SurfaceFile import readSurface
from BrainFMLib.SurfaceWorker import REQUEST

START = "import sys; from BrainFMLib.SurfaceWorker import main; sys.exit(main())"
STEP_BYTES = 8 << 20
_WRITTEN, _MADE = 0.05, 0.95


def makeInChild(images: Sequence[LabelledImage], smoothing: float) -> FractionSteps[Surfaces]:
    """Make surfaces as `makeHere` does, without holding the event loop; where that does not work, here after all."""
    folder = Path(tempfile.mkdtemp(prefix="BrainFM-surfaces-", dir=slicer.app.temporaryPath))
    process = EngineProcess([slicerPython(), "-c", START])
    try:
        yield from part(_writeSteps(images, smoothing, folder), 0.0, _WRITTEN)
        yield from part(_runSteps(process, folder), _WRITTEN, _MADE)
        if process.outcome.state == "done":
            return (yield from part(_readSteps(images, folder), _MADE, 1.0))
        logging.warning("BrainFM: surfaces are made within Slicer, because: %s", process.outcome.message)
    finally:
        process.discard()
        shutil.rmtree(folder, ignore_errors=True)
    return (yield from makeHere(images, smoothing))


def _writeSteps(images: Sequence[LabelledImage], smoothing: float, folder: Path) -> FractionSteps[None]:
    request = {"smoothing": smoothing, "images": []}
    for number, image in enumerate(images):
        request["images"].append(
            {
                "file": f"{number}.raw",
                "dtype": image.voxels.dtype.str,
                "shape": image.voxels.shape,
                "first": [int(index) for index in image.firstXYZ],
                "affine": image.affine.tolist(),
                "labels": [{"value": int(value), "file": _fileOf(number, value)} for value in image.values],
            }
        )
        data = memoryview(np.ascontiguousarray(image.voxels)).cast("B")
        with (folder / f"{number}.raw").open("wb") as file:
            for start in range(0, len(data), STEP_BYTES):
                file.write(data[start : start + STEP_BYTES])
                yield number / len(images)
    (folder / REQUEST).write_text(json.dumps(request), encoding="utf-8")


def _runSteps(process: EngineProcess, folder: Path) -> FractionSteps[None]:
    told = [0.0]
    process.onEvent = lambda event: told.append(float(event.get("fraction") or told[-1]))
    process.start([str(folder)])
    while process.running:
        yield Waiting(told[-1])


def _readSteps(images: Sequence[LabelledImage], folder: Path) -> FractionSteps[Surfaces]:
    made: Surfaces = []
    for number, image in enumerate(images):
        made.append({})
        for value in image.values:
            path = folder / _fileOf(number, value)
            surface = readSurface(path) if path.is_file() else None
            yield number / len(images)
            made[-1][value] = polyDataOf(surface)
            yield number / len(images)
    return made


def _fileOf(number: int, value: int) -> str:
    return f"{number}-{value}.surface"
