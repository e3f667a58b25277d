"""Predicting several scans: one failure does not stop the rest, and nothing heavy loads before a scan was read."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from BrainFMEngine.cli.reporting import Reporter
from BrainFMEngine.cli.run_command import NOTHING_WRITTEN, Result, result_of, run_command
from BrainFMEngine.errors import CancelledError, UsageError, nearest_name
from BrainFMEngine.image.io import read_image
from BrainFMEngine.image.volume import Volume
from BrainFMEngine.inference.device_name import check_device_name
from BrainFMEngine.models import DEFAULT_MODEL
from BrainFMEngine.models.store import resolve_model
from BrainFMEngine.outputs import OutputOptions, check_target, require_surfaces, stems_of, write_results
from BrainFMEngine.progress import Progress
from BrainFMEngine.tasks import TASKS

if TYPE_CHECKING:
    from BrainFMEngine.inference.predictor import GridChoice, Modality, Predictor

PREDICTED = 0.6  # fraction of the work on one scan; the rest is writing
WRITER_TELLS = (0.95, 1.0)


@dataclass(frozen=True)
class Request:
    """What the user asked for; see `brainfm predict --help`."""

    inputs: list[Path]
    folder: Path
    tasks: str = "all"
    model: str = DEFAULT_MODEL
    device: str = "auto"
    modality: Modality = "auto"
    frame: int | None = None
    grid: GridChoice = "native"
    threads: int | None = None
    tta: bool = False
    window: int | None = None
    files: OutputOptions = OutputOptions()


def run_batch(request: Request, reporter: Reporter) -> int:
    """Predict every input, report what happens, and return the exit code: 0, or that of the first failure."""
    results = [result_of(path) for path in request.inputs]

    def work() -> int:
        _check(request)
        _predict_all(request, reporter, results)
        return next((result["code"] for result in results if result["code"]), 0)

    def what_is_left() -> str:
        finished = any(result["code"] == 0 for result in results)
        return "The scans before are complete" if finished else NOTHING_WRITTEN

    return run_command(reporter, request.inputs, results, work, what_is_left)


def _check(request: Request) -> None:
    """Refuse what cannot work for any input, without loading anything heavy."""
    check_device_name(request.device)
    known = {"all", *(task.name for task in TASKS)}
    for name in request.tasks.split(","):
        if name.strip().lower() not in known:
            raise UsageError(f"unknown task {name.strip()!r}", nearest_name(name.strip().lower(), sorted(known)))
    resolve_model(request.model)
    if request.files.surfaces:
        require_surfaces()


def _predict_all(request: Request, reporter: Reporter, results: list[Result]) -> None:
    predictor: Predictor | None = None
    for index, (path, stem) in enumerate(zip(request.inputs, stems_of(request.inputs), strict=True)):
        reporter.begin(index)
        case = _Case(request, reporter, path, stem)
        try:
            case.read()
        except Exception as error:  # the next scan may be fine
            results[index]["code"] = reporter.error(error)
            continue
        if predictor is None:
            reporter.stage("loading the model", 0.0)
            predictor = _load(request, reporter)  # what fails here would fail for every scan
        try:
            case.predict(predictor)
            results[index].update(code=0, folder=str((request.folder / stem).absolute()))
        except CancelledError:
            raise
        except Exception as error:
            results[index]["code"] = reporter.error(error)


def _load(request: Request, reporter: Reporter) -> Predictor:
    from BrainFMEngine.inference.predictor import Predictor
    from BrainFMEngine.models import load_model

    network = load_model(request.model)
    return Predictor(
        network,
        device=request.device,
        threads=request.threads,
        tta=request.tta,
        window=request.window,
        progress=_Part(reporter, (0.0, 1.0), (0.0, PREDICTED)),
    )


class _Part:
    """Progress of one part of the work, as a part of the whole."""

    def __init__(self, progress: Progress, told: tuple[float, float], shown: tuple[float, float]):
        self.progress, self.told, self.shown = progress, told, shown

    def stage(self, name: str, fraction: float) -> None:
        done = (fraction - self.told[0]) / (self.told[1] - self.told[0])
        self.progress.stage(name, self.shown[0] + min(max(done, 0.0), 1.0) * (self.shown[1] - self.shown[0]))

    def warning(self, message: str) -> None:
        self.progress.warning(message)


class _Case:
    """One scan on its way."""

    def __init__(self, request: Request, reporter: Reporter, path: Path, stem: str):
        self.request, self.reporter, self.path, self.stem = request, reporter, path, stem
        self.volume: Volume | None = None
        self.seconds = 0.0

    def read(self) -> None:
        """Check where results will go, then read the scan."""
        start = time.perf_counter()
        self.reporter.stage("reading", 0.0)
        check_target(self.request.folder, self.stem, self.request.files, self.path)
        self.volume = read_image(self.path, frame=self.request.frame, progress=self.reporter)
        self.seconds = time.perf_counter() - start

    def predict(self, predictor: Predictor) -> None:
        """Predict and write; results appear together or not at all."""
        assert self.volume is not None
        request = self.request
        volume, self.volume = self.volume, None
        prediction = predictor.predict(
            volume,
            tasks=request.tasks,
            modality=request.modality,
            grid=request.grid,
            posteriors=request.files.posteriors,
            features=request.files.features,
        )
        prediction = replace(prediction, seconds={**prediction.seconds, "reading": self.seconds})
        writing = _Part(self.reporter, WRITER_TELLS, (PREDICTED, 1.0))
        files = write_results(prediction, request.folder, self.stem, request.files, writing)
        for kind, path in files.items():
            self.reporter.output(kind, path)
        self.reporter.stage("done", 1.0)
