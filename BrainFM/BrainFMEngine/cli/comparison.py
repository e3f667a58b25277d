"""What `brainfm compare` does: the same input to one model after the other; files appear together at the end."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from BrainFMEngine.cli.reporting import Reporter
from BrainFMEngine.cli.run_command import Result, result_of, run_command
from BrainFMEngine.errors import UsageError
from BrainFMEngine.inference.device_name import check_device_name
from BrainFMEngine.models.store import resolve_model
from BrainFMEngine.outputs.publish import published
from BrainFMEngine.progress import PartialProgress

if TYPE_CHECKING:
    from BrainFMEngine.evaluation.case import Case
    from BrainFMEngine.evaluation.comparison import Attempt

LOADED, TRIED = 0.05, 0.95  # fractions of the work


@dataclass(frozen=True)
class CompareRequest:
    """What the user asked for; see `brainfm compare --help`."""

    models: tuple[str, str]
    data: Path
    subject: str
    folder: Path
    given: str | None = None
    device: str = "auto"
    threads: int | None = None
    window: int | None = None
    overwrite: bool = False
    uncompressed: bool = False


def run_compare(request: CompareRequest, reporter: Reporter) -> int:
    """Compare, report what happens, and return the exit code."""
    result = result_of(request.data)
    return run_command(reporter, [request.data], [result], partial(_compare, request, reporter, result))


def _compare(request: CompareRequest, reporter: Reporter, result: Result) -> int:
    check_device_name(request.device)
    _refuse_results(request)
    reporter.stage("reading the subject", 0.0)
    from BrainFMEngine.evaluation.comparison_files import COMPARISON, write_comparison

    with tempfile.TemporaryDirectory(prefix="brainfm-") as scratch:
        folders = [_model_folder(name, Path(scratch), reporter) for name in request.models]
        case = _case(request)
        attempts = []
        for number, folder in enumerate(folders):
            low, high = (LOADED + (TRIED - LOADED) * done / len(folders) for done in (number, number + 1))
            attempts.append(_attempt(request, folder, case, PartialProgress(reporter, low, high)))
    reporter.stage("writing", TRIED)
    with published(request.folder, request.overwrite) as temporary:
        ending = ".nii" if request.uncompressed else ".nii.gz"
        write_comparison(temporary, case, attempts, request.models, ending)
    reporter.output("comparison", request.folder / COMPARISON)
    reporter.stage("done", 1.0)
    result["folder"] = str(request.folder.absolute())
    return 0


def _refuse_results(request: CompareRequest) -> None:
    from BrainFMEngine.evaluation.comparison_files import COMPARISON

    if (request.folder / COMPARISON).exists() and not request.overwrite:
        hint = "Choose another folder, or replace it with --overwrite."
        raise UsageError(f"{request.folder} already has {COMPARISON}", hint)


def _model_folder(name: str, scratch: Path, reporter: Reporter) -> Path:
    """Return the folder of a model; that of a run's checkpoint is made."""
    from BrainFMEngine.training.export import export_run, find_run

    run = find_run(Path(name).expanduser())
    if run is None:
        return resolve_model(name)
    folder = scratch / f"model-{len(list(scratch.iterdir()))}"
    export_run(run[0], folder, run[1], warn=reporter.warning)
    return folder


def _case(request: CompareRequest) -> Case:
    from BrainFMEngine.dataset.dataset import Dataset
    from BrainFMEngine.evaluation.comparison import find_case

    dataset = Dataset(request.data)
    subject = dataset.load(request.subject)
    mask = dataset.brain_mask(request.subject) if subject.rows is None else None
    return find_case(subject, request.given, mask)


def _attempt(request: CompareRequest, folder: Path, case: Case, progress: PartialProgress) -> Attempt:
    """Try one model; it is let go of before the next is loaded."""
    from BrainFMEngine.evaluation.comparison import attempt
    from BrainFMEngine.inference.predictor import Predictor
    from BrainFMEngine.models import load_model

    network = load_model(folder)
    predictor = Predictor(network, request.device, threads=request.threads, window=request.window, progress=progress)
    return attempt(predictor, case)
