"""What `brainfm evaluate` does: try the model on every subject of a split, then write the numbers together."""

from __future__ import annotations

import json
import platform
import re
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from BrainFMEngine import __version__
from BrainFMEngine.cli.interrupt import Interrupted
from BrainFMEngine.cli.reporting import Reporter, as_explained
from BrainFMEngine.errors import BrainFMError, CancelledError, ModelFileError, UsageError
from BrainFMEngine.inference.device_name import check_device_name
from BrainFMEngine.models.store import resolve_model
from BrainFMEngine.outputs.publish import published, temporary_in
from BrainFMEngine.outputs.report import STATEMENT
from BrainFMEngine.progress import PartialProgress

if TYPE_CHECKING:
    from PIL.Image import Image

    from BrainFMEngine.dataset.dataset import Dataset
    from BrainFMEngine.evaluation.case import Case
    from BrainFMEngine.evaluation.row import Row
    from BrainFMEngine.evaluation.score import Pair
    from BrainFMEngine.inference.prediction import Prediction
    from BrainFMEngine.inference.predictor import Predictor
    from BrainFMEngine.network.info import ModelInfo

RESULTS, SUMMARY, REPORT, PICTURE = "results.csv", "summary.md", "report.json", "picture"
WHOLE_DATASET = "all"
ORIGINS = {"both": ("synthetic", "real"), "synthetic": ("synthetic",), "real": ("real",)}
LOADED, MEASURED = 0.02, 0.98  # fractions of the work


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


@dataclass
class _Found:
    """What the evaluation has given so far.

    Attributes:
        rows: of the subjects that are done.
        pictures: file name -> picture.
        warnings: "subject: input" -> what was doubtful.
        failed: subject -> why.
        error: the first failure.
    """

    rows: list[Row] = field(default_factory=list)
    pictures: dict[str, Image] = field(default_factory=dict)
    warnings: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    error: BrainFMError | None = None

    def note(self, case: Case, prediction: Prediction, pair: Pair, draw: bool) -> None:
        """Keep what is to be said and shown about one input."""
        what = f"{case.subject}: {case.input}"
        if prediction.warnings:
            self.warnings[what] = list(prediction.warnings)
        if draw:
            from BrainFMEngine.evaluation.picture import draw_comparison

            window = prediction.conformed.intensity_low, prediction.conformed.intensity_high
            image = case.volume.array.clip(*window)
            self.pictures[_picture_name(case)] = draw_comparison(image, pair.made, pair.truth, what)

    def fail(self, subject: str, error: BrainFMError) -> None:
        """Keep why a subject is left out."""
        self.failed[subject] = str(error)
        self.error = self.error or error


def _picture_name(case: Case) -> str:
    """Return a name that every system takes, such as picture_sub-01_real-T1.png."""
    words = (re.sub(r"[^A-Za-z0-9.-]+", "-", word) for word in (PICTURE, case.subject, case.input))
    return f"{'_'.join(words)}.png"


def run_evaluate(request: EvaluateRequest, reporter: Reporter) -> int:
    """Evaluate, report what happens, and return the exit code: 0, or that of the first subject that failed."""
    start = time.perf_counter()
    result: dict[str, Any] = {"input": str(request.data), "code": None, "folder": None}
    with reporter.running([request.data]):
        try:
            result["code"] = _evaluate(request, reporter, start)
            result["folder"] = str(request.folder.absolute())
        except (Interrupted, KeyboardInterrupt):
            result["code"] = reporter.error(CancelledError())
        except Exception as error:  # every error ends as a sentence
            result["code"] = reporter.error(error)
        reporter.done(result["code"], [result], time.perf_counter() - start)
    return result["code"]


def _evaluate(request: EvaluateRequest, reporter: Reporter, start: float) -> int:
    check_device_name(request.device)
    resolve_model(request.model)
    _check_folder(request)
    reporter.stage("loading", 0.0)
    from BrainFMEngine.dataset.dataset import Dataset

    dataset = Dataset(request.data)
    names = _names(dataset, request)
    predictor = _predictor(request)
    found = _measure(request, reporter, dataset, names, predictor)
    if not found.rows:
        what = f"no subject in {request.data} has what {request.inputs} inputs need: label maps, or images"
        raise found.error or UsageError(f"nothing could be measured: {what}", "Try --inputs both, or another split.")
    reporter.stage("writing", MEASURED)
    with published(request.folder, request.overwrite) as temporary:
        _write(temporary, request, found, names, predictor, time.perf_counter() - start)
        written = sorted(path.name for path in temporary.iterdir())
    for name in written:
        reporter.output(Path(name).stem, request.folder / name)
    reporter.stage("done", 1.0)
    return found.error.code if found.error else 0


def _check_folder(request: EvaluateRequest) -> None:
    """Refuse a folder that cannot take the results, before hours of work."""
    results = [path for path in map(request.folder.joinpath, (RESULTS, SUMMARY, REPORT)) if path.exists()]
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


def _measure(
    request: EvaluateRequest, reporter: Reporter, dataset: Dataset, names: list[str], predictor: Predictor
) -> _Found:
    """Try every subject; one that fails is told and left out."""
    from BrainFMEngine.evaluation.evaluate import evaluate_subject

    found = _Found()
    for index, name in enumerate(names):
        seen = partial(found.note, draw=index < request.pictures)
        low, high = (LOADED + (MEASURED - LOADED) * done / len(names) for done in (index, index + 1))
        progress = PartialProgress(reporter, low, high)
        try:
            subject = dataset.load(name)
            mask = dataset.brain_mask(name) if subject.rows is None else None
            found.rows += list(evaluate_subject(predictor, subject, progress, ORIGINS[request.inputs], seen, mask))
        except (CancelledError, ModelFileError):
            raise
        except Exception as error:  # the next subject may be fine
            found.fail(name, as_explained(error))
            reporter.warning(f"{name} is left out: {found.failed[name]}")
    return found


def _write(
    folder: Path, request: EvaluateRequest, found: _Found, names: list[str], predictor: Predictor, seconds: float
) -> None:
    from BrainFMEngine.evaluation.tables import summarise, to_markdown, write_csv

    write_csv(folder / RESULTS, found.rows)
    info = predictor.info
    head = _heading(request, found, names, info)
    (folder / SUMMARY).write_text(f"{head}\n{to_markdown(found.rows)}", encoding="utf-8")
    for name, picture in found.pictures.items():
        picture.save(folder / name)
    report = {
        "format": 1,
        "statement": STATEMENT,
        "version": __version__,
        "written": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "platform": {"python": platform.python_version(), "system": platform.platform()},
        "model": {"name": info.name, "title": info.title, "sha256": info.sha256},
        "data": {"name": request.data.absolute().name, "split": request.split, "subjects": names},
        "options": {name: getattr(request, name) for name in ("inputs", "tta", "threads", "window")},
        "device": str(predictor.device),
        "seconds": round(seconds, 3),
        "failed": found.failed,
        "warnings": found.warnings,
        "summary": [asdict(item) for item in summarise(found.rows)],
        "outputs": [RESULTS, SUMMARY, *found.pictures],
    }
    text = json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / REPORT).write_text(text + "\n", encoding="utf-8")


def _heading(request: EvaluateRequest, found: _Found, names: list[str], info: ModelInfo) -> str:
    """Return what the numbers are of."""
    measured = len({row.subject for row in found.rows})
    lines = [
        f"# Evaluation of {info.title or info.name}",
        "",
        f"Model `{info.name}` (weights {info.sha256[:12] or 'unsaved'}), data `{request.data.absolute().name}`, "
        f"split `{request.split}`, {measured} of {len(names)} subjects, brainfm {__version__}.",
        "Each number is the mean ± standard deviation over subjects (how many values), `all` over the inputs, too.",
        "",
    ]
    for name, message in found.failed.items():
        lines += [f"**Left out:** {name}: {message}", ""]
    return "\n".join(lines)
