"""Processes that came of a test: those that the test process had before belong to other tests and are left out."""

from __future__ import annotations

import os

_former: set[int] = set()


def remember() -> None:
    """Take note of the processes there are, before a test begins."""
    _former.clear()
    _former.update(_all())


def of_this_test() -> list[int]:
    """Return the ids of all processes below this one that came since."""
    return [pid for pid in _all() if pid not in _former]


def _all() -> list[int]:
    from BrainFMLib.ProcessTree import childrenOf

    return list(childrenOf(os.getpid())) if os.name != "nt" else []
