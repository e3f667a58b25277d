"""Every range of the generator with its default at each severity, and whether changes of several go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

from BrainFMTrainLib.RangeOption import RangeOption

SUM_TOLERANCE = 1e-6


@dataclass(frozen=True)
class RangeGroup:
    """Ranges that belong together."""

    name: str
    title: str
    options: tuple[RangeOption, ...]


class GeneratorRanges:
    """What `brainfm preview --describe` says about one recipe.

    Args:
        description: that JSON object.

    Attributes:
        groups: with their ranges, in the order in which people are shown them.
        levels: name of a severity -> its value 0..1, rising.
        anatomies: title, credit and path of the label maps that come with the engine.
    """

    def __init__(self, description: Mapping[str, Any]):
        options = [RangeOption.of(row) for row in description["options"]]
        self.groups = tuple(
            RangeGroup(row["name"], row["title"], tuple(one for one in options if one.group == row["name"]))
            for row in description["groups"]
        )
        self.levels = {row["name"]: float(row["value"]) for row in description["severities"]}
        self.anatomies = tuple(description.get("anatomies", ()))
        self._options = {option.path: option for option in options}
        self._sums = [(row["paths"], float(row["sum"]), bool(row["exactly"])) for row in description["sums"]]

    def option(self, path: str) -> RangeOption | None:
        """Return a range, None if the generator has none of that path."""
        return self._options.get(path)

    def default(self, option: RangeOption, severity: float) -> Any:
        """Return the default at a severity 0..1: linear between those that have a name, as the generator does it."""
        names = list(self.levels)
        if not option.isNumeric or not option.followsSeverity:
            return option.defaults[names[-1]]
        for low, high in zip(names, names[1:], strict=False):
            first, last = self.levels[low], self.levels[high]
            if severity <= last:
                share = (severity - first) / (last - first)
                return _between(option.defaults[low], option.defaults[high], share)
        return option.defaults[names[-1]]

    def problem(self, changes: Mapping[str, Any]) -> str:
        """Return why changed probabilities do not go together at some severity, "" if they do at all of them."""
        for paths, total, exactly in self._sums:
            if not set(paths) & set(changes):
                continue
            options = [self._options[path] for path in paths]
            sums = [
                sum(changes.get(option.path, self.default(option, severity)) for option in options)
                for severity in self.levels.values()
            ]
            far = max(sums, key=lambda value: abs(value - total) if exactly else value)
            if far > total + SUM_TOLERANCE or (exactly and far < total - SUM_TOLERANCE):
                titles = ", ".join(f"“{option.title}”" for option in options)
                words = _("{titles} add up to {sum}; they have to add up to {total}")
                if not exactly:
                    words = _("{titles} add up to {sum}; that cannot be more than {total}")
                return words.format(titles=titles, sum=format(far, ".4g"), total=format(total, "g"))
        return ""


def _between(low: Any, high: Any, share: float) -> Any:
    if isinstance(low, list):
        return [_between(first, last, share) for first, last in zip(low, high, strict=True)]
    return low + (high - low) * share
