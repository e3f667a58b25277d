"""The generator's ranges and what was drawn from them, in plain words and units: one table, `wording.csv`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from BrainFMEngine.generator.parameters import SampleParameters
from BrainFMEngine.generator.tissues import read_table

GROUPS = {
    "shape": "Shape of the head",
    "surroundings": "Around the brain",
    "contrast": "Contrast",
    "real": "Real images",
    "lesion": "Lesion (experimental)",
    "brightness": "Brightness and shading",
    "resolution": "Resolution",
    "noise": "Noise",
    "artefacts": "Scan artefacts",
    "grid": "Grid and targets",
}
"""Name -> title, in the order in which people are shown them."""
CONTRAST_TITLES = {
    "mixed": "Mixed",
    "random": "Random",
    "t1": "T1-like",
    "mprage": "MP-RAGE-like",
    "t2": "T2-like",
    "flair": "FLAIR-like",
    "ct": "CT-like",
}
VALUE_WORDS = {
    "contrast.kind": CONTRAST_TITLES,
    "contrast.background": {"zero": "black", "noise": "noise", "bright": "bright"},
    "corruption.resolution.kind": {
        "full": "fine voxels",
        "anisotropic": "thick slices",
        "low_field": "low field",
        "near_isotropic": "coarse voxels",
    },
    "extracerebral.mode": {"keep": "skull and skin", "thin": "brain and shell", "remove": "brain alone"},
}
"""Path of a drawn value -> what each of its values is called."""
PROBABILITY = "probability"
"""Unit of how often something happens, 0 never to 1 always."""


@dataclass(frozen=True)
class Wording:
    """One row of the table.

    Attributes:
        path: dotted, in `GeneratorOptions` (those of the corruption as if it were always there), `SampleParameters`
            or both.
        is_option, is_drawn: which of them.
        group: key of `GROUPS`.
        title: what people read.
        unit: "" for none.
        low, high: what makes sense to choose from; None for what is no number.
        when: what else must hold for a drawn value to mean anything: "name=value" of its part, "MR" or "nonzero".
        help: a sentence more; may be empty.
    """

    path: str
    is_option: bool
    is_drawn: bool
    group: str
    title: str
    unit: str
    low: float | None
    high: float | None
    when: str
    help: str


@cache
def wordings() -> tuple[Wording, ...]:
    """Return the table in its order."""
    return tuple(_wording(row) for row in read_table("wording.csv"))


def _wording(row: dict[str, str]) -> Wording:
    low, high = (float(row[name]) if row[name] else None for name in ("low", "high"))
    return Wording(
        path=row["path"],
        is_option=row["use"] in ("option", "both"),
        is_drawn=row["use"] in ("drawn", "both"),
        group=row["group"],
        title=row["title"],
        unit=row["unit"],
        low=low,
        high=high,
        when=row["when"],
        help=row["help"],
    )


def drawn_values(parameters: SampleParameters) -> list[dict[str, Any]]:
    """Return what was drawn for a sample and shows in it.

    Returns:
        For each value "path", "group", "title", "unit", "value" (a plain JSON value) and "text" (value and unit).
    """
    values = []
    for row in wordings():
        value = _value(parameters, row.path) if row.is_drawn else None
        if value is None or not _matters(row, value, parameters):
            continue
        plain = _plain(value)
        words = worded(row.path, plain) if isinstance(plain, str) else _text(plain)
        text = f"{words} {row.unit}".strip()
        named = {"path": row.path, "group": row.group, "title": row.title, "unit": row.unit}
        values.append({**named, "value": plain, "text": text})
    return values


def worded(path: str, value: str) -> str:
    """Return what people read for a value drawn at a path."""
    return VALUE_WORDS.get(path, {}).get(value, value.replace("_", " "))


def _value(parameters: Any, path: str) -> Any:
    """Return what lies at a dotted path, None where a part is missing."""
    value = parameters
    for name in path.split("."):
        value = getattr(value, name, None)
    return value


def _matters(row: Wording, value: Any, parameters: SampleParameters) -> bool:
    if row.when == "MR":
        return not parameters.is_ct
    if row.when == "nonzero":
        return bool(value)
    name, equals, wanted = row.when.partition("=")
    return not equals or _value(parameters, f"{row.path.rpartition('.')[0]}.{name}") == wanted


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {share:.0%}" for name, share in value.items())
    if isinstance(value, list):
        return " / ".join(_text(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value).replace("_", " ")
