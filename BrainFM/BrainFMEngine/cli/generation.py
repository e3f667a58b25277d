"""What `brainfm generate` does: read the head, draw or replay, make the samples, write them together."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from BrainFMEngine.anatomy.protocols import find_protocol
from BrainFMEngine.cli.interrupt import Interrupted
from BrainFMEngine.cli.reporting import Reporter
from BrainFMEngine.errors import CancelledError, ModelFileError, UsageError, nearest_name
from BrainFMEngine.hashing import file_sha256
from BrainFMEngine.inference.device_name import check_device_name
from BrainFMEngine.outputs.publish import published

if TYPE_CHECKING:
    from BrainFMEngine.generator.parameters import GeneratorOptions, SampleParameters
    from BrainFMEngine.generator.subject import Subject

CONTRASTS = {"t1": "T1", "t2": "T2", "flair": "FLAIR", "ct": "CT"}
SURFACES = {name: name for name in ("lp", "lw", "rp", "rw")}
MILD_TO_SEVERE = "mild-to-severe"
SMALLEST_SIZE, LARGEST_SIZE = 32, 512


@dataclass(frozen=True)
class GenerateRequest:
    """What the user asked for; see `brainfm generate --help`."""

    labels: Path
    folder: Path
    samples: int = 4
    severity: str = MILD_TO_SEVERE
    seed: int = 0
    size: str = "160"
    contrast: str = "mixed"
    real: list[str] = field(default_factory=list)
    mix: float = 0.2
    real_input: float = 0.0
    coordinates: Path | None = None
    surfaces: list[str] = field(default_factory=list)
    map_labels: Path | None = None
    targets: bool = False
    paint_targets: bool = False
    protocol: str = "compact-40"
    pathology: bool = False
    integrate: bool = True
    replay: Path | None = None
    device: str = "auto"
    overwrite: bool = False


def run_generate(request: GenerateRequest, reporter: Reporter) -> int:
    """Generate, report what happens, and return the exit code."""
    start = time.perf_counter()
    result: dict[str, Any] = {"input": str(request.labels), "code": None, "folder": None}
    with reporter.running([request.labels]):
        try:
            for path in _generate(request, reporter):
                reporter.output(_kind(path), path)
            result.update(code=0, folder=str(request.folder.absolute()))
        except (Interrupted, KeyboardInterrupt):
            result["code"] = reporter.error(CancelledError())
        except Exception as error:  # every error ends as a sentence
            result["code"] = reporter.error(error)
        reporter.done(result["code"], [result], time.perf_counter() - start)
    return result["code"]


def _generate(request: GenerateRequest, reporter: Reporter) -> list[Path]:
    check_device_name(request.device)
    real = parse_files(request.real, CONTRASTS, "--real t1=scan.nii.gz")
    surfaces = parse_files(request.surfaces, SURFACES, "--surface lp=lh.pial")
    _check_protocol(request.protocol)
    reporter.stage("loading", 0.0)
    from BrainFMEngine.generator.generator import make_batch
    from BrainFMEngine.generator.label_maps import read_label_map_csv
    from BrainFMEngine.generator.parameters import draw_batch
    from BrainFMEngine.generator.read_subject import read_subject
    from BrainFMEngine.generator.sample_files import write_samples
    from BrainFMEngine.inference.device import choose_device

    overrides = None if request.map_labels is None else read_label_map_csv(request.map_labels)
    subject = read_subject(request.labels, real, request.coordinates, overrides, surfaces, reporter)
    subject = subject.to(choose_device(request.device))
    options = make_options(request, subject)
    source = _source(request, real | surfaces)
    if request.replay is None:
        parameters = draw_batch(subject, options, request.seed)
    else:
        parameters = (_replayed(request.replay, subject, source),)
    reporter.stage("making samples", 0.5)
    samples = make_batch(subject, parameters, options)
    reporter.stage("writing", 0.8)
    with published(request.folder, request.overwrite) as temporary:
        paths = write_samples(temporary, samples, subject, options, request.targets, source)
    reporter.stage("done", 1.0)
    return [request.folder / path.name for path in paths]


def _kind(path: Path) -> str:
    """Return the kind of an output: "sample-0", "sample-0_parameters", "target_T1", "overview"."""
    stem = path.name.split(".")[0]
    return f"{stem}_parameters" if path.suffix == ".json" else stem


def parse_files(words: list[str], names: dict[str, str], example: str) -> dict[str, Path]:
    """Return what -> file of words such as "t1=scan.nii.gz"; UsageError for anything else.

    Args:
        words: what the user wrote.
        names: word before the equals sign, in lower case -> what it stands for.
        example: an option that would be right.
    """
    files: dict[str, Path] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not equals or not path:
            raise UsageError(f"{word!r} does not name what it is and a file", f"Write for example {example}.")
        if name.lower() not in names:
            raise UsageError(f"{name!r} is not known", nearest_name(name.lower(), names))
        if names[name.lower()] in files:
            raise UsageError(f"{name!r} is given twice")
        files[names[name.lower()]] = Path(path)
    return files


def make_options(request: GenerateRequest, subject: Subject) -> GeneratorOptions:
    """Turn the request into the generator's options."""
    from BrainFMEngine.generator.contrast import ContrastRanges
    from BrainFMEngine.generator.deformation import DeformationRanges
    from BrainFMEngine.generator.mixup import MixupRanges
    from BrainFMEngine.generator.parameters import GeneratorOptions
    from BrainFMEngine.generator.pathology import PathologyRanges
    from BrainFMEngine.generator.severity import mild_to_severe, parse_severity
    from BrainFMEngine.generator.velocity import VelocityRanges

    if request.severity == MILD_TO_SEVERE:
        severities = tuple(mild_to_severe(request.samples))
    else:
        severities = (parse_severity(request.severity),) * request.samples
    return GeneratorOptions(
        shape=_shape(request.size, subject),
        severities=severities,
        real_input_probability=request.real_input,
        deformation=DeformationRanges(velocity=VelocityRanges(integrate=request.integrate)),
        contrast=ContrastRanges(kind=request.contrast),
        mixup=MixupRanges(request.mix),
        pathology=PathologyRanges(probability=float(request.pathology)),
        protocol=request.protocol,
        paint_targets=request.paint_targets,
    )


def _shape(size: str, subject: Subject) -> tuple[int, int, int]:
    if size == "full":
        return subject.shape
    if not size.isdecimal() or not SMALLEST_SIZE <= int(size) <= LARGEST_SIZE:
        raise UsageError(
            f"{size!r} is no size", f"Give a number of voxels from {SMALLEST_SIZE} to {LARGEST_SIZE}, or full."
        )
    return (int(size),) * 3


def _check_protocol(name: str) -> None:
    try:
        find_protocol(name)
    except ModelFileError as error:
        raise UsageError(error.message, error.hint) from error


def _source(request: GenerateRequest, others: dict[str, Path]) -> dict[str, Any]:
    """Return names and checksums of the files that samples are made of."""
    files = {"labels": request.labels, **others}
    if request.coordinates is not None:
        files["coordinates"] = request.coordinates
    if request.map_labels is not None:
        files["map_labels"] = request.map_labels
    return {kind: {"name": path.name, "sha256": file_sha256(path)} for kind, path in files.items()}


def _replayed(path: Path, subject: Subject, source: dict[str, Any]) -> SampleParameters:
    """Read what to replay, and make sure that it was drawn for these files."""
    from BrainFMEngine.generator.sample_files import read_parameters

    parameters, recorded = read_parameters(path)
    for kind, entry in recorded.items():
        if kind not in source:
            raise UsageError(f"{path.name} was made with a file for {kind}", f"It was called {entry.get('name')}.")
        if source[kind]["sha256"] != entry.get("sha256"):
            hint = f"It was called {entry.get('name')}."
            raise UsageError(f"{path.name} was made from another file than {source[kind]['name']}", hint)
    return replace(parameters, subject=subject.name)
