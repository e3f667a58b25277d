"""The models that BrainFM knows by name: what comes with it, and what can be downloaded. Torch-free."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from BrainFMEngine.errors import UsageError, nearest_name

DEFAULT_MODEL = "compact"


@dataclass(frozen=True)
class CatalogueEntry:
    """One known model.

    Attributes:
        name: what users type.
        title: what users read.
        description: one sentence.
        licence: licence of the weights, in words.
        bundled: it comes with this software.
        url: https address of the file, "" if bundled.
        sha256: of that file.
        evidence: who vouches for address and hash.
        max_bytes: a longer download is stopped.
        tasks: names of the tasks it offers; only for models that are not bundled.
        trained_on: the training images, in words; only for models that are not bundled.
        size_bytes: roughly what it takes on disk.
    """

    name: str
    title: str
    description: str
    licence: str
    bundled: bool = False
    url: str = ""
    sha256: str = ""
    evidence: str = ""
    max_bytes: int = 0
    tasks: tuple[str, ...] = ()
    trained_on: str = ""
    size_bytes: int = 0


@cache
def catalogue() -> tuple[CatalogueEntry, ...]:
    """Return every known model, the default first."""
    text = files(__package__).joinpath("catalogue.json").read_text(encoding="utf-8")
    return tuple(CatalogueEntry(**{**row, "tasks": tuple(row.get("tasks", ()))}) for row in json.loads(text))


def find_entry(name: str) -> CatalogueEntry:
    """Return the entry of that name; UsageError names the nearest."""
    for entry in catalogue():
        if entry.name == name:
            return entry
    raise UsageError(f"the catalogue has no model {name!r}", nearest_name(name, (entry.name for entry in catalogue())))
