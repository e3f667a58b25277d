"""Every value of a recipe with what people have to know of it: title, unit, kind, limits, choices, explanation.

The words are in `recipe_fields.csv`; those of the generator's ranges in `generator/wording.csv`.
"""

from __future__ import annotations

import csv
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from BrainFMEngine.anatomy.protocols import PROTOCOLS
from BrainFMEngine.generator.contrast import KINDS
from BrainFMEngine.generator.record import to_record
from BrainFMEngine.generator.wording import GROUPS, wordings
from BrainFMEngine.training.recipe import OPEN_TABLES, Recipe
from BrainFMEngine.training.recipe_options import DENSE_HEADS
from BrainFMEngine.training.terms import BATCH_TERMS, TERMS

KINDS_OF_VALUES = {float: "number", int: "integer", bool: "boolean", str: "text"}
ANY = "any"
"""Length of a list that may have any number of values."""
HEADS = "network.heads"
FIXED, CHANGES = "generator.corruption", "generator.corruption_changes"
SECTIONS = {
    "": "Training",
    "network": "Network",
    "objective": "Objective",
    "data": "Subjects",
    "optimizer": "Optimizer",
    "schedule": "Course of the learning rate",
    "validation": "Validation",
    "saving": "Checkpoints",
    "start": "Start",
    **{f"generator.{name}": f"Samples: {title[0].lower()}{title[1:]}" for name, title in GROUPS.items()},
}
"""Name -> title, in the order in which people are shown them."""
GENERATOR_SECTIONS = {"contrast.kind": "contrast", "corruption": "noise"}
"""Section of what `generator/wording.csv` does not have; "grid" for all others."""
OTHERWISE = {
    "validation.patience": "never",
    "optimizer.clip_norm": "never",
    "ema_decay": "no average",
    "saving.keep_every": "none is kept",
    "start.model": "random weights",
    "data.real_probability": "all alike",
    "data.severities": "those of the samples",
    "generator.noise_device": "where it is computed",
    "generator.corruption": "follows the severity",
}
"""What holds where a value is none, in words."""


@dataclass(frozen=True)
class FieldKind:
    """What a value of a recipe may be.

    Attributes:
        kind: "number", "integer", "boolean", "text", "choice" or "table" (any JSON table).
        length: None for one value; how many values a list has; `ANY`.
        optional: whether it may be none.
        choices: all values of a choice; a few of a text where they are known.
    """

    kind: str
    length: int | str | None = None
    optional: bool = False
    choices: tuple[str, ...] = ()


def describe_recipe(recipe: Recipe) -> dict[str, Any]:
    """Return sections and fields of a recipe in plain JSON values.

    Each field has "path" (as `--set` takes it), "section", "table" (title of the table that it is an entry of, or ""),
    "title", "unit", "help", "kind", "length", "optional", "choices", "minimum" and "maximum" (what makes sense; more
    may be possible), "value", and "otherwise": for a value that is none, what holds instead, in words.
    """
    record = to_record(recipe)
    listed = [_field(path, kind, record, recipe) for path, kind in _all_fields(recipe)]
    order = list(SECTIONS)
    return {
        "sections": [{"name": name, "title": title} for name, title in SECTIONS.items()],
        "fields": sorted(listed, key=lambda field: order.index(field["section"])),
    }


def field_paths() -> list[str]:
    """Return the paths of all typed fields, tables such as the weights of the terms as one."""
    return [path for path, _kind in _typed_fields(Recipe, "")]


def _all_fields(recipe: Recipe) -> Iterator[tuple[str, FieldKind]]:
    """Yield path and kind; entries of tables one by one."""
    for path, kind in _typed_fields(Recipe, ""):
        if path.startswith(f"{FIXED}."):
            yield f"{CHANGES}{path.removeprefix(FIXED)}", FieldKind(kind.kind, kind.length, True, kind.choices)
        elif path in OPEN_TABLES and path != CHANGES:
            for key in _keys(path, recipe):
                yield f"{path}.{key}", kind
        elif path != CHANGES:
            yield path, kind


@cache
def _typed_fields(kind: type, path: str) -> tuple[tuple[str, FieldKind], ...]:
    found: list[tuple[str, FieldKind]] = []
    hints = typing.get_type_hints(kind)
    for field in fields(kind):
        where, hint = f"{path}.{field.name}" if path else field.name, hints[field.name]
        optional = typing.get_origin(hint) in (typing.Union, types.UnionType)
        if optional:
            hint = next(argument for argument in typing.get_args(hint) if argument is not type(None))
        if is_dataclass(hint):
            if optional:
                found.append((where, FieldKind("table", optional=True)))
            found += _typed_fields(typing.cast(type, hint), where)
        else:
            found.append((where, _kind(where, hint, optional)))
    return tuple(found)


def _kind(path: str, hint: Any, optional: bool) -> FieldKind:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    known = {"generator.protocol": tuple(PROTOCOLS), "generator.contrast.kind": KINDS}.get(path)
    if known is not None:
        return FieldKind("choice", None, optional, tuple(known))
    if origin is typing.Literal:
        return FieldKind("choice", None, optional, arguments)
    if origin is tuple:
        length = ANY if arguments[-1] is Ellipsis else len(arguments)
        names = DENSE_HEADS if arguments[0] is str else ()
        return FieldKind(KINDS_OF_VALUES[arguments[0]], length, optional, tuple(names))
    if origin is dict:
        kind = KINDS_OF_VALUES.get(arguments[1])
        return FieldKind(kind, None, True) if kind else FieldKind("table", None, optional)
    return FieldKind(KINDS_OF_VALUES[hint], None, optional)


def _keys(path: str, recipe: Recipe) -> list[str]:
    """Return the entries that a table has or could have."""
    outputs = recipe.network.outputs
    known: dict[str, tuple[str, ...]] = {
        HEADS: DENSE_HEADS,
        "objective.weights": (
            *(name for name, term in TERMS.items() if not term.heads or set(term.heads) & set(outputs)),
            *BATCH_TERMS,
        ),
    }
    table: Any = recipe
    for name in path.split("."):
        table = getattr(table, name)
    return list(dict.fromkeys((*table, *known.get(path, (name for name in outputs if name != "age")))))


def _field(path: str, kind: FieldKind, record: dict[str, Any], recipe: Recipe) -> dict[str, Any]:
    parent, _, entry = path.rpartition(".")
    is_entry = parent in OPEN_TABLES
    table = _words()[parent] if is_entry else {}
    words = _words().get(path, table)
    title = _words().get(f"{HEADS}.{entry}", {"title": entry})["title"] if words is table else words["title"]
    value = _value(path, record)
    return {
        "path": path,
        "section": words["section"],
        "table": table.get("title", ""),
        "title": title,
        "unit": words["unit"],
        "help": words["help"],
        "kind": kind.kind,
        "length": kind.length,
        "optional": kind.optional,
        "choices": list(kind.choices),
        "minimum": words["low"],
        "maximum": words["high"],
        "value": value,
        "otherwise": _otherwise(path, record) if value is None else "",
    }


def _value(path: str, record: dict[str, Any]) -> Any:
    """Return what a record has at a path, None where a part of it is missing."""
    value: Any = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _otherwise(path: str, record: dict[str, Any]) -> str:
    """Return what holds where a value is none."""
    if path.startswith(f"{CHANGES}."):
        fixed = _value(f"{FIXED}{path.removeprefix(CHANGES)}", record)
        return "follows the severity" if fixed is None else _text(fixed)
    parent = path.rpartition(".")[0]
    return OTHERWISE.get(path) or {
        HEADS: "no such output",
        "objective.weights": "not computed",
        "objective.air_weights": "1",
        "optimizer.head_rates": "1",
        "start.head_gains": "1",
    }.get(parent, "none")


def _text(value: Any) -> str:
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)


@cache
def _words() -> dict[str, dict[str, Any]]:
    """Return path -> title, unit, help, low, high and section."""
    words: dict[str, dict[str, Any]] = {}
    for row in wordings():
        if row.is_option:
            part, _, rest = row.path.partition(".")
            path = f"{CHANGES}.{rest}" if part == "corruption" else f"generator.{row.path}"
            about = {"title": row.title, "unit": row.unit, "help": row.help, "low": row.low, "high": row.high}
            words[path] = {**about, "section": f"generator.{row.group}"}
    with (Path(__file__).parent / "recipe_fields.csv").open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            low, high = (float(line[name]) if line[name] else None for name in ("low", "high"))
            words[line["path"]] = {**line, "low": low, "high": high, "section": _section(line["path"])}
    return words


def _section(path: str) -> str:
    part, dot, rest = path.partition(".")
    if part == "generator":
        return f"generator.{GENERATOR_SECTIONS.get(rest, 'grid')}"
    return part if dot else ""
