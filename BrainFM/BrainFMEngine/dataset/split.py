"""Which subjects a model learns from, which choose it, and which only judge it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import floor

import numpy as np

from BrainFMEngine.dataset.info import SubjectInfo
from BrainFMEngine.errors import UsageError, nearest_name

PARTS = ("train", "validation", "test")
FRACTIONS = (0.8, 0.1, 0.1)
SETUPS: dict[str, tuple[str, ...]] = {"setup-1": (), "setup-2": ("HCP", "ADNI3"), "setup-3": ("AIBL",)}
"""BrainFM's Table 1: the collections that each setup leaves out for testing."""
SETUP_FRACTIONS = (0.9, 0.0, 0.1)


@dataclass(frozen=True)
class Split:
    """Names of subjects; `excluded` ones are in the dataset but in no part.

    Raises:
        UsageError: a subject is in two places.
    """

    train: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        seen: dict[str, str] = {}
        for part in fields(self):
            for name in getattr(self, part.name):
                if name in seen:
                    raise UsageError(f"subject {name!r} is in {seen[name]} and in {part.name} of the split")
                seen[name] = part.name

    @property
    def names(self) -> set[str]:
        """Every name, excluded ones too."""
        return {*self.train, *self.validation, *self.test, *self.excluded}

    def part(self, name: str) -> tuple[str, ...]:
        """Return the names of "train", "validation" or "test"; UsageError for anything else."""
        if name not in PARTS:
            raise UsageError(f"there is no part {name!r} of a split", nearest_name(name, PARTS))
        return getattr(self, name)

    def joined(self, other: Split) -> Split:
        """Return both, each part sorted by name."""
        return Split(*(tuple(sorted({*getattr(self, f.name), *getattr(other, f.name)})) for f in fields(self)))

    def without(self, names: Sequence[str]) -> Split:
        """Return the split with some subjects moved to `excluded`."""
        parts = {part: tuple(name for name in self.part(part) if name not in names) for part in PARTS}
        return Split(**parts, excluded=tuple(sorted({*self.excluded, *names})))


def random_split(
    names: Sequence[str],
    fractions: tuple[float, float, float] = FRACTIONS,
    seed: int = 0,
    groups: Mapping[str, str] | None = None,
) -> Split:
    """Divide subjects at random; the same names, in any order, and the same seed give the same split.

    Args:
        names: of the subjects.
        fractions: of train, validation and test; they sum to 1. A part that is asked for gets at least one person
            where there are enough.
        seed: of the draw.
        groups: name -> person; who belongs together stays together.

    Raises:
        UsageError: fractions that make no sense, or names that occur twice.
    """
    if len(fractions) != len(PARTS) or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise UsageError(f"{fractions} are no fractions of train, validation and test", "They must sum to 1.")
    if len(set(names)) != len(names):
        raise UsageError("a subject occurs twice in the list to be split")
    members: dict[str, list[str]] = {}
    for name in sorted(names):
        members.setdefault((groups or {}).get(name, name), []).append(name)
    persons = sorted(members)
    order = np.random.default_rng((seed, len(persons))).permutation(len(persons))
    counts = _counts(len(persons), fractions)
    parts, start = [], 0
    for count in counts[::-1]:  # test first, so that it does not depend on the share of validation
        chosen = [persons[index] for index in order[start : start + count]]
        parts.append(tuple(sorted(name for person in chosen for name in members[person])))
        start += count
    return Split(*parts[::-1])


def split_by_collection(
    infos: Sequence[SubjectInfo],
    held_out: Sequence[str] = (),
    fractions: tuple[float, float, float] = SETUP_FRACTIONS,
    seed: int = 0,
) -> Split:
    """Divide as BrainFM's Table 1.

    Setup I (`held_out` empty): of every collection, a random share is for testing. Setups II and III: the held-out
    collections are for testing, all others for training; collections with CT are divided as in Setup I.

    Args:
        infos: the subjects.
        held_out: names of collections.
        fractions: of train, validation and test.
        seed: of the draws; each collection has its own.

    Raises:
        UsageError: a collection that no subject comes from.
    """
    collections: dict[str, list[SubjectInfo]] = {}
    for info in infos:
        collections.setdefault(info.collection, []).append(info)
    for name in held_out:
        if name not in collections:
            raise UsageError(f"no subject comes from {name!r}", nearest_name(name, sorted(collections)))
    result = Split()
    for name, members in sorted(collections.items()):
        names = [info.name for info in members]
        if name in held_out:
            result = result.joined(Split(test=tuple(names)))
            continue
        divided = random_split(
            names, fractions, seed + zlib.crc32(name.encode()), {info.name: info.person for info in members}
        )
        if held_out and not any("CT" in info.contrasts for info in members):
            divided = Split(train=divided.train + divided.test, validation=divided.validation)
        result = result.joined(divided)
    return result


def _counts(total: int, fractions: tuple[float, float, float]) -> list[int]:
    """Return whole numbers of persons for each part; training keeps at least one."""
    counts = [floor(total * fraction + 0.5) for fraction in fractions]
    for part in (1, 2):
        if fractions[part] > 0 and counts[part] == 0 and total > 2:
            counts[part] = 1
    counts[0] = max(total - counts[1] - counts[2], 0)
    while sum(counts) > total:
        counts[1 if counts[1] else 2] -= 1
    return counts
