"""Frozen dataclasses to plain JSON values and back, without loss: what was sampled can be replayed bit for bit."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from BrainFMEngine.errors import UsageError, nearest_name

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")
_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    list: "a list",
    tuple: "a list",
    dict: "a table",
}


def to_record(value: Any) -> Any:
    """Return plain JSON values of a dataclass tree.

    Arrays become {"shape", "values"}; a float32 written as a decimal number and read back is the same float32.

    Raises:
        TypeError: a value that JSON cannot hold.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_record(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray):
        return {"shape": list(value.shape), "values": value.astype(np.float32).ravel().tolist()}
    if isinstance(value, dict):
        return {str(key): to_record(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_record(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{type(value).__name__} cannot be recorded")


def from_record(kind: type[T], record: Any, where: str = "") -> T:
    """Rebuild a dataclass tree from plain JSON values.

    Args:
        kind: the dataclass.
        record: what `to_record` returned.
        where: name of the part, for messages.

    Raises:
        UsageError: an unknown key (the nearest known one is named), a missing one, or a value of another type.
    """
    if not isinstance(record, dict):
        raise UsageError(f"{where or 'the record'} is not a table of values")
    hints = _hints(kind)
    for key in record:
        if key not in hints:
            raise UsageError(f"unknown key {_path(where, key)!r}", nearest_name(key, hints))
    values = {key: _convert(hints[key], value, _path(where, key)) for key, value in record.items()}
    try:
        return kind(**values)
    except TypeError as error:
        missing = [field.name for field in fields(kind) if field.name not in record]
        raise UsageError(f"{where or 'the record'} lacks {', '.join(missing)}", "The file may be cut off.") from error


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _path(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _convert_union(arguments, value, where)
    if isinstance(hint, type) and is_dataclass(hint):
        return from_record(hint, value, where)
    if hint is np.ndarray:
        return _array(value, where)
    if origin in (tuple, list):
        return _sequence(origin, arguments, value, where)
    if origin is dict:
        return {
            key: _convert(arguments[1], item, _path(where, key)) for key, item in _checked(dict, value, where).items()
        }
    if origin is typing.Literal:
        if value not in arguments:
            raise UsageError(f"{where!r} cannot be {value!r}", nearest_name(value, map(str, arguments)))
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return _checked(hint, value, where)


def _convert_union(arguments: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in arguments:
        return None
    rest = [argument for argument in arguments if argument is not type(None)]
    for argument in rest[:-1]:
        try:
            return _convert(argument, value, where)
        except UsageError:
            continue
    return _convert(rest[-1], value, where)


def _sequence(origin: type, arguments: tuple[Any, ...], value: Any, where: str) -> Any:
    items = _checked(list, value, where)
    if len(arguments) == 2 and arguments[1] is Ellipsis or origin is list:
        kinds = [arguments[0]] * len(items)
    elif len(arguments) != len(items):
        raise UsageError(f"{where!r} must have {len(arguments)} values, not {len(items)}")
    else:
        kinds = list(arguments)
    return origin(_convert(kind, item, where) for kind, item in zip(kinds, items, strict=True))


def _array(value: Any, where: str) -> np.ndarray:
    table = _checked(dict, value, where)
    try:
        return np.array(table["values"], np.float32).reshape(table["shape"])
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{where!r} is not an array with 'shape' and 'values'") from error


def _checked(kind: Any, value: Any, where: str) -> Any:
    wrong = isinstance(value, bool) and kind is not bool
    if kind is not Any and (wrong or not isinstance(value, tuple if kind is tuple else kind)):
        raise UsageError(f"{where!r} must be {_WORDS.get(kind, kind)}, not {value!r:.40}")
    return value
