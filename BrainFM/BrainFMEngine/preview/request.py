"""What a preview is asked for: one JSON object, every key checked before any work begins."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from BrainFMEngine.errors import UsageError, nearest_name
from BrainFMEngine.generator.record import from_record
from BrainFMEngine.generator.severity import MILD_TO_SEVERE
from BrainFMEngine.generator.target_table import TARGETS
from BrainFMEngine.generator.tissues import CONTRASTS

DEFAULT_RECIPE, DEFAULT_PRESET = "brainfm", "compact"
DEFAULT_SAMPLES, MOST_SAMPLES = 4, 64
DEFAULT_SIZE, SMALLEST_SIZE, LARGEST_SIZE = 112, 16, 512
FULL = "full"


@dataclass(frozen=True)
class DatasetSubject:
    """A subject of a folder that `brainfm prepare` made; without a name, the one that training takes at the step."""

    dataset: str
    name: str | None = None


@dataclass(frozen=True)
class PreviewRequest:
    """What to do. What a request does not say, its recipe says.

    Attributes:
        request: name or number that every answer repeats.
        anatomy: label map; the bundled sample head if neither it nor a subject is given.
        subject: of a data set, instead.
        images: contrast -> scan of the same head, aligned with the label map.
        coordinates: image of atlas coordinates; registered when they are asked for otherwise.
        map_labels: CSV file id,known_id for labels that are not known.
        recipe, preset: name of a recipe, or a recipe file.
        severity: "mild-to-severe", a level or 0..1 for all `samples`; or `severities`, one for each.
        contrast: kind of painted samples.
        seed, step: mini-batch number `step` of a run with this seed, counted from 0.
        shape: voxels along each axis, or "full" for the whole head.
        centre: RAS mm of the label map that samples are centred on; the brain's centroid otherwise.
        options: dotted path in the generator's options -> plain value.
        targets: what is written beside the images, see `target_table`.
        folder: where the files of a preview go.
        save_recipe: write the recipe there, instead of making samples.
        export: write the samples there as `brainfm generate` does, instead.
        overwrite: whether `save_recipe` and `export` may replace files.
    """

    request: str | int
    anatomy: str | None = None
    subject: DatasetSubject | None = None
    images: dict[str, str] = field(default_factory=dict)
    coordinates: str | None = None
    map_labels: str | None = None
    recipe: str | None = None
    preset: str | None = None
    severity: float | str | None = None
    severities: list[float | str] | None = None
    samples: int | None = None
    contrast: str | None = None
    seed: int | None = None
    step: int = 0
    shape: int | tuple[int, int, int] | str | None = None
    centre: tuple[float, float, float] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    folder: str | None = None
    save_recipe: str | None = None
    export: str | None = None
    overwrite: bool = False

    @property
    def kind(self) -> Literal["preview", "export", "recipe"]:
        """What is wanted."""
        if self.save_recipe is not None:
            return "recipe"
        return "preview" if self.export is None else "export"


def parse_request(record: Any) -> PreviewRequest:
    """Read a request; UsageError for everything that cannot be, with the nearest known name where one is wrong."""
    if not isinstance(record, dict):
        raise UsageError("a request is a JSON object", 'For example {"request": 1, "folder": "previews"}.')
    request = from_record(PreviewRequest, record)
    for message, hint in _contradictions(request):
        raise UsageError(message, hint)
    return request


def _contradictions(request: PreviewRequest) -> Iterator[tuple[str, str]]:
    if request.save_recipe is not None and request.export is not None:
        yield "a request cannot save a recipe and export samples at once", "Send two requests."
    if not (request.folder or request.save_recipe or request.export):
        yield "the request names no folder", "Give folder for a preview, or export, or save_recipe."
    if request.subject is not None:
        for name in ("anatomy", "images", "coordinates", "map_labels"):
            if getattr(request, name):
                yield f"{name!r} does not go with a subject of a data set", "Leave one of them out."
    for name in request.images:
        if name not in CONTRASTS:
            yield f"there is no contrast {name!r}", nearest_name(name, CONTRASTS)
    for name in request.targets:
        known = [row.name for row in TARGETS]
        if name not in known:
            yield f"there is no target {name!r}", nearest_name(name, known)
    if request.step < 0:
        yield f"'step' is {request.step}", "Steps are counted from 0."
    if request.centre is not None and not all(map(math.isfinite, request.centre)):
        yield "'centre' is not three numbers", "Give x, y and z in mm."
    yield from _sample_contradictions(request)


def _sample_contradictions(request: PreviewRequest) -> Iterator[tuple[str, str]]:
    if request.severities is not None:
        if request.severity is not None:
            yield "both 'severity' and 'severities' are given", "Leave one of them out."
        if request.samples not in (None, len(request.severities)):
            yield f"there are {len(request.severities)} severities for {request.samples} samples", "Give one each."
    count = request.samples if request.severities is None else len(request.severities)
    if count is not None and not 1 <= count <= MOST_SAMPLES:
        yield f"a preview cannot have {count} samples", f"Give 1 to {MOST_SAMPLES}."
    shape = request.shape
    if isinstance(shape, str) and shape != FULL:
        yield f"{shape!r} is no shape", f"Give a number of voxels, three of them, or {FULL!r}."
    sizes = (shape,) if isinstance(shape, int) else shape if isinstance(shape, tuple) else ()
    if not all(SMALLEST_SIZE <= size <= LARGEST_SIZE for size in sizes):
        yield f"samples of {shape} voxels are not possible", f"Give {SMALLEST_SIZE} to {LARGEST_SIZE} along each axis."


def severity_of(request: PreviewRequest) -> float | str:
    """Return the severity of all samples of a request that does not list them."""
    return MILD_TO_SEVERE if request.severity is None else request.severity
