"""How long each step of the generator takes, beside what memory and random numbers alone would take.

Every step runs by itself on a drawn batch, with the draw that makes it work hardest (both kinds of noise, slices that
are thick along every axis, each artefact present). Its floor is reading its inputs once and writing its results once
at the bandwidth of a large copy, plus drawing its voxel noise at the speed of `torch.randn`, both measured in the
same run. At sizes that fit the processor's cache (below 128³) a step may beat it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from benchmark_subject import benchmark_subject
from BrainFMEngine.anatomy.protocols import COMPACT_40
from BrainFMEngine.generator import defacing, field_of_view, ghosting, gibbs, spikes
from BrainFMEngine.generator.background import BackgroundRanges, apply_background, sample_background
from BrainFMEngine.generator.bias import apply_bias, bias_log_field, sample_bias
from BrainFMEngine.generator.contrast import ContrastRanges, paint, sample_contrast, soften
from BrainFMEngine.generator.deformation import control_positions, sampling_positions
from BrainFMEngine.generator.draws import Draws
from BrainFMEngine.generator.extracerebral import (
    ExtracerebralRanges,
    apply_extracerebral,
    cluster_extracerebral,
    sample_extracerebral,
)
from BrainFMEngine.generator.gamma import Gamma, apply_gamma
from BrainFMEngine.generator.generator import generate
from BrainFMEngine.generator.mixup import MixupRanges, apply_mixup, sample_mixup
from BrainFMEngine.generator.noise import Noise, apply_noise
from BrainFMEngine.generator.parameters import GeneratorOptions, draw_batch
from BrainFMEngine.generator.resolution import (
    ResolutionRanges,
    from_low_resolution,
    sample_resolution,
    to_low_resolution,
)
from BrainFMEngine.generator.scale import scale_robustly
from BrainFMEngine.generator.severity import LEVELS, mild_to_severe
from BrainFMEngine.generator.subject import is_brain
from BrainFMEngine.generator.targets import anatomy_targets, image_targets, warp_volumes
from BrainFMEngine.generator.voxel_noise import normal_field
from BrainFMEngine.generator.warp import box_of, warp_nearest

COPY_BYTES = 2**28
SEED = 1
BATCH, SAMPLE, TWICE, SOME = "batch", "sample", "sample x2", "some"
"""How often a step happens; "some" are those that not every sample has."""


@dataclass(frozen=True)
class Step:
    """A call, the tensors that it has to read, and how many normal values it draws."""

    name: str
    when: str
    run: Callable[[], Any]
    reads: tuple[torch.Tensor, ...] = ()
    normals: int = 0


@dataclass(frozen=True)
class Machine:
    """What was measured: bytes a second of a copy (read and written), normal values a second."""

    bandwidth: float
    normals: float


def measure_stages(options: argparse.Namespace) -> tuple[list[dict], str]:
    """Return a row for every step, and the table as text."""
    torch.set_num_threads(options.threads)
    subject = benchmark_subject(options.labels).to(options.device)
    ranges = GeneratorOptions(shape=(options.size,) * 3, severities=tuple(mild_to_severe(options.samples)))
    machine = _measure_machine(ranges.shape, options)
    rows = [_row(step, machine, options) for step in _steps(subject, ranges)]
    times = {BATCH: 1, SAMPLE: options.samples, TWICE: 2 * options.samples, SOME: 0}
    always = sum(times[row["when"]] * row["ms"] for row in rows)
    seeds = iter(range(options.repeats + 1))
    whole = 1e3 * _seconds(lambda: generate(subject, ranges, next(seeds)), options)
    return rows, _table(rows, machine, always, whole)


def _measure_machine(shape: tuple[int, int, int], options: argparse.Namespace) -> Machine:
    source = torch.ones(COPY_BYTES // 4, device=options.device)
    target = torch.empty_like(source)
    voxels = shape[0] * shape[1] * shape[2]
    copying = _seconds(lambda: target.copy_(source), options)
    drawing = _seconds(lambda: normal_field(shape, SEED, options.device), options)
    return Machine(2 * COPY_BYTES / copying, voxels / drawing)


def _seconds(run: Callable[[], Any], options: argparse.Namespace) -> float:
    """Return the median time of a call after one that does not count."""
    on_gpu = options.device.startswith("cuda")
    found = []
    for _ in range(options.repeats + 1):
        start = time.perf_counter()
        run()
        if on_gpu:
            torch.cuda.synchronize()
        found.append(time.perf_counter() - start)
    return statistics.median(found[1:])


def _row(step: Step, machine: Machine, options: argparse.Namespace) -> dict:
    moved = sum(map(_bytes, step.reads)) + _bytes(step.run())
    floor = 1e3 * (moved / machine.bandwidth + step.normals / machine.normals)
    ms = 1e3 * _seconds(step.run, options)
    return {"step": step.name, "when": step.when, "ms": ms, "floor_ms": floor, "ratio": ms / floor}


def _bytes(result: Any) -> int:
    """Return the size of all tensors in a result; one that is expanded counts what it holds."""
    if isinstance(result, torch.Tensor):
        return min(result.numel() * result.element_size(), result.untyped_storage().nbytes())
    if isinstance(result, dict):
        return sum(map(_bytes, result.values()))
    return sum(map(_bytes, result)) if isinstance(result, tuple) else 0


def _table(rows: list[dict], machine: Machine, always: float, whole: float) -> str:
    lines = [f"copy {machine.bandwidth / 1e9:.1f} GB/s, normal values {machine.normals / 1e6:.0f} million/s"]
    lines.append(f"{'step':<34} {'once a':>9} {'ms':>9} {'floor':>8} {'ratio':>7}")
    for row in rows:
        lines.append(f"{row['step']:<34} {row['when']:>9} {row['ms']:9.2f} {row['floor_ms']:8.2f} {row['ratio']:7.1f}")
    lines.append(f"steps of every batch together {always:.0f} ms; a whole batch {whole:.0f} ms")
    return "\n".join(lines)


def _steps(subject, options: GeneratorOptions) -> Iterator[Step]:
    first = draw_batch(subject, options, SEED)[0]
    shape, deformation = options.shape, first.deformation
    place = (deformation, shape, subject.centre_voxel, options.spacing_mm, subject.device)
    positions = sampling_positions(*place)
    box = box_of(positions, subject.shape)
    rows = warp_nearest(subject.rows, positions)
    coded, images = warp_volumes(subject, positions, box)
    yield Step("positions", BATCH, partial(sampling_positions, *place))
    yield Step("box that they touch", BATCH, partial(box_of, positions, subject.shape), (positions,))
    yield Step("labels", BATCH, partial(warp_nearest, subject.rows, positions), (positions, _part(subject.rows, box)))
    control = control_positions(*place)
    yield from _target_steps(subject, rows, images, coded, control, positions, box, options, deformation)
    yield from _surrounding_steps(subject, rows)
    yield from _painting_steps(subject, rows, images)
    yield from _scanning_steps(subject, rows, options)


def _part(volume: torch.Tensor, box: tuple[slice, ...]) -> torch.Tensor:
    return volume[(..., *box)]


def _target_steps(
    subject, rows, images, coded, control, positions, box, options: GeneratorOptions, deformation
) -> Iterator[Step]:
    def targets(rows=None, coded=None, atlas_mm=None):
        part = replace(subject, atlas_mm=atlas_mm)
        kept = (options.shape, COMPACT_40, options.max_distance_mm)
        return partial(anatomy_targets, part, rows, coded, control, deformation, *kept)

    sources = tuple(_part(image, box) for image in subject.images.values())
    sources += (_part(subject.distance, box),)
    yield Step("images and distances", BATCH, partial(warp_volumes, subject, positions, box), (positions, *sources))
    yield Step("segmentation", BATCH, targets(rows), (rows,))
    yield Step("distances in mm", BATCH, targets(coded=coded), (coded,))
    yield Step("coordinates", BATCH, targets(atlas_mm=subject.atlas_mm), (control,))
    guide = partial(image_targets, subject, rows, {"T1": images["T1"]}, False)
    yield Step("white matter guide", BATCH, guide)
    yield Step("brain mask", BATCH, partial(is_brain, rows, subject.scheme), (rows,))


def _surrounding_steps(subject, rows) -> Iterator[Step]:
    scheme = subject.scheme
    modes = {"thin shell around the brain": (0.0, 1.0, 0.0), "brain alone": (0.0, 0.0, 1.0)}
    for name, modes_probability in modes.items():
        ranges = ExtracerebralRanges(*modes_probability, shell_mm=(7.0, 7.0), closing_mm=(3.0, 3.0))
        drawn = sample_extracerebral(_draws(), scheme, ranges)
        yield Step(name, SOME, partial(apply_extracerebral, rows, drawn, scheme), (rows,))
    ranges = ExtracerebralRanges(cluster_probability=1.0, split_probability=1.0)
    drawn = sample_extracerebral(_draws(), scheme, ranges)
    yield Step("clusters around the brain", SOME, partial(cluster_extracerebral, rows, drawn), (rows,))


def _painting_steps(subject, rows, images) -> Iterator[Step]:
    def drawn(kind: str):
        return replace(sample_contrast(_draws(), subject.scheme, ContrastRanges(kind=kind)), soften_voxels=0.0)

    random, preset = drawn("random"), drawn("t1")
    image = paint(rows, random)
    voxels = rows.numel()
    yield Step("Gaussian of every structure", SAMPLE, partial(paint, rows, random), (rows,), voxels)
    yield Step("the same with texture (presets)", SOME, partial(paint, rows, preset), (rows,), voxels)
    yield Step("partial volume", SAMPLE, partial(soften, image, 0.55), (image,))
    mixup = sample_mixup(_draws(), tuple(sorted(images)), MixupRanges(1.0))
    blended = tuple(images[name] for name in mixup.weights if name in images)
    yield Step("mix-up", SOME, partial(apply_mixup, image, images, mixup), (image, *blended))


def _scanning_steps(subject, rows, options: GeneratorOptions) -> Iterator[Step]:
    shape, spacing = options.shape, options.spacing_mm
    image = soften(paint(rows, sample_contrast(_draws(), subject.scheme, ContrastRanges(kind="random"))), 0.55)
    bias = sample_bias(_draws(), shape, LEVELS["severe"].bias, spacing)
    log_field = bias_log_field(bias, shape, subject.device)
    yield Step("gamma", SAMPLE, partial(apply_gamma, image, Gamma(1.1)), (image,))
    yield Step("bias field", SAMPLE, partial(bias_log_field, bias, shape, subject.device))
    yield Step("bias", SAMPLE, partial(apply_bias, image, log_field), (image, log_field))
    for name, ranges in (
        ("thick slices", ResolutionRanges(0.0, 1.0)),
        ("low field", ResolutionRanges(1.0, 0.0, 0.0)),
        ("2 to 5 mm", ResolutionRanges(1.0, 0.0, 1.0)),
    ):
        drawn = sample_resolution(_draws(), ranges)
        low = to_low_resolution(image, drawn, spacing)
        yield Step(f"{name}: blur and sample", SOME, partial(to_low_resolution, image, drawn, spacing), (image,))
        yield Step(f"{name}: back to 1 mm", SOME, partial(from_low_resolution, low, shape), (low,))
    for name, count, noise in (
        ("Gaussian noise", 1, Noise(10.0, False, False, SEED)),
        ("Rician noise, air kept at 0", 2, Noise(10.0, True, True, SEED)),
    ):
        when = SAMPLE if count == 1 else SOME
        yield Step(name, when, partial(apply_noise, image, noise), (image,), count * image.numel())
    yield Step("scale", TWICE, partial(scale_robustly, image), (image,))
    yield from _artefact_steps(subject, rows, image, spacing)


def _artefact_steps(subject, rows, image, spacing: float) -> Iterator[Step]:
    head, brain = rows > 0, is_brain(rows, subject.scheme)
    haze = sample_background(_draws(), BackgroundRanges(1.0, (1.0, 1.0)))
    yield Step("haze", SOME, partial(apply_background, image, haze, head), (image, head), image.numel())
    ghosts = ghosting.sample_ghosting(_draws(), ghosting.GhostingRanges(1.0, (1.0, 1.0)))
    yield Step("ghosts", SOME, partial(ghosting.apply_ghosting, image, ghosts), (image,))
    ringing = gibbs.Gibbs(1.0, (0, 1, 2))
    yield Step("ringing along every axis", SOME, partial(gibbs.apply_gibbs, image, ringing), (image,))
    sparks = spikes.sample_spikes(_draws(), spikes.SpikesRanges(1.0, (1.0, 1.0)))
    yield Step("spikes", SOME, partial(spikes.apply_spikes, image, sparks), (image,))
    view = field_of_view.sample_field_of_view(_draws(), field_of_view.FieldOfViewRanges(1.0, (1.0, 1.0)))
    yield Step("field of view", SOME, partial(field_of_view.apply_field_of_view, image, view), (image,))
    for kind in ("plane", "blur"):
        face = defacing.Defacing(kind, 30.0, 8.0, 10.0)
        removed = partial(defacing.apply_defacing, image, face, brain, spacing)
        yield Step(f"defacing, {kind}", SOME, removed, (image, brain))


def _draws() -> Draws:
    return Draws.from_seed(SEED)
