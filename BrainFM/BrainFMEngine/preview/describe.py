"""Everything that a panel needs to offer the generator: ranges, groups, contrasts, targets, in plain JSON values."""

from __future__ import annotations

import types
import typing
from dataclasses import asdict, is_dataclass
from typing import Any

from BrainFMEngine.anatomy.protocols import PROTOCOLS
from BrainFMEngine.anatomy.sample_head import SAMPLE_HEAD, SAMPLE_HEAD_CREDIT, SAMPLE_HEAD_TITLE
from BrainFMEngine.generator.contrast import KINDS
from BrainFMEngine.generator.corruption_ranges import CorruptionRanges
from BrainFMEngine.generator.parameters import GeneratorOptions
from BrainFMEngine.generator.severity import LEVELS, MILD_TO_SEVERE, severity_value
from BrainFMEngine.generator.target_table import TARGETS, Target
from BrainFMEngine.generator.wording import CONTRAST_TITLES, GROUPS, Wording, wordings
from BrainFMEngine.preview.request import (
    DEFAULT_SAMPLES,
    DEFAULT_SIZE,
    FULL,
    LARGEST_SIZE,
    MOST_SAMPLES,
    SMALLEST_SIZE,
)
from BrainFMEngine.training.recipe import Recipe
from BrainFMEngine.training.recipes import RECIPES

CORRUPTION = "corruption"
CLEAN = "clean"
SUMS = (
    ("extracerebral.keep_probability", "extracerebral.thin_probability", "extracerebral.remove_probability"),
    ("contrast.background_zero_probability", "contrast.background_bright_probability"),
    ("contrast.class_probability", "contrast.tissue_probability"),
    ("corruption.resolution.low_field_probability", "corruption.resolution.anisotropic_probability"),
)
"""Probabilities that add up to 1 at most; those of the first row to exactly 1."""
TYPES = {float: "number", int: "integer", bool: "boolean", str: "choice"}


def describe(recipe: Recipe) -> dict[str, Any]:
    """Return what can be asked for, with the defaults of a recipe."""
    levels = {CLEAN: 0.0} | {name: severity_value(name) for name in LEVELS}
    return {
        "recipe": recipe.name,
        "preset": recipe.preset,
        "recipes": list(RECIPES),
        "groups": [{"name": name, "title": title} for name, title in GROUPS.items()],
        "options": [_option(row, recipe.generator, levels) for row in wordings() if row.is_option],
        "sums": [{"paths": list(paths), "sum": 1.0, "exactly": index == 0} for index, paths in enumerate(SUMS)],
        "severities": [{"name": name, "title": name.capitalize(), "value": value} for name, value in levels.items()],
        "spread": MILD_TO_SEVERE,
        "contrasts": [{"name": kind, "title": CONTRAST_TITLES[kind]} for kind in KINDS],
        "contrast": recipe.generator.contrast.kind,
        "targets": [_target(row) for row in TARGETS],
        "samples": {"default": DEFAULT_SAMPLES, "minimum": 1, "maximum": MOST_SAMPLES},
        "shape": {
            "default": DEFAULT_SIZE,
            "minimum": SMALLEST_SIZE,
            "maximum": LARGEST_SIZE,
            "whole_head": FULL,
            "recipe": list(recipe.generator.shape),
        },
        "anatomies": [{"title": SAMPLE_HEAD_TITLE, "credit": SAMPLE_HEAD_CREDIT, "path": str(SAMPLE_HEAD)}],
    }


def _option(row: Wording, options: GeneratorOptions, levels: dict[str, float]) -> dict[str, Any]:
    hint = _hint(row.path)
    defaults = {name: _default(row.path, options, severity) for name, severity in levels.items()}
    return {
        "path": row.path,
        "group": row.group,
        "title": row.title,
        "help": row.help,
        "unit": row.unit,
        "type": option_type(hint),
        "minimum": row.low,
        "maximum": row.high,
        "choices": _choices(row.path, hint),
        "defaults": defaults,
        "follows_severity": len({str(value) for value in defaults.values()}) > 1,
    }


def _target(row: Target) -> dict[str, Any]:
    """Return a row without what only concerns the writing of files."""
    return {name: value for name, value in asdict(row).items() if name != "factor"}


def option_type(hint: Any) -> str:
    """Return "number", "integer", "boolean", "choice", or "range", "integer range" and "triple" of several numbers."""
    if typing.get_origin(hint) is typing.Literal:
        return TYPES[str]
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        kind = "triple" if len(arguments) == 3 else "range"
        return f"integer {kind}" if arguments[0] is int else kind
    return TYPES[hint]


def _hint(path: str) -> Any:
    """Return the type of an option; that of the corruption's as if it were always there."""
    kind: Any = GeneratorOptions
    for name in path.split("."):
        kind = typing.get_type_hints(kind)[name]
        if typing.get_origin(kind) in (typing.Union, types.UnionType):
            kind = next(argument for argument in typing.get_args(kind) if is_dataclass(argument))
    return kind


def _default(path: str, options: GeneratorOptions, severity: float) -> Any:
    part, _, rest = path.partition(".")
    value: Any = options
    if part == CORRUPTION:
        ranges: CorruptionRanges = options.corruption_at(severity)
        value, path = ranges, rest
    for name in path.split("."):
        value = getattr(value, name)
    return list(value) if isinstance(value, tuple) else value


def _choices(path: str, hint: Any) -> list[str]:
    if typing.get_origin(hint) is typing.Literal:
        return list(typing.get_args(hint))
    return list(PROTOCOLS) if path == "protocol" else []
