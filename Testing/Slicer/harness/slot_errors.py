"""Errors that Python code raised where nobody could catch them: in slots, timers and VTK observers.

PythonQt and VTK print such an error and go on, so a test would pass over it. Here they are kept, and the test that
caused them fails.
"""

from __future__ import annotations

import sys
import traceback

_caught: list[BaseException] = []


def record(error: BaseException) -> None:
    """Keep one error and print it as Slicer's console would."""
    _caught.append(error)
    traceback.print_exception(error)


def take() -> list[BaseException]:
    """The errors so far; the list is empty afterwards."""
    errors = list(_caught)
    _caught.clear()
    return errors


def watch() -> None:
    """Also keep what VTK observers and Qt timers report: both end in `sys.excepthook`, which others replace, too."""
    if getattr(sys.excepthook, "keeps_errors", False):
        return
    before = sys.excepthook

    def hook(kind, error, trace):
        if isinstance(error, Exception):
            _caught.append(error)
        before(kind, error, trace)

    hook.keeps_errors = True
    sys.excepthook = hook
