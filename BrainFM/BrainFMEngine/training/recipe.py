"""A recipe: everything that decides what a training run learns, as plain values that JSON holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from BrainFMEngine.anatomy.protocols import find_protocol
from BrainFMEngine.errors import FileAccessError, ModelFileError, UsageError, nearest_name
from BrainFMEngine.generator.parameters import GeneratorOptions
from BrainFMEngine.generator.record import from_record, to_record
from BrainFMEngine.network.config import NetworkConfig
from BrainFMEngine.training.recipe_options import (
    DataOptions,
    NetworkOptions,
    ObjectiveOptions,
    OptimizerOptions,
    SavingOptions,
    ScheduleOptions,
    StartOptions,
    ValidationOptions,
)
from BrainFMEngine.training.terms import SEGMENTATION_HEADS, TERMS

FORMAT_VERSION = 1
MAX_BYTES = 1 << 20
MAX_SEED = 1 << 63
LEAST_EDGE = 16
"""Voxels of a sample along each axis; with fewer, PyTorch's backward pass on a CPU can end the process."""
DISTANCE_MAPS = {"both": 4, "left": 2}
CORRUPTION_CHANGES = "generator.corruption_changes"
OPEN_TABLES = (
    "network.heads",
    "objective.weights",
    "objective.air_weights",
    "optimizer.head_rates",
    "start.head_gains",
    CORRUPTION_CHANGES,
)
"""Tables whose entries are not fields of a class."""


@dataclass(frozen=True)
class Recipe:
    """What a run learns, and how.

    Attributes:
        name: of the recipe, see `recipes`.
        preset: "paper", "compact", "quick", or what the user calls it.
        network, generator, data, objective, optimizer, schedule, validation, saving, start: see their classes.
        seed: of weights and samples.
        steps: optimizer steps of the whole run.
        samples: of one subject, back-propagated at once (BrainFM §3.2.1).
        accumulation: subjects that share an optimizer step.
        precision: of the forward pass.
        checkpointing: recompute maps in the backward pass instead of keeping them.
        ema_decay: of the averaged weights; None keeps no average.

    Raises:
        UsageError: the parts contradict each other.
    """

    name: str
    preset: str
    network: NetworkOptions
    objective: ObjectiveOptions
    generator: GeneratorOptions = field(default_factory=GeneratorOptions)
    data: DataOptions = DataOptions()
    optimizer: OptimizerOptions = OptimizerOptions()
    schedule: ScheduleOptions = ScheduleOptions()
    seed: int = 1
    steps: int = 1000
    samples: int = 4
    accumulation: int = 1
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    checkpointing: bool = False
    ema_decay: float | None = None
    validation: ValidationOptions = ValidationOptions()
    saving: SavingOptions = SavingOptions()
    start: StartOptions = StartOptions()

    def __post_init__(self):
        for message, hint in _contradictions(self):
            raise UsageError(message, hint)

    @property
    def protocol(self) -> str | None:
        """Label protocol of the segmentation, None without one."""
        return self.generator.protocol if set(SEGMENTATION_HEADS) & set(self.network.heads) else None

    @property
    def needs_ages(self) -> bool:
        """Whether subjects without an age are of no use."""
        return "age" in self.objective.weights


def recipe_to_json(recipe: Recipe) -> str:
    """Return the recipe as JSON text."""
    return json.dumps({"format_version": FORMAT_VERSION, **to_record(recipe)}, indent=2) + "\n"


def recipe_from_json(path: Path | str) -> Recipe:
    """Read a recipe file.

    Raises:
        FileAccessError: it cannot be read.
        UsageError: it is not a recipe; an unknown key is named with the nearest known one.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        hint = "Give the name of a recipe, or the path of a recipe file."
        raise FileAccessError(f"cannot read {path}: {error.strerror or error}", hint) from error
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path.name} is too large for a recipe")
    try:
        return recipe_from_text(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.name} is no text in UTF-8") from error
    except UsageError as error:
        raise UsageError(f"{path.name}: {error.message}", error.hint) from error


def recipe_from_text(text: str) -> Recipe:
    """Read a recipe from JSON text; UsageError as for `recipe_from_json`."""
    try:
        record = json.loads(text, parse_constant=_refuse)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UsageError(f"this is not JSON: {error}") from error
    if not isinstance(record, dict):
        raise UsageError("a recipe is a table of values")
    version = record.pop("format_version", FORMAT_VERSION)
    if version != FORMAT_VERSION:
        raise UsageError(f"the recipe has format {version!r}, known is {FORMAT_VERSION}", "Update BrainFM.")
    return from_record(Recipe, record)


def recipe_hash(recipe: Recipe) -> str:
    """Return the SHA-256 of everything the recipe says, lower-case hexadecimal."""
    text = json.dumps(to_record(recipe), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def with_values(recipe: Recipe, values: Mapping[str, Any]) -> Recipe:
    """Change single values.

    Args:
        recipe: stays as it is.
        values: dotted path -> plain JSON value, for example {"optimizer.learning_rate": 1e-3}. None takes an entry out
            of one of `OPEN_TABLES`.

    Raises:
        UsageError: a path leads nowhere (the nearest known name is given), or the value is not possible.
    """
    record = to_record(recipe)
    for path, value in values.items():
        _put(record, path, value)
    return from_record(Recipe, record)


def differences(before: Recipe, after: Recipe) -> list[str]:
    """Return "path: old → new" for every value in which two recipes differ."""
    old, new = (dict(_leaves(to_record(recipe))) for recipe in (before, after))
    paths = [path for path in {**old, **new} if old.get(path) != new.get(path)]
    return [f"{path}: {old.get(path)} → {new.get(path)}" for path in paths]


def adopt_backbone(recipe: Recipe, config: NetworkConfig) -> Recipe:
    """Give the recipe the backbone of a model that it is to begin with; heads stay the recipe's."""
    network = replace(
        recipe.network, f_maps=config.f_maps, num_levels=config.num_levels, unit_features=config.unit_features
    )
    return replace(recipe, network=network)


def _put(record: dict[str, Any], path: str, value: Any) -> None:
    """Put a value where a path leads; below open tables what is missing on the way is made, and what is empty goes."""
    *parents, last = path.split(".")
    is_entry = path.startswith(tuple(f"{table}." for table in OPEN_TABLES))
    tables = [record]
    for depth, name in enumerate(parents):
        if is_entry and depth > 1 and name not in tables[-1]:
            tables[-1][name] = {}
        if not isinstance(tables[-1].get(name), dict):
            raise UsageError(f"there is no part {name!r} in a recipe ({path})", nearest_name(name, tables[-1]))
        tables.append(tables[-1][name])
    tables[-1][last] = value
    for depth, name in reversed(list(enumerate((*parents, last)))):
        if is_entry and value is None and depth > 1 and tables[depth][name] in (None, {}):
            del tables[depth][name]


def _leaves(record: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(record, dict):
        yield path, record
        return
    for key, value in record.items():
        yield from _leaves(value, f"{path}.{key}" if path else key)


def _refuse(word: str) -> float:
    raise UsageError(f"{word} is no number for a recipe")


def _contradictions(recipe: Recipe) -> Iterator[tuple[str, str]]:
    """Yield (sentence, hint) for everything that cannot be."""
    for name in ("steps", "samples", "accumulation"):
        if getattr(recipe, name) < 1:
            yield f"{name!r} is {getattr(recipe, name)}", "Give 1 or more."
    if not 0 <= recipe.seed < MAX_SEED:
        yield f"'seed' is {recipe.seed}", "Give a whole number from 0 to below 2^63."
    if recipe.ema_decay is not None and not 0 <= recipe.ema_decay < 1:
        yield f"'ema_decay' is {recipe.ema_decay:g}", "Give a number from 0 to below 1, or null for no average."
    yield from _head_contradictions(recipe)
    yield from _sample_contradictions(recipe)


def _head_contradictions(recipe: Recipe) -> Iterator[tuple[str, str]]:
    outputs, weights = recipe.network.outputs, recipe.objective.weights
    trained = set()
    for name, weight in weights.items():
        heads = TERMS[name].heads if name in TERMS else ()
        trained |= set(heads if weight else ())
        if heads and not set(heads) & set(outputs):
            yield f"the objective has {name!r}, but the network no head for it", f"Heads: {', '.join(outputs)}."
    if recipe.objective.sparse and "age" in weights:
        yield "an age cannot be learnt from a part of the voxels", "Set objective.sparse to false."
    for head in outputs:
        if head not in trained:
            yield f"no term of the objective trains the head {head!r}", "Its output would stay random."
    for head in recipe.optimizer.head_rates:
        if head not in outputs:
            yield f"there is a learning rate for {head!r}, but no such head", nearest_name(head, outputs)
    if len(set(SEGMENTATION_HEADS) & set(outputs)) > 1:
        yield "the network has two heads for the segmentation", "Keep 'segmentation' or 'seg'."
    maps = DISTANCE_MAPS[recipe.data.hemisphere]
    if recipe.network.heads.get("distance", maps) != maps:
        yield f"the head 'distance' must have {maps} channels", f"data.hemisphere is {recipe.data.hemisphere!r}."


def _sample_contradictions(recipe: Recipe) -> Iterator[tuple[str, str]]:
    try:
        classes = len(find_protocol(recipe.generator.protocol).ids)
    except ModelFileError as error:
        yield error.message, error.hint
        return
    for head in SEGMENTATION_HEADS:
        if recipe.network.heads.get(head, classes) != classes:
            protocol = recipe.generator.protocol
            yield f"the head {head!r} has {recipe.network.heads[head]} channels", f"{protocol} has {classes} classes."
    if not 0 < recipe.generator.spacing_mm < float("inf"):
        yield f"'generator.spacing_mm' is {recipe.generator.spacing_mm:g}", "Give a length above 0."
    shape, least = recipe.generator.shape, max(LEAST_EDGE, recipe.network.config().size_multiple)
    if min(shape) < least:
        yield f"samples of {shape} voxels are too small for the network", f"Give {least} or more along each axis."
    if recipe.network.age_size not in (None, shape):
        yield "network.age_size must be generator.shape", "The age head reads samples of one size."
    given = len(recipe.generator.severities)
    if recipe.data.severities is None and given != recipe.samples:
        yield f"there are {given} severities for {recipe.samples} samples", "Give one each, or data.severities."
    if "contrastive" in recipe.objective.weights and recipe.samples < 2:
        yield "a contrastive objective needs two samples of a subject", "Set samples to 2 or more."
