"""How PythonQt calls a Python slot."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from harness import slot_errors

VARIADIC = inspect.CO_VARARGS


def call(slot: Callable, arguments: tuple):
    """Call with as many arguments as the code of a function or method names; everything else gets all of them.

    Defaults count as named arguments: `lambda x=3: ...` connected to `clicked(bool)` receives the bool. An error is
    kept and None returned.
    """
    count = _argument_count(slot)
    try:
        return slot(*(arguments if count is None else arguments[:count]))
    except Exception as error:
        slot_errors.record(error)
        return None


def _argument_count(slot: Callable) -> int | None:
    function, bound = slot, 0
    if inspect.ismethod(slot):
        function, bound = slot.__func__, 1
    if not inspect.isfunction(function) or function.__code__.co_flags & VARIADIC:
        return None
    return function.__code__.co_argcount - bound
