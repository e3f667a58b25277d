"""Generation labels: which structures a label map may hold, what they are made of and which share a Gaussian.

A scheme is a table with one row a structure; the generator works on rows, never on the ids of a file. Two schemes are
known: FreeSurfer's ids with those of SynthSeg's generation maps (Billot et al. 2023), and BrainFM's generation maps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from BrainFMEngine.anatomy.protocols import LabelProtocol
from BrainFMEngine.generator.tissues import CONTRASTS, read_table, tissues

EXTRACEREBRAL_FROM = 500
"""First id of the tissues around the brain in SynthSeg's generation maps."""

SYNTHSEG_ROWS = 54
MIXED_CODES = range(100, 251)
CODES_PER_CLASS = 50


@dataclass(frozen=True, eq=False)
class Alias:
    """Ids first..last that mean a structure of the table; where left and right differ, the side is seen from where."""

    first: int
    last: int
    left: int
    right: int


@dataclass(frozen=True, eq=False)
class LabelScheme:
    """One row a structure; row 0 is background. Arrays are (rows,).

    Attributes:
        name: "freesurfer" or "brainfm".
        ids: label values.
        names: of the structures.
        partner: row of the same structure across the midline, or the row itself.
        group: structures with the same number share a Gaussian; left and right always do (as Brain-ID merges them).
        class_group: larger groups, SynthSeg's generation classes with both sides together.
        tissue_group: larger still, SynthSeg's contrast-specific classes.
        tissue: row of `tissues()`.
        extracerebral: whether a skull-stripped image lacks it.
        outer_csf: whether it is fluid outside the ventricles and nothing else.
        segmentation: FreeSurfer id that a label protocol may know the structure by; 0 for none.
        fallback: id for protocols without the first.
        mix_low: row that a partial-volume row mixes; the row itself for pure tissue.
        mix_high: the row it is mixed with.
        mix_fraction: float32 share of `mix_high`.
        aliases: other ids for the same structures.
        sided: whether left and right have labels of their own.
    """

    name: str
    ids: np.ndarray
    names: tuple[str, ...]
    partner: np.ndarray
    group: np.ndarray
    class_group: np.ndarray
    tissue_group: np.ndarray
    tissue: np.ndarray
    extracerebral: np.ndarray
    outer_csf: np.ndarray
    segmentation: np.ndarray
    fallback: np.ndarray
    mix_low: np.ndarray
    mix_high: np.ndarray
    mix_fraction: np.ndarray
    aliases: tuple[Alias, ...] = ()
    sided: bool = True

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def brain(self) -> np.ndarray:
        """(rows,) bool: brain and the fluid in it, not the fluid around it."""
        return ~self.extracerebral & ~self.outer_csf & (np.arange(len(self)) > 0)

    def row(self, label: int) -> int:
        """Return the row of an id of the table; ValueError if there is none."""
        return self.ids.tolist().index(label)

    def rows_of(self, tissue: str) -> np.ndarray:
        """Return the rows made of a tissue."""
        return np.flatnonzero(self.tissue == tissues().index(tissue))

    def mix(self, mean: np.ndarray, std: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give partial-volume rows what their tissues give: means add up by share, and so do variances."""
        low, high, share = self.mix_low, self.mix_high, self.mix_fraction
        mean = (1 - share) * mean[low] + share * mean[high]
        variance = (1 - share) * std[low] ** 2 + share * std[high] ** 2
        return mean.astype(np.float32), np.sqrt(variance).astype(np.float32)


@cache
def freesurfer_scheme() -> LabelScheme:
    """Return the scheme of FreeSurfer and SynthSeg: its first rows are SynthSeg's generation labels in rising order."""
    aliases = tuple(
        Alias(*(int(row[name]) for name in ("first", "last", "left", "right")))
        for row in read_table("labels_freesurfer_aliases.csv")
    )
    return _scheme("freesurfer", read_table("labels_freesurfer.csv"), aliases=aliases)


@cache
def brainfm_scheme() -> LabelScheme:
    """Return the scheme of BrainFM's generation maps: 0..19 and the partial-volume codes 100..250.

    Code v is class 1 + (v - 100) / 50 of lesion, white matter, grey matter, fluid. Structures 5..11 and the clusters
    12..19 of extracerebral tissue are published without names: presets take the former for deep grey matter and the
    latter for tissues from dark to bright.
    """
    rows = read_table("labels_brainfm.csv")
    positions = [1 + (code - MIXED_CODES[0]) / CODES_PER_CLASS for code in MIXED_CODES]
    mixed = [
        rows[int(position + 0.5)] | {"id": str(code), "opposite": str(code)}
        for code, position in zip(MIXED_CODES, positions, strict=True)
    ]
    low = np.array([*range(len(rows)), *(int(position) for position in positions)])
    fraction = np.array([0.0] * len(rows) + [position % 1 for position in positions], np.float32)
    return _scheme("brainfm", rows + mixed, (low, low + (fraction > 0), fraction), sided=False)


SCHEMES = (freesurfer_scheme, brainfm_scheme)
"""In the order in which they are preferred for a label map that several schemes could explain."""


def _scheme(
    name: str,
    rows: list[dict[str, str]],
    mixture: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None,
    aliases: tuple[Alias, ...] = (),
    sided: bool = True,
) -> LabelScheme:
    ids, opposite = _integers(rows, "id"), _integers(rows, "opposite")
    row_of = {int(label): row for row, label in reversed(list(enumerate(ids)))}
    partner = np.array([row_of[int(label)] for label in opposite])
    tissue = np.array([tissues().index(row["tissue"]) for row in rows])
    same = np.arange(len(rows))
    mix_low, mix_high, mix_fraction = mixture or (same, same, np.zeros(len(rows), np.float32))
    return LabelScheme(
        name=name,
        ids=ids,
        names=tuple(row["name"] for row in rows),
        partner=partner,
        group=np.minimum(same, partner),
        class_group=_integers(rows, "class"),
        tissue_group=_integers(rows, "contrast_class"),
        tissue=tissue,
        extracerebral=_integers(rows, "extracerebral").astype(bool),
        outer_csf=(tissue == tissues().index("csf")) & sided,
        segmentation=_integers(rows, "segmentation"),
        fallback=_integers(rows, "fallback"),
        mix_low=mix_low,
        mix_high=mix_high,
        mix_fraction=mix_fraction,
        aliases=aliases,
        sided=sided,
    )


def _integers(rows: list[dict[str, str]], column: str) -> np.ndarray:
    return np.array([int(row[column]) for row in rows])


@cache
def mirror_rows(scheme: LabelScheme) -> np.ndarray:
    """Return (rows,) uint8: the row that a structure has after the image is mirrored left to right."""
    return scheme.partner.astype(np.uint8)


@cache
def rows_to_channels(scheme: LabelScheme, protocol: LabelProtocol) -> np.ndarray:
    """Return (rows,) int64: the channel of every row; what a protocol lacks is background, channel 0."""
    channels = {label: channel for channel, label in enumerate(protocol.ids)}
    pairs = zip(scheme.segmentation.tolist(), scheme.fallback.tolist(), strict=True)
    return np.array([channels.get(first, channels.get(second, 0)) for first, second in pairs], np.int64)


@cache
def tissue_table() -> dict[str, np.ndarray]:
    """Return columns for SynthSeg's 54 generation labels, rising by id: the first rows of the FreeSurfer scheme.

    "id", "partner" (left id of a right structure), "segmentation" (id without FreeSurfer's finer tissue ids) and the
    nominal "T1", "T2", "FLAIR" (0..1) and "CT" (1000 HU).
    """
    scheme = freesurfer_scheme()
    first = slice(SYNTHSEG_ROWS)
    table = {name: tissues().nominal[name][scheme.tissue[first]] for name in CONTRASTS}
    table["id"] = scheme.ids[first]
    table["partner"] = scheme.ids[scheme.group[first]]
    coarse = (scheme.segmentation >= 900) & (scheme.fallback > 0)
    table["segmentation"] = np.where(coarse, scheme.fallback, scheme.segmentation)[first]
    return table
