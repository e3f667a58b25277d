"""What `brainfm generate` does: read the head, draw or replay, make the samples, write them together."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from BrainFMEngine.anatomy.protocols import find_protocol
from BrainFMEngine.cli.reporting import Reporter
from BrainFMEngine.cli.run_command import Result, result_of, run_command
from BrainFMEngine.errors import ModelFileError, UsageError, nearest_name
from BrainFMEngine.hashing import file_sha256
from BrainFMEngine.inference.device_name import check_device_name
from BrainFMEngine.outputs.publish import published

if TYPE_CHECKING:
    from BrainFMEngine.generator.parameters import GeneratorOptions, SampleParameters
    from BrainFMEngine.generator.subject import Subject

CONTRASTS = {"t1": "T1", "t2": "T2", "flair": "FLAIR", "ct": "CT"}
SURFACES = {name: name for name in ("lp", "lw", "rp", "rw")}
SMALLEST_SIZE, LARGEST_SIZE = 32, 512


@dataclass(frozen=True)
class GenerateRequest:
    """What the user asked for; see `brainfm generate --help`."""

    labels: Path
    folder: Path
    samples: int = 4
    severity: str = "mild-to-severe"
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
    result = result_of(request.labels)
    return run_command(reporter, [request.labels], [result], partial(_generate, request, reporter, result))


def _generate(request: GenerateRequest, reporter: Reporter, result: Result) -> int:
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
    for path in paths:
        reporter.output(_kind(path), request.folder / path.name)
    result["folder"] = str(request.folder.absolute())
    return 0


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
    from BrainFMEngine.generator.severity import severities_of
    from BrainFMEngine.generator.velocity import VelocityRanges

    return GeneratorOptions(
        shape=_shape(request.size, subject),
        severities=severities_of(request.severity, request.samples),
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
