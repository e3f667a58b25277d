"""From the ids of a label map to rows of a scheme: recognise the map, translate it, say what is unknown."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from BrainFMEngine.errors import FileAccessError, InputImageError, UsageError
from BrainFMEngine.generator.labels import SCHEMES, LabelScheme

LISTED_IDS = 20
UNKNOWN = -1
HINT = (
    "Write a CSV file with the columns id,known_id and a line for each (0 makes it background), and give it with "
    "--map-labels FILE."
)


def recognise(unique_ids: np.ndarray, overrides: Mapping[int, int] | None = None) -> tuple[LabelScheme, dict[int, int]]:
    """Find the scheme that explains every label value.

    Args:
        unique_ids: the values of a label map.
        overrides: label value -> a known id to take it for.

    Returns:
        The scheme, and label value -> row (of the left side, where a midline structure is divided by position).

    Raises:
        InputImageError: values that no scheme knows (they are listed), or a map without background.
    """
    ids = _whole_numbers(np.unique(unique_ids))
    meant = _overridden(ids, overrides)
    if 0 not in meant:
        raise InputImageError("the label map has no background, value 0", "A label map must show air around the head.")
    unknown = {scheme(): _unknown(meant, scheme()) for scheme in SCHEMES}
    scheme = min(unknown, key=lambda scheme: unknown[scheme].sum())
    if unknown[scheme].any():
        raise _unknown_labels(ids[unknown[scheme]], scheme)
    return scheme, dict(zip(ids.tolist(), _row_tables(scheme)[0][meant].tolist(), strict=True))


def to_rows(labels: np.ndarray, scheme: LabelScheme, overrides: Mapping[int, int] | None = None) -> np.ndarray:
    """Translate a label map.

    A midline label that stands for one structure of each side (the corpus callosum, say) is divided half-way between
    what the map labels left and right.

    Args:
        labels: (X, Y, Z), whole numbers of any dtype, axes in any direction.
        scheme: of the map, from `recognise`.
        overrides: label value -> a known id to take it for.

    Returns:
        (X, Y, Z) uint8, rows of the scheme.

    Raises:
        InputImageError: values that the scheme does not know (they are listed), or fractional ones.
    """
    labels = _whole_numbers(labels)
    present, index = _present_ids(labels)
    meant = _overridden(present, overrides)
    unknown = _unknown(meant, scheme)
    if unknown.any():
        raise _unknown_labels(present[unknown], scheme)
    left, right = (table[meant].astype(np.uint8) for table in _row_tables(scheme))
    rows = left[index]
    if (left != right).any():
        midline = (left != right)[index]
        is_right = _is_right(rows, midline, scheme)
        rows[midline] = np.where(is_right, right[index[midline]], rows[midline])
    return rows


def read_label_map_csv(path: Path) -> dict[int, int]:
    """Read label value -> known id from a CSV file with the columns id and known_id.

    Raises:
        FileAccessError: the file cannot be read.
        UsageError: it lacks a column, or a line does not hold two whole numbers.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            if not {"id", "known_id"} <= set(reader.fieldnames or ()):
                raise UsageError(f"{path} lacks the columns id and known_id", "The first line must be: id,known_id")
            return dict(_mapped(row, f"{path}, line {reader.line_num}") for row in reader)
    except (OSError, UnicodeDecodeError) as error:
        raise FileAccessError(f"cannot read {path}", str(error)) from error


def _mapped(row: dict[str, str], where: str) -> tuple[int, int]:
    try:
        return int(row["id"]), int(row["known_id"])
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where} is not two whole numbers", "Write, for example: 1003,3") from error


@cache
def _row_tables(scheme: LabelScheme) -> tuple[np.ndarray, np.ndarray]:
    """Return id -> row for the left and the right side; `UNKNOWN` where the scheme knows no such id."""
    top = max([*scheme.ids, *(alias.last for alias in scheme.aliases)])
    left = np.full(top + 1, UNKNOWN, np.int16)
    left[scheme.ids] = np.arange(len(scheme))
    right = left.copy()
    for alias in scheme.aliases:
        left[alias.first : alias.last + 1] = scheme.row(alias.left)
        right[alias.first : alias.last + 1] = scheme.row(alias.right)
    return left, right


def _unknown(ids: np.ndarray, scheme: LabelScheme) -> np.ndarray:
    table = _row_tables(scheme)[0]
    inside = (ids >= 0) & (ids < len(table))
    return ~inside | (table[ids.clip(0, len(table) - 1)] == UNKNOWN)


def _unknown_labels(ids: np.ndarray, scheme: LabelScheme) -> InputImageError:
    listed = ", ".join(str(label) for label in ids[:LISTED_IDS].tolist())
    more = f" and {len(ids) - LISTED_IDS} more" if len(ids) > LISTED_IDS else ""
    return InputImageError(f"the label map has values that are not {scheme.name} labels: {listed}{more}", HINT)


def _overridden(ids: np.ndarray, overrides: Mapping[int, int] | None) -> np.ndarray:
    overrides = overrides or {}
    return np.array([overrides.get(label, label) for label in ids.tolist()], np.int64)


def _whole_numbers(labels: np.ndarray) -> np.ndarray:
    labels = np.asarray(labels)
    if labels.dtype.kind in "iu":
        return labels
    whole = np.rint(labels)
    if labels.dtype.kind not in "fb" or not np.array_equal(whole, labels) or np.abs(whole).max(initial=0) > 2**31:
        raise InputImageError("the label map has values that are not whole numbers", "Is it an image, or resampled?")
    return whole.astype(np.int64)


def _present_ids(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of an array in rising order, and for every voxel the index of its value."""
    low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
    if high - low >= 2**16:
        return np.unique(labels, return_inverse=True)
    shifted = labels.astype(np.int64) - low
    counts = np.bincount(shifted.ravel())
    present = np.flatnonzero(counts)
    index = np.zeros(len(counts), np.uint16)
    index[present] = np.arange(len(present))
    return present + low, index[shifted]


def _is_right(rows: np.ndarray, midline: np.ndarray, scheme: LabelScheme) -> np.ndarray:
    """Return which midline voxels lie beyond the plane half-way between the left and the right structures."""
    side = np.sign(np.arange(len(scheme)) - scheme.partner).astype(np.int8)[rows]
    side[midline] = 0
    voxels = np.argwhere(midline)
    left, right = _centre(side < 0), _centre(side > 0)
    if left is None or right is None:
        return np.full(len(voxels), left is None and right is not None)
    return (voxels - (left + right) / 2) @ (right - left) > 0


def _centre(mask: np.ndarray) -> np.ndarray | None:
    profiles = [mask.sum(tuple(other for other in range(3) if other != axis)) for axis in range(3)]
    total = profiles[0].sum()
    return np.array([profile @ np.arange(len(profile)) / total for profile in profiles]) if total else None
