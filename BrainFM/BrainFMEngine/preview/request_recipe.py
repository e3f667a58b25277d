"""The recipe that a request amounts to: what the preview draws from is what training will read from a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.severity import parse_severity, severities_of
from BrainFMEngine.image.volume import Shape3D
from BrainFMEngine.preview.request import (
    DEFAULT_PRESET,
    DEFAULT_RECIPE,
    DEFAULT_SAMPLES,
    DEFAULT_SIZE,
    FULL,
    PreviewRequest,
    severity_of,
)
from BrainFMEngine.training.recipe import Recipe, with_values
from BrainFMEngine.training.recipes import find_recipe

CORRUPTION = "corruption"


def request_recipe(request: PreviewRequest, subject_shape: Shape3D | None) -> Recipe:
    """Return the request's recipe with everything that the request changes.

    Args:
        request: see its attributes.
        subject_shape: voxels of the anatomy, for a request of the whole head.

    Raises:
        UsageError: an unknown recipe or option, an impossible value, or a contradiction.
        FileAccessError: the recipe file cannot be read.
    """
    recipe = find_recipe(request.recipe or DEFAULT_RECIPE, request.preset or DEFAULT_PRESET)
    values = _option_values(recipe, request.options)
    severities = _severities(request)
    if severities is not None:
        values |= {"samples": len(severities), "generator.severities": list(severities), "data.severities": None}
    shape = _shape(request, subject_shape)
    if shape is not None:
        values["generator.shape"] = list(shape)
        if recipe.network.age_size is not None:
            values["network.age_size"] = list(shape)
    if request.contrast is not None:
        values["generator.contrast.kind"] = request.contrast
    if request.seed is not None:
        values["seed"] = request.seed
    return with_values(recipe, values) if values else recipe


def _severities(request: PreviewRequest) -> tuple[float, ...] | None:
    """Return one a sample; None where the recipe says it."""
    if request.severities is not None:
        return tuple(parse_severity(severity) for severity in request.severities)
    if request.recipe is not None and request.severity is None and request.samples is None:
        return None
    return severities_of(severity_of(request), request.samples or DEFAULT_SAMPLES)


def _shape(request: PreviewRequest, subject_shape: Shape3D | None) -> Shape3D | None:
    if request.shape == FULL:
        if subject_shape is None:
            raise UsageError("the whole head of no subject is asked for", "Give anatomy or subject.")
        return subject_shape
    if isinstance(request.shape, tuple):
        return request.shape
    size = request.shape if isinstance(request.shape, int) else None
    size = DEFAULT_SIZE if size is None and request.recipe is None else size
    return None if size is None else (size, size, size)


def _option_values(recipe: Recipe, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return path in the recipe -> value; those of the corruption become changes that hold at every severity."""
    values: dict[str, Any] = {}
    changes: dict[str, Any] = _copied(recipe.generator.corruption_changes)
    for path, value in options.items():
        part, dot, rest = path.partition(".")
        if part == CORRUPTION and dot:
            _put(changes, rest.split("."), value)
        else:
            values[f"generator.{path}"] = value
    if changes:
        values["generator.corruption_changes"] = changes
    return values


def _put(table: dict[str, Any], names: list[str], value: Any) -> None:
    for name in names[:-1]:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise UsageError(f"there is nothing below {name!r} in the corruption")
    table[names[-1]] = value


def _copied(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _copied(value) if isinstance(value, Mapping) else value for name, value in table.items()}
