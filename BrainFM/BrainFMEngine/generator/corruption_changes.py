"""Single ranges of the corruption that somebody set: they hold at every severity, the others go on following it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from BrainFMEngine.generator.corruption_ranges import CorruptionRanges
from BrainFMEngine.generator.record import from_record, to_record
from BrainFMEngine.generator.severity import LEVELS, ranges_at

WHERE = "corruption"


def with_changes(ranges: CorruptionRanges, changes: Mapping[str, Any]) -> CorruptionRanges:
    """Replace single values.

    Args:
        ranges: those of a severity; they stay as they are.
        changes: part -> name -> plain JSON value, for example {"noise": {"std": [0, 30]}}.

    Raises:
        UsageError: an unknown name (the nearest known one is given), or a value that is not possible.
    """
    return from_record(CorruptionRanges, _merged(to_record(ranges), changes), WHERE) if changes else ranges


def check_changes(changes: Mapping[str, Any]) -> None:
    """Raise UsageError unless the changes are possible at every severity."""
    for severity in ("clean", *LEVELS):
        with_changes(ranges_at(severity), changes)


def _merged(record: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(record)
    for name, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), dict)
        merged[name] = _merged(merged[name], value) if both else value
    return merged
