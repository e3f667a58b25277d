"""Where a run stands, in words and as a steady fraction, and how long it still takes."""

from __future__ import annotations

import time

from slicer.i18n import tr as _

_SHARES = ((0.0, 0.0), (0.06, 0.06), (0.42, 0.66), (0.60, 0.93), (1.0, 1.0))
"""The engine's fraction of one scan -> share of its time (files are written uncompressed)."""
_EXPORT, _ENGINE = 0.03, 0.90
"""Shares of the whole run that end with the export and with the engine; the import is the rest."""
_MIN_ELAPSED_S, _MIN_FRACTION = 4.0, 0.08


def stageTitle(stage: str) -> str:
    """Return what users read for a stage of the engine."""
    if stage.startswith("write "):
        return _("Writing the results")
    titles = {
        "reading": _("Reading the scan"),
        "loading the model": _("Loading the model"),
        "preparing": _("Preparing the scan"),
        "network": _("Running the network"),
        "done": _("Done"),
    }
    return titles.get(stage) or _("Working out: {result}").format(result=stage)


def exportFraction(done: float) -> float:
    """Return the fraction of the run when `done` (0..1) of the export is."""
    return _EXPORT * done


def engineFraction(index: int, count: int, fraction: float) -> float:
    """Return the fraction of the run when `fraction` of scan `index` out of `count` is done."""
    done = (index + _timeShare(fraction)) / max(count, 1)
    return _EXPORT + (_ENGINE - _EXPORT) * done


def importFraction(done: float) -> float:
    """Return the fraction of the run when `done` (0..1) of the import is."""
    return _ENGINE + (1.0 - _ENGINE) * done


def _timeShare(fraction: float) -> float:
    for (low, lowShare), (high, highShare) in zip(_SHARES, _SHARES[1:], strict=False):
        if fraction <= high:
            return lowShare + (fraction - low) / (high - low) * (highShare - lowShare)
    return 1.0


class TimeLeft:
    """Guesses the seconds left from the pace so far; None as long as that would be a wild guess."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._fraction = 0.0
        self._end: float | None = None

    def update(self, fraction: float) -> None:
        """Take note of the fraction done."""
        now = time.monotonic()
        elapsed = now - self._start
        if fraction <= self._fraction or elapsed < _MIN_ELAPSED_S or fraction < _MIN_FRACTION:
            return
        self._fraction = fraction
        end = self._start + elapsed / fraction
        self._end = end if self._end is None else 0.5 * (self._end + end)

    def seconds(self) -> float | None:
        """Return the seconds left, None if unknown."""
        return None if self._end is None else max(self._end - time.monotonic(), 0.0)


def timeLeftText(seconds: float | None) -> str:
    """Return the time left in words, rounded as honestly as it is known; "" if unknown."""
    if seconds is None:
        return ""
    if seconds < 5:
        return _("a few seconds left")
    if seconds < 55:
        return _("about {n} seconds left").format(n=int(-(-seconds // 5) * 5))
    minutes = round(seconds / 60)
    if minutes <= 1:
        return _("about a minute left")
    if minutes < 90:
        return _("about {n} minutes left").format(n=minutes)
    return _("about {n} hours left").format(n=round(seconds / 3600))
