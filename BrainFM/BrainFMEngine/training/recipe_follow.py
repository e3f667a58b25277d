"""What has to change with a value of a recipe so that the rest still fits: the schedule with the steps, and so on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from BrainFMEngine.anatomy.protocols import find_protocol
from BrainFMEngine.generator.severity import mild_to_severe
from BrainFMEngine.models.store import resolve_model
from BrainFMEngine.network.info import read_info
from BrainFMEngine.training.recipe import Recipe
from BrainFMEngine.training.run_folder import STATE_NAME
from BrainFMEngine.training.terms import SEGMENTATION_HEADS

RUN_MODEL = "model"
"""Folder of a run's own model."""


def follow(recipe: Recipe, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes with those that they entail; what is changed on purpose stays as it is.

    * `steps`: warm-up, drops and fall of the schedule keep their share of the training.
    * `samples`: without a range of severities, one severity each from mild to severe.
    * `generator.shape`: the age output reads samples of this size.
    * `generator.protocol`: the segmentation has its classes.
    * `start.model`: the network gets the model's backbone; the folder of a run stands for the model in it. None, for
      random weights: the recipe does not need a model any more.

    Args:
        recipe: what is changed.
        changes: dotted path -> plain JSON value, as `with_values` takes them.

    Raises:
        ModelFileError: there is no such model, or it is damaged.
    """
    given = dict(changes)
    for path, entailed in (
        ("steps", _with_steps),
        ("samples", _with_samples),
        ("generator.shape", _with_shape),
        ("generator.protocol", _with_protocol),
        ("start.model", _with_model),
    ):
        if path in changes:
            given = {**dict(entailed(recipe, changes)), **given}
    if isinstance(given.get("start.model"), str):
        given["start.model"] = _model_of_run(given["start.model"])
    return given


def _with_steps(recipe: Recipe, changes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    steps, schedule = changes["steps"], recipe.schedule
    if not isinstance(steps, int) or steps < 1:
        return
    scaled = lambda count: round(count * steps / recipe.steps)  # noqa: E731
    yield "schedule.warm_up_steps", scaled(schedule.warm_up_steps)
    yield "schedule.decay_steps", scaled(schedule.decay_steps)
    yield "schedule.drops", [scaled(drop) for drop in schedule.drops]


def _with_samples(recipe: Recipe, changes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    count, severities = changes["samples"], changes.get("data.severities", recipe.data.severities)
    if severities is None and isinstance(count, int) and count > 0:
        yield "generator.severities", list(mild_to_severe(count))


def _with_shape(recipe: Recipe, changes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if recipe.network.age_size is not None:
        yield "network.age_size", changes["generator.shape"]


def _with_protocol(recipe: Recipe, changes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    name = changes["generator.protocol"]
    for head in set(SEGMENTATION_HEADS) & set(recipe.network.heads):
        if isinstance(name, str):
            yield f"network.heads.{head}", len(find_protocol(name).ids)


def _with_model(recipe: Recipe, changes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    model, part = changes["start.model"], changes.get("start.part", recipe.start.part)
    if model is None:
        yield "start.required", False
        return
    if not isinstance(model, str):
        return
    config = read_info(resolve_model(_model_of_run(model))).network
    if part == "deep-levels":
        return
    yield "network.f_maps", config.f_maps
    yield "network.num_levels", config.num_levels
    yield "network.unit_features", config.unit_features
    if part == "all" and not recipe.network.contrast_heads:
        yield "network.hidden_maps", list(config.hidden_maps)
    if not config.unit_features and recipe.network.unit_features:  # rates and gains are for features of length 1
        yield "optimizer.head_rates", {}
        yield "start.head_gains", {}


def _model_of_run(text: str) -> str:
    """Return the model of a run where its folder is named, else what is named."""
    folder = Path(text).expanduser()
    return str(folder / RUN_MODEL) if (folder / STATE_NAME).is_file() else text
