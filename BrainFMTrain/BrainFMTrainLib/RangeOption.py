"""One value that samples are drawn from, as the engine describes it: its default, and what may be written for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slicer.i18n import tr as _

COUNTS = {"number": 1, "integer": 1, "range": 2, "integer range": 2, "triple": 3}
"""How many numbers a value of each kind has."""
PROBABILITY = "probability"
"""The engine's unit of how often something happens."""


@dataclass(frozen=True)
class RangeOption:
    """One range of the generator.

    Attributes:
        path: dotted, as `brainfm preview` takes it.
        group: which group it belongs to.
        title, help, unit: in plain words.
        kind: "number", "integer", "boolean", "choice", "range", "integer range" or "triple".
        minimum, maximum: what a number can be; None for what is none.
        choices: of a choice.
        defaults: name of a severity -> value.
        followsSeverity: whether they differ.
    """

    path: str
    group: str
    title: str
    help: str
    unit: str
    kind: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    followsSeverity: bool = False

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> RangeOption:
        """Read what `brainfm preview --describe` says."""
        names = ("path", "group", "title", "help", "unit", "minimum", "maximum", "defaults")
        values = {name: row[name] for name in names}
        return cls(kind=row["type"], choices=tuple(row["choices"]), followsSeverity=row["follows_severity"], **values)

    @property
    def isNumeric(self) -> bool:
        """Whether it is made of numbers."""
        return self.kind in COUNTS

    @property
    def isRange(self) -> bool:
        """Whether it is a lowest and a highest number."""
        return self.kind.endswith("range")

    def texts(self, value: Any) -> list[str]:
        """Return what fields show for a value: one text for each number, "1" or "0" for on or off, or the choice."""
        if not self.isNumeric:
            return [str(int(value)) if self.kind == "boolean" else str(value)]
        numbers = value if isinstance(value, (list, tuple)) else [value]
        return [format(number, ".6g") for number in numbers]

    def text(self, value: Any) -> str:
        """Return a value with its unit, in words."""
        if self.kind == "boolean":
            return _("on") if value else _("off")
        if not self.isNumeric:
            return str(value)
        joined = ("–" if self.isRange else ", ").join(self.texts(value))
        if not self.unit or self.unit == PROBABILITY:
            return joined
        return f"{joined} ({self.unit})" if self.unit[0].isdigit() else f"{joined} {self.unit}"

    def parse(self, texts: Sequence[str]) -> Any:
        """Return the value that somebody wrote.

        Raises:
            ValueError: it is none; says why in a sentence.
        """
        numbers = [self._number(text) for text in texts]
        if self.isRange and numbers[0] > numbers[1]:
            low, high = self.texts(numbers)
            raise ValueError(
                _("“{title}”: the lowest, {low}, is above the highest, {high}").format(
                    title=self.title, low=low, high=high
                )
            )
        return numbers[0] if COUNTS[self.kind] == 1 else numbers

    def limits(self) -> str:
        """Return what numbers are possible, "" if there is nothing to say."""
        if self.minimum is None or self.maximum is None:
            return ""
        return _("{low} to {high}").format(low=format(self.minimum, ".6g"), high=format(self.maximum, ".6g"))

    def _number(self, text: str) -> float | int:
        text = text.strip().replace(",", ".")
        try:
            number: float | int = int(text) if self.kind.startswith("integer") else float(text)
        except ValueError:
            if not text:
                raise ValueError(_("“{title}”: a number is missing").format(title=self.title)) from None
            words = _("“{title}”: “{text}” is no number")
            if self.kind.startswith("integer"):
                words = _("“{title}”: “{text}” is no whole number")
            raise ValueError(words.format(title=self.title, text=text)) from None
        within = number == number and (self.minimum is None or self.minimum <= number <= self.maximum)
        if not within:
            words = _("“{title}” can be {limits}, not {text}")
            raise ValueError(words.format(title=self.title, limits=self.limits(), text=text))
        return number
