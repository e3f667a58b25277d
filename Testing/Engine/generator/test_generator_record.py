"""Records: what was drawn comes back exactly, and a wrong record is explained."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest
from BrainFMEngine.errors import UsageError
from BrainFMEngine.generator.record import from_record, to_record


@dataclass(frozen=True)
class Inner:
    grid: np.ndarray
    axis: int = 0


@dataclass(frozen=True)
class Outer:
    inner: Inner | None
    pair: tuple[float, float]
    many: tuple[int, ...]
    weights: dict[str, float]
    kind: Literal["a", "b"] = "a"
    name: str = ""


def example() -> Outer:
    grid = np.random.default_rng(1).standard_normal((2, 3)).astype(np.float32)
    return Outer(Inner(grid, 2), (0.1, 1 / 3), (1, 2, 3), {"T1": 0.25}, "b", "ä")


def test_values_survive_json_bit_for_bit():
    back = from_record(Outer, json.loads(json.dumps(to_record(example()))))
    assert back.inner.grid.dtype == np.float32
    assert np.array_equal(back.inner.grid, example().inner.grid)
    assert (back.pair, back.many, back.weights, back.kind, back.name) == (
        (0.1, 1 / 3),
        (1, 2, 3),
        {"T1": 0.25},
        "b",
        "ä",
    )
    assert from_record(Outer, to_record(Outer(None, (0, 1), (), {}))).inner is None


def test_an_unknown_key_names_the_nearest():
    record = to_record(example())
    record["inner"]["axes"] = 1
    with pytest.raises(UsageError, match=r"inner\.axes.*'axis'"):
        from_record(Outer, record)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("pair", [1.0], "2 values"),
        ("pair", "x", "list"),
        ("many", [1, True], "must be a whole number"),
        ("kind", "c", "cannot be 'c'"),
        ("inner", {"grid": {"shape": [2], "values": [1]}}, "array"),
        ("weights", {"T1": "much"}, r"weights\.T1"),
    ],
)
def test_a_wrong_value_is_named(key, value, says):
    record = to_record(example()) | {key: value}
    with pytest.raises(UsageError, match=says):
        from_record(Outer, record)


def test_what_is_missing_is_named():
    record = to_record(example())
    del record["pair"]
    with pytest.raises(UsageError, match="lacks pair"):
        from_record(Outer, record)


def test_what_json_cannot_hold_is_refused():
    with pytest.raises(TypeError, match="object"):
        to_record({"a": object()})
