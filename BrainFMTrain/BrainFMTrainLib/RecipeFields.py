"""The values of a recipe as the engine describes them: how each is written, read and explained."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from BrainFMEngine.errors import nearest_name
from slicer.i18n import tr as _

ANY = "any"
_SPACES = "\u00a0\u2009\u202f "
_GROUPS = r"[+-]?\d{1,3}([.,'’]\d{3})+"
"""Thousands apart: 20.000 and 20,000 mean twenty to some."""
_YES, _NO = ("yes", "true", "on", "1"), ("no", "false", "off", "0")
_NONE = ("", "none", "null", "–", "-")


@dataclass(frozen=True)
class RecipeField:
    """One value.

    Attributes:
        path: as `brainfm train --set` takes it.
        section: name of the section it is shown in.
        table: title of the table that it is an entry of; "" for none.
        title, unit, help: what users read.
        kind: "number", "integer", "boolean", "choice", "text" or "table".
        length: None for one value; how many values a list has; "any".
        optional: whether it may be none.
        choices: of a choice; those that are known of a text.
        minimum, maximum: what makes sense; None where nothing is said.
        value: that of the recipe.
        otherwise: what holds where the value is none, in words.
    """

    path: str
    section: str
    table: str
    title: str
    unit: str
    help: str
    kind: str
    length: int | str | None
    optional: bool
    choices: tuple[str, ...]
    minimum: float | None
    maximum: float | None
    value: Any
    otherwise: str

    @classmethod
    def fromEvent(cls, values: Mapping[str, Any]) -> RecipeField:
        """Take a field of the engine's description."""
        known = {name: values[name] for name in cls.__dataclass_fields__}
        return cls(**{**known, "choices": tuple(values["choices"])})

    @property
    def options(self) -> tuple[str, ...]:
        """What can be chosen from, as users read it; empty where something is typed."""
        if self.kind == "boolean" and self.length is None:
            return (_("yes"), _("no"))
        return self.choices if self.kind == "choice" and self.length is None and not self.optional else ()

    @property
    def hasUnit(self) -> bool:
        """Whether its unit is to be written beside its value."""
        return bool(self.unit) and self.unit != "probability"

    def text(self, value: Any) -> str:
        """Return a value as users read and write it."""
        if value is None:
            return _("none") if self.otherwise in ("", "none") else self.otherwise
        if isinstance(value, (list, tuple)):
            joint = " × " if self._isSize else ", "
            return joint.join(self._single(item) for item in value)
        if isinstance(value, int) and abs(value) >= 10_000:
            return f"{value:,}".replace(",", " ")
        return self._single(value)

    def parse(self, text: str) -> Any:
        """Return the value that a text means.

        Raises:
            ValueError: it means none; the sentence says why.
        """
        text = text.strip()
        if self.optional and (text.lower() in _NONE or text in (_("none"), self.otherwise)):
            return None
        if self.kind == "table":
            return self._table(text)
        if self.length is None:
            return self._one(text)
        words = [word for word in re.split(r"[\s,;×x\[\]()]+" if self._isNumber else r"[\s,;\[\]]+", text) if word]
        if self._isSize and len(words) == 1:
            words *= 3
        if self.length != ANY and len(words) != self.length:
            raise ValueError(_("{title}: give {n} values.").format(title=self.title, n=self.length))
        return [self._one(word) for word in words]

    def about(self) -> str:
        """Return everything there is to know of it, in sentences."""
        sentence = self.help if self.help.endswith((".", "!", "?")) or not self.help else f"{self.help}."
        limits = ""
        if self.minimum is not None and self.maximum is not None and self.maximum < 1e8:
            text = _("It makes sense from {low:g} to {high:g}.")
            limits = text.format(low=self.minimum, high=self.maximum)
        choices = _("Known: {names}.").format(names=", ".join(self.choices)) if self.choices else ""
        unit = _("In {unit}.").format(unit=self.unit) if self.hasUnit else ""
        always = _("0 is never, 1 is always.") if self.unit == "probability" else ""
        none = _("It can be none.") if self.optional and self.otherwise in ("", "none") else ""
        return " ".join(part for part in (sentence, unit, always, choices or limits, none) if part)

    @property
    def _isNumber(self) -> bool:
        return self.kind in ("number", "integer")

    @property
    def _isSize(self) -> bool:
        return self.kind == "integer" and self.length == 3

    def _single(self, value: Any) -> str:
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if isinstance(value, float):
            return str(int(value)) if value.is_integer() and abs(value) < 1e6 else repr(value)
        return json.dumps(value) if isinstance(value, Mapping) else str(value)

    def _one(self, text: str) -> Any:
        if self._isNumber:
            return self._number(text)
        if self.kind == "boolean":
            word = text.lower()
            if word in (*_YES, _("yes")) or word in (*_NO, _("no")):
                return word in (*_YES, _("yes"))
            raise ValueError(_("{title}: write yes or no, not “{text}”.").format(title=self.title, text=text))
        if self.choices and text not in self.choices:
            message = _("{title}: there is no “{text}”. {hint}")
            raise ValueError(message.format(title=self.title, text=text, hint=nearest_name(text, self.choices)))
        if not text:
            raise ValueError(_("{title}: write something.").format(title=self.title))
        return text

    def _number(self, text: str) -> int | float:
        plain = "".join(character for character in text if character not in _SPACES)
        if self.kind == "integer" and re.fullmatch(_GROUPS, plain):
            message = _("{title}: write {plain} instead of {text}, without signs between the digits.")
            digits = re.sub(r"[.,'’]", "", plain)
            raise ValueError(message.format(title=self.title, plain=digits, text=text))
        plain = plain.replace(",", ".") if plain.count(",") == 1 and "." not in plain else plain
        try:
            value = float(plain)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ValueError(_("{title}: “{text}” is not a number.").format(title=self.title, text=text))
        if self.kind == "number":
            return value
        if not value.is_integer():
            raise ValueError(_("{title}: give a whole number, not {text}.").format(title=self.title, text=text))
        return int(plain) if plain.lstrip("+-").isdigit() else int(value)

    def _table(self, text: str) -> Any:
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            message = _("{title}: write a table as JSON, such as {example}.")
            raise ValueError(message.format(title=self.title, example='{"noise": {"std": [0, 10]}}'))
        return value


@dataclass(frozen=True)
class RecipeDescription:
    """A recipe's sections (name and title of each) and fields, in the order in which they are shown."""

    sections: tuple[tuple[str, str], ...]
    fields: tuple[RecipeField, ...]

    @classmethod
    def fromEvent(cls, event: Mapping[str, Any]) -> RecipeDescription:
        """Take what `brainfm recipes answer` says."""
        sections = tuple((str(row["name"]), str(row["title"])) for row in event["sections"])
        return cls(sections, tuple(RecipeField.fromEvent(row) for row in event["fields"]))

    def field(self, path: str) -> RecipeField | None:
        """Return the field at a path, None if the recipe has none there."""
        return next((field for field in self.fields if field.path == path), None)
