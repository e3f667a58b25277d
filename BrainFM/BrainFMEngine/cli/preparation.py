"""What `brainfm prepare` does: find the subjects, prepare each, or check a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from BrainFMEngine.anatomy.protocols import find_protocol
from BrainFMEngine.cli.reporting import Reporter
from BrainFMEngine.cli.run_command import Result, run_command
from BrainFMEngine.errors import InputImageError, ModelFileError, UsageError, nearest_name

if TYPE_CHECKING:
    from BrainFMEngine.dataset.prepare import PrepareOptions

SPLIT_HINT = "Write for example 80/10/10: percent of train, validation and test; or setup-1, setup-2 or setup-3."
TO_GO_ON = "The same command goes on; what is complete stays"


@dataclass(frozen=True)
class PrepareRequest:
    """What the user asked for; see `brainfm prepare --help`."""

    source: Path
    folder: Path | None = None
    layout: str = "auto"
    protocol: str = "compact-40"
    split: str = "80/10/10"
    held_out: list[str] = field(default_factory=list)
    split_seed: int = 0
    map_labels: Path | None = None
    atlas: bool = True
    jobs: int = 1
    exclude: bool = False
    licence: str = ""


Work = Callable[[PrepareRequest, Reporter, list[Result]], int]


def run_prepare(request: PrepareRequest, reporter: Reporter) -> int:
    """Prepare, report what happens, and return the exit code: 0, or that of the first subject that failed."""
    return _run(request, reporter, _prepare)


def run_check(request: PrepareRequest, reporter: Reporter) -> int:
    """Check, report every problem, and return the exit code: 0, or 2 where something is wrong."""
    return _run(request, reporter, _check)


def run_list(request: PrepareRequest, reporter: Reporter) -> int:
    """Tell what would be prepared, and return the exit code."""
    return _run(request, reporter, _list)


def _run(request: PrepareRequest, reporter: Reporter, work: Work) -> int:
    results: list[Result] = []
    return run_command(reporter, [request.source], results, partial(work, request, reporter, results), TO_GO_ON)


def _prepare(request: PrepareRequest, reporter: Reporter, results: list[Result]) -> int:
    if request.folder is None:
        raise UsageError("there is no place for the dataset", "Give it with -o DATASET.")
    options = _options(request)
    reporter.stage("finding subjects", 0.0)
    from BrainFMEngine.dataset.dataset import Dataset
    from BrainFMEngine.dataset.licences import licence_of_source, record_licence
    from BrainFMEngine.dataset.prepare import check_new_folder, prepare
    from BrainFMEngine.dataset.sources import find_subjects

    check_new_folder(request.folder, request.source)
    sources = find_subjects(request.source, request.layout)
    reporter.inputs = [source.name for source in sources]
    outcomes = prepare(sources, request.folder, options, reporter, request.jobs)
    for outcome in outcomes:
        code = outcome.error.code if outcome.error else 0
        results.append({"input": outcome.name, "code": code, "folder": None, "state": outcome.state})
    licence = request.licence.strip() or licence_of_source(request.source)
    record_licence(request.folder, {source.collection for source in sources}, licence)
    split = Dataset(request.folder).split
    for name in ("dataset.json", "split.json"):
        reporter.output(name.split(".")[0], request.folder / name)
    parts = f"{len(split.train)} train, {len(split.validation)} validation, {len(split.test)} test"
    reporter.line(f"dataset in {request.folder.absolute()}: {parts}")
    return next((result["code"] for result in results if result["code"]), 0)


def _options(request: PrepareRequest) -> PrepareOptions:
    from BrainFMEngine.dataset.prepare import PrepareOptions
    from BrainFMEngine.dataset.split import SETUP_FRACTIONS, SETUPS
    from BrainFMEngine.generator.label_maps import read_label_map_csv

    try:
        find_protocol(request.protocol)
    except ModelFileError as error:
        raise UsageError(error.message, error.hint) from error
    held_out: tuple[str, ...] | None = tuple(request.held_out) or None
    if request.split in SETUPS:
        held_out, fractions = SETUPS[request.split] + tuple(request.held_out), SETUP_FRACTIONS
    elif request.split.startswith("setup"):
        raise UsageError(f"there is no split {request.split!r}", nearest_name(request.split, SETUPS))
    else:
        fractions = parse_fractions(request.split)
    return PrepareOptions(
        protocol=request.protocol,
        overrides=read_label_map_csv(request.map_labels) if request.map_labels else {},
        register=request.atlas,
        fractions=fractions,
        held_out=held_out,
        seed=request.split_seed,
    )


def parse_fractions(text: str) -> tuple[float, float, float]:
    """Return the fractions of "80/10/10"; UsageError for anything else."""
    words = text.split("/")
    try:
        train, validation, test = (float(word) for word in words)
    except ValueError as error:
        raise UsageError(f"{text!r} is no split", SPLIT_HINT) from error
    if min(train, validation, test) < 0 or abs(train + validation + test - 100) > 1e-6:
        raise UsageError(f"{text!r} is no split: the parts do not sum to 100", SPLIT_HINT)
    return train / 100, validation / 100, test / 100


def _list(request: PrepareRequest, reporter: Reporter, results: list[Result]) -> int:
    from BrainFMEngine.dataset.sources import find_subjects, recognise_layout

    layout = request.layout
    if layout == "auto" and request.source.exists():
        layout = recognise_layout(request.source)
    sources = find_subjects(request.source, layout)
    contrasts = Counter(contrast for source in sources for contrast in source.images)
    lines = [f"{source.name}: {', '.join(source.contents()) or 'nothing'}" for source in sources]
    reporter.tell(
        "source",
        "\n".join([*lines, f"{len(sources)} subjects, {layout}"]),
        layout=layout,
        subjects=len(sources),
        labels=sum(source.labels is not None for source in sources),
        contrasts=dict(contrasts),
    )
    return 0


def _check(request: PrepareRequest, reporter: Reporter, results: list[Result]) -> int:
    from BrainFMEngine.cli.training_needs import tell_needs
    from BrainFMEngine.dataset.check import examine, exclude
    from BrainFMEngine.dataset.folder import DatasetFolder

    found = examine(request.source, reporter)
    problems = found.problems + tell_needs(found.needs, reporter)
    errors = [problem for problem in problems if problem.severity == "error"]
    for problem in problems:
        about = f"{problem.subject}: " if problem.subject else ""
        if problem.severity == "error":
            reporter.error(InputImageError(f"{about}{problem.message}", problem.hint))
        else:
            reporter.warning(f"{about}{problem.message}")
    dataset = DatasetFolder(request.source)
    wrong = {problem.subject for problem in errors if problem.subject}
    for name in dataset.names():
        results.append({"input": name, "code": 2 if name in wrong else 0, "folder": None})
    if request.exclude:
        left_out = exclude(request.source, problems)
        if left_out:
            reporter.line(f"left out of the split: {', '.join(left_out)}")
        errors = [problem for problem in errors if problem.subject is None]
    text = f"{len(dataset.names())} subjects, {len(problems)} problems"
    reporter.line(f"{text}, {len(errors)} of them errors" if problems else f"{text}: ready for training")
    return 2 if errors else 0
