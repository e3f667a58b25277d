"""What `brainfm evaluate` does: try the model on every subject of a split, keeping what each input gave at once."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from BrainFMEngine import __version__
from BrainFMEngine.cli.reporting import Reporter, as_explained
from BrainFMEngine.cli.run_command import NOTHING_WRITTEN, Result, result_of, run_command
from BrainFMEngine.errors import BrainFMError, CancelledError, ModelFileError, UsageError
from BrainFMEngine.inference.device_name import check_device_name
from BrainFMEngine.models.store import resolve_model
from BrainFMEngine.outputs.publish import published, temporary_in
from BrainFMEngine.progress import PartialProgress

if TYPE_CHECKING:
    from PIL.Image import Image

    from BrainFMEngine.dataset.dataset import Dataset
    from BrainFMEngine.evaluation.evaluate import Measurement
    from BrainFMEngine.evaluation.unfinished import Facts, Unfinished
    from BrainFMEngine.inference.predictor import Predictor

PICTURE = "picture"
WHOLE_DATASET = "all"
ORIGINS = {"both": ("synthetic", "real"), "synthetic": ("synthetic",), "real": ("real",)}
FILES = ("results.csv", "summary.md", "report.json")
OPTIONS = ("inputs", "tta", "threads", "window")
DECISIVE_OPTIONS = ("split", "inputs", "tta", "window")
"""With others, an evaluation does not go on; threads change nothing but rounding."""
LOADED, MEASURED = 0.02, 0.98  # fractions of the work
TO_GO_ON = "What was measured so far is kept: the same command with --resume goes on"


@dataclass(frozen=True)
class EvaluateRequest:
    """What the user asked for; see `brainfm evaluate --help`."""

    model: str
    data: Path
    folder: Path
    split: str = "test"
    inputs: str = "both"
    pictures: int = 1
    device: str = "auto"
    threads: int | None = None
    window: int | None = None
    tta: bool = False
    overwrite: bool = False
    resume: bool = False


@dataclass
class _Failures:
    """Who is left out: subject -> why, and the first error."""

    messages: dict[str, str] = field(default_factory=dict)
    error: BrainFMError | None = None

    def add(self, subject: str, error: BrainFMError) -> None:
        """Keep why a subject is left out."""
        self.messages[subject] = str(error)
        self.error = self.error or error


def run_evaluate(request: EvaluateRequest, reporter: Reporter) -> int:
    """Evaluate, report what happens, and return the exit code: 0, or that of the first subject that failed."""
    result = result_of(request.data)
    work = partial(_evaluate, request, reporter, result)
    return run_command(reporter, [request.data], [result], work, partial(_what_is_left, request.folder))


def _what_is_left(folder: Path) -> str:
    from BrainFMEngine.evaluation.unfinished import is_unfinished

    return TO_GO_ON if is_unfinished(folder) else NOTHING_WRITTEN


def _evaluate(request: EvaluateRequest, reporter: Reporter, result: Result) -> int:
    start = time.perf_counter()
    check_device_name(request.device)
    resolve_model(request.model)
    _check_folder(request)
    reporter.stage("loading", 0.0)
    from BrainFMEngine.dataset.dataset import Dataset
    from BrainFMEngine.evaluation.unfinished import Unfinished

    dataset = Dataset(request.data)
    names = _names(dataset, request)
    predictor = _predictor(request)
    facts = _facts(request, dataset, names, predictor)
    with Unfinished(request.folder, facts, request.resume, request.overwrite) as unfinished:
        if unfinished.done:
            reporter.line(f"{len(unfinished.done)} inputs are measured already")
        failures = _measure(request, reporter, dataset, names, predictor, unfinished)
        if not unfinished.done:
            what = f"no subject in {request.data} has what {request.inputs} inputs need: label maps, or images"
            hint = "Try --inputs both, or another split."
            raise failures.error or UsageError(f"nothing could be measured: {what}", hint)
        reporter.stage("writing", MEASURED)
        with published(request.folder, unfinished.overwrite) as temporary:
            _write(temporary, request, names, predictor, unfinished, failures, time.perf_counter() - start)
            written = sorted(path.name for path in temporary.iterdir())
        unfinished.remove()
    for name in written:
        reporter.output(Path(name).stem, request.folder / name)
    reporter.stage("done", 1.0)
    result["folder"] = str(request.folder.absolute())
    return failures.error.code if failures.error else 0


def _check_folder(request: EvaluateRequest) -> None:
    """Refuse a folder that cannot take the results, before hours of work."""
    from BrainFMEngine.evaluation.unfinished import is_unfinished

    unfinished = is_unfinished(request.folder)
    if request.resume and not unfinished:
        raise UsageError(f"{request.folder} holds no unfinished evaluation", "Leave out --resume to begin one.")
    if request.resume:
        return
    if unfinished and not request.overwrite:
        hint = "Go on with --resume, or begin anew with --overwrite."
        raise UsageError(f"{request.folder} holds an unfinished evaluation", hint)
    results = [path for path in map(request.folder.joinpath, FILES) if path.exists()]
    taken = [*results, *request.folder.glob(f"{PICTURE}_*.png")]
    if taken and not request.overwrite:
        hint = "Choose another folder, or replace it with --overwrite."
        raise UsageError(f"{request.folder} already has {taken[0].name}", hint)
    with temporary_in(request.folder):
        pass


def _names(dataset: Dataset, request: EvaluateRequest) -> list[str]:
    if request.split == WHOLE_DATASET:
        names = [name for name in dataset.names() if name not in dataset.split.excluded]
    else:
        names = dataset.names(request.split)
    if not names:
        raise UsageError(f"{request.data} has no subjects in its split {request.split!r}", "Try --split all.")
    return names


def _predictor(request: EvaluateRequest) -> Predictor:
    from BrainFMEngine.inference.predictor import Predictor
    from BrainFMEngine.models import load_model

    network = load_model(request.model)
    return Predictor(network, request.device, threads=request.threads, tta=request.tta, window=request.window)


def _facts(request: EvaluateRequest, dataset: Dataset, names: list[str], predictor: Predictor) -> Facts:
    from BrainFMEngine.evaluation.unfinished import Facts

    subjects = dict.fromkeys(names, "")
    for name in names:
        with suppress(BrainFMError):  # it fails when its turn comes
            subjects[name] = dataset.info(name).sha256
    options = {name: getattr(request, name) for name in DECISIVE_OPTIONS}
    return Facts(predictor.info.sha256, subjects, options, __version__)


def _measure(
    request: EvaluateRequest,
    reporter: Reporter,
    dataset: Dataset,
    names: list[str],
    predictor: Predictor,
    unfinished: Unfinished,
) -> _Failures:
    """Try every subject; one that fails is told and left out."""
    from BrainFMEngine.evaluation.unfinished import NotKeptError

    failures = _Failures()
    for number, name in enumerate(names):
        low, high = (LOADED + (MEASURED - LOADED) * done / len(names) for done in (number, number + 1))
        progress = PartialProgress(reporter, low, high)
        try:
            _measure_subject(request, dataset, name, number, predictor, unfinished, progress)
        except (CancelledError, ModelFileError, NotKeptError):
            raise
        except Exception as error:  # the next subject may be fine
            unfinished.drop_subject(number)
            failures.add(name, as_explained(error))
            reporter.warning(f"{name} is left out: {failures.messages[name]}")
    return failures


def _measure_subject(
    request: EvaluateRequest,
    dataset: Dataset,
    name: str,
    number: int,
    predictor: Predictor,
    unfinished: Unfinished,
    progress: PartialProgress,
) -> None:
    """Measure what is not measured yet, and keep it."""
    from BrainFMEngine.evaluation.case import input_names
    from BrainFMEngine.evaluation.evaluate import measure_subject

    done = unfinished.of_subject(number)
    if done and len(done) == done[0].inputs:
        return
    subject = dataset.load(name)
    mask = dataset.brain_mask(name) if subject.rows is None else None
    origins = ORIGINS[request.inputs]
    inputs = input_names(subject, origins)
    without = [measured.input for measured in done]
    for measurement in measure_subject(predictor, subject, progress, origins, mask, without):
        place = number, inputs.index(measurement.case.input)
        _keep(unfinished, place, measurement, len(inputs), draw=number < request.pictures)
        del measurement  # while the next one is made


def _keep(unfinished: Unfinished, place: tuple[int, int], measurement: Measurement, inputs: int, draw: bool) -> None:
    from BrainFMEngine.evaluation.unfinished import Measured

    case, prediction = measurement.case, measurement.prediction
    picture = _draw(measurement) if draw else None
    name = None if picture is None else _picture_name(case.subject, case.input)
    measured = Measured(case.subject, case.input, inputs, measurement.rows, list(prediction.warnings), name)
    unfinished.keep(place, measured, picture)


def _draw(measurement: Measurement) -> Image:
    from BrainFMEngine.evaluation.picture import draw_comparison

    case, pair, conformed = measurement.case, measurement.pair, measurement.prediction.conformed
    image = case.volume.array.clip(conformed.intensity_low, conformed.intensity_high)
    return draw_comparison(image, pair.made, pair.truth, f"{case.subject}: {case.input}")


def _picture_name(subject: str, kind: str) -> str:
    """Return a name that every system takes, such as picture_sub-01_real-T1.png."""
    words = (re.sub(r"[^A-Za-z0-9.-]+", "-", word) for word in (PICTURE, subject, kind))
    return f"{'_'.join(words)}.png"


def _write(
    folder: Path,
    request: EvaluateRequest,
    names: list[str],
    predictor: Predictor,
    unfinished: Unfinished,
    failures: _Failures,
    seconds: float,
) -> None:
    from BrainFMEngine.evaluation.report import About, write_report

    about = About(
        model=predictor.info,
        device=str(predictor.device),
        data=request.data.absolute().name,
        split=request.split,
        subjects=names,
        options={name: getattr(request, name) for name in OPTIONS},
    )
    pictures = unfinished.copy_pictures(folder)
    measured = [unfinished.done[place] for place in sorted(unfinished.done)]
    write_report(folder, about, measured, failures.messages, pictures, seconds)
