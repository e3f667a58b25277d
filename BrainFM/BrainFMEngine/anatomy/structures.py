"""Every structure that a result can contain: id, name, side and colour, read from `structures.csv`.

Ids below 900 and names are FreeSurfer's; 901 to 930 are the tissues around the brain, numbered 400 above the
SimNIBS "charm" ids as FreeSurfer's `mri_super_synth` does. Colours of FreeSurfer's structures are its own.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Structure:
    """One row of the table; `opposite` is the id across the midline (itself for unpaired structures)."""

    id: int
    name: str
    side: str
    opposite: int
    colour: tuple[int, int, int]
    extracerebral: bool


@cache
def structures() -> dict[int, Structure]:
    """Return id -> Structure."""
    with (Path(__file__).parent / "structures.csv").open(encoding="utf-8", newline="") as file:
        return {int(row["id"]): _structure(row) for row in csv.DictReader(file)}


def _structure(row: dict[str, str]) -> Structure:
    colour = (int(row["red"]), int(row["green"]), int(row["blue"]))
    return Structure(
        int(row["id"]), row["name"], row["side"], int(row["opposite"]), colour, row["extracerebral"] == "1"
    )
