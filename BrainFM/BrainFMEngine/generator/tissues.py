"""What tissues are made of: relaxation times, proton density, Hounsfield units and nominal contrasts, one row a tissue.

`tissues.csv` holds the values and names their sources; `tissue_sources.csv` says what the sources are. A measured value
is rounded within what its sources report; "estimate" marks what was set between related tissues.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

CONTRASTS = ("T1", "T2", "FLAIR", "CT")
"""The images that synthesis targets are painted as."""

REFERENCE_TISSUES = ("white", "cortex", "csf")
FIELDS_TESLA = (1.5, 3.0)


@dataclass(frozen=True, eq=False)
class TissueTable:
    """Columns of `tissues.csv`; arrays are (tissues,) float32.

    Attributes:
        names: of the tissues, in row order.
        t1_ms: field in tesla -> longitudinal relaxation time.
        t2_ms: field in tesla -> transverse relaxation time.
        density: proton density relative to water.
        flow: 0 for still tissue to 1 for blood that leaves a slice between excitation and echo.
        texture: standard deviation within the tissue relative to its MR signal.
        hounsfield: mean in HU.
        hounsfield_spread: how far the mean may differ between heads, HU.
        hounsfield_texture: standard deviation within the tissue, HU.
        nominal: "T1", "T2", "FLAIR" (0..1) or "CT" (1000 HU) -> the value that synthesis targets are painted with.
        sources: keys of `tissue_sources` for every tissue.
    """

    names: tuple[str, ...]
    t1_ms: dict[float, np.ndarray]
    t2_ms: dict[float, np.ndarray]
    density: np.ndarray
    flow: np.ndarray
    texture: np.ndarray
    hounsfield: np.ndarray
    hounsfield_spread: np.ndarray
    hounsfield_texture: np.ndarray
    nominal: dict[str, np.ndarray]
    sources: tuple[tuple[str, ...], ...]

    def index(self, name: str) -> int:
        """Return the row of a tissue."""
        return self.names.index(name)


def read_table(name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file of this folder."""
    with (Path(__file__).parent / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def tissues() -> TissueTable:
    """Return the table of tissues."""
    rows = read_table("tissues.csv")

    def column(name: str) -> np.ndarray:
        return np.array([float(row[name]) for row in rows], np.float32)

    return TissueTable(
        names=tuple(row["name"] for row in rows),
        t1_ms={field: column(f"t1_{field:g}T") for field in FIELDS_TESLA},
        t2_ms={field: column(f"t2_{field:g}T") for field in FIELDS_TESLA},
        density=column("density"),
        flow=column("flow"),
        texture=column("texture"),
        hounsfield=column("hounsfield"),
        hounsfield_spread=column("hounsfield_spread"),
        hounsfield_texture=column("hounsfield_texture"),
        nominal={name: column(name) for name in CONTRASTS},
        sources=tuple(tuple(filter(None, row["sources"].split(";"))) for row in rows),
    )


@cache
def tissue_sources() -> dict[str, str]:
    """Return key -> the publication that values of `tissues.csv` come from."""
    return {row["key"]: row["source"] for row in read_table("tissue_sources.csv")}
