"""Read-only access to `facts/classes.json`: the members that a class really has, in one Slicer version."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

FACTS = Path(__file__).resolve().parents[1] / "facts" / "classes.json"
VERSION = os.environ.get("SLICER_API", "main")
OWN_PREFIXES = ("ctk", "qMRML", "qSlicer")
# The table holds the names of an enumeration in order, not their numbers; these do not count 0, 1, 2...
ENUM_VALUES = {
    "ctkPathLineEdit": {"Dirs": 1, "Files": 2, "Drives": 4, "NoSymLinks": 8, "AllEntries": 7, "Readable": 16,
                        "Writable": 32, "Executable": 64, "Hidden": 256, "AllDirs": 1024, "NoDot": 8192,
                        "NoDotDot": 16384, "NoDotAndDotDot": 24576, "NoFilter": -1},
}  # fmt: skip


@dataclass(frozen=True)
class Signature:
    """One overload: `arguments` are C++ types, the first `required` of them have no default."""

    name: str
    arguments: tuple[str, ...]
    required: int
    returns: str | None

    @property
    def text(self) -> str:
        return f"{self.name}({','.join(self.arguments)})"


@dataclass(frozen=True)
class Member:
    """One name of a class. `kind`: property, signal, method, enum or value; `owner`: the class that declares it."""

    name: str
    kind: str
    owner: str
    type: str = ""
    writable: bool = False
    number: int = 0
    overloads: tuple[Signature, ...] = field(default=())
    values: tuple[str, ...] = field(default=())


@cache
def versions() -> dict[str, dict[str, dict]]:
    """Slicer version to class name to facts; a class noted as "same as that version" is looked up there."""
    raw = json.loads(FACTS.read_text(encoding="utf-8"))

    def resolve(version: str, name: str) -> dict:
        facts = raw[version][name]
        return resolve(facts, name) if isinstance(facts, str) else facts

    return {version: {name: resolve(version, name) for name in classes} for version, classes in raw.items()}


def known(name: str, version: str = VERSION) -> bool:
    """Whether the table holds this class."""
    return name in versions()[version]


def is_own(name: str) -> bool:
    """Whether a class of this name would be CTK's or Slicer's, not Qt's."""
    return name.startswith(OWN_PREFIXES)


@cache
def lineage(name: str, version: str = VERSION) -> tuple[tuple[str, ...], str]:
    """The class with its CTK and Slicer bases, nearest first; and the Qt class they all stand on."""
    classes = versions()[version]
    own, qt_base, waiting = [], "", [name]
    while waiting:
        current = waiting.pop(0)
        if current in classes:
            own.append(current)
            waiting = classes[current].get("bases", []) + waiting
        elif not qt_base and re.match(r"Q[A-Z]", current):
            qt_base = current
    return tuple(own), qt_base or "QObject"


@cache
def members(name: str, version: str = VERSION) -> dict[str, Member]:
    """Every member of the class and of its CTK and Slicer bases; the nearest declaration wins."""
    found: dict[str, Member] = {}
    for owner in reversed(lineage(name, version)[0]):
        found.update(_declared(owner, version))
    return found


@cache
def signal_signatures(name: str, version: str = VERSION) -> dict[str, Signature]:
    """Normalised text of every signal to its signature."""
    signals = (m for m in members(name, version).values() if m.kind == "signal")
    return {signature.text: signature for member in signals for signature in member.overloads}


def parse(text: str) -> Signature:
    """`name(a,b)#1:int`: one required argument of two, returns int."""
    match = re.match(r"(?P<name>[^(]*)\((?P<args>.*?)\)(?:#(?P<required>\d+))?(?::(?!:)(?P<returns>.*))?$", text)
    if match is None:
        raise ValueError(f"not a signature: {text}")
    arguments = split_arguments(match["args"])
    required = len(arguments) if match["required"] is None else int(match["required"])
    return Signature(match["name"], arguments, required, match["returns"])


def split_arguments(text: str) -> tuple[str, ...]:
    """Split at the commas that stand outside of < > and ( )."""
    depth, parts, current = 0, [], ""
    for character in text:
        depth += (character in "<(") - (character in ">)")
        if character == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return tuple(part.strip() for part in [*parts, current] if part.strip())


def _declared(owner: str, version: str) -> dict[str, Member]:
    facts = versions()[version][owner]
    found: dict[str, Member] = {}
    for enum, values in facts.get("enums", {}).items():
        found[enum] = Member(enum, "enum", owner, values=tuple(values))
        for number, value in enumerate(values):
            number = ENUM_VALUES.get(owner, {}).get(value, number)
            found.setdefault(value, Member(value, "value", owner, type=enum, number=number))
    for kind in ("invokables", "slots", "signals"):
        for text in facts.get(kind, []):
            signature = parse(text)
            what = "signal" if kind == "signals" else "method"
            before = found.get(signature.name)
            overloads = before.overloads if before is not None and before.kind == what else ()
            found[signature.name] = Member(signature.name, what, owner, overloads=(*overloads, signature))
    for name, text in facts.get("properties", {}).items():
        found[name] = Member(name, "property", owner, text.removesuffix(" ro"), writable=not text.endswith(" ro"))
    return found
