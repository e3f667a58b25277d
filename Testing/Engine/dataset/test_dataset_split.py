"""Splits: the same every time, people stay together, and the papers' setups."""

from __future__ import annotations

import pytest
from BrainFMEngine.dataset.info import SubjectInfo
from BrainFMEngine.dataset.split import SETUPS, Split, random_split, split_by_collection
from BrainFMEngine.errors import UsageError

NAMES = [f"s{index:02d}" for index in range(50)]


def info(name: str, collection: str, contrasts: tuple[str, ...] = ("T1",)) -> SubjectInfo:
    return SubjectInfo(name, collection, name, {}, "freesurfer", (40, 40, 40), contrasts)


def test_a_random_split_depends_on_names_and_seed_alone():
    split = random_split(NAMES, (0.8, 0.1, 0.1), 3)
    assert split == random_split(NAMES[::-1], (0.8, 0.1, 0.1), 3) != random_split(NAMES, (0.8, 0.1, 0.1), 4)
    assert (len(split.train), len(split.validation), len(split.test)) == (40, 5, 5)
    assert split.names == set(NAMES)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_small_datasets_keep_something_to_train_on(count):
    split = random_split(NAMES[:count])
    assert split.train and len(split.names) == count
    assert (len(split.validation) == len(split.test) == 1) == (count > 2)


def test_scans_of_a_person_stay_together():
    groups = {name: name[:2] for name in NAMES}
    split = random_split(NAMES, (0.4, 0.2, 0.4), 0, groups)
    for part in (split.train, split.validation, split.test):
        assert all(f"{name[:2]}{digit}" in part for name in part for digit in range(10))


def test_the_setups_of_table_1():
    collections = {"HCP": ("T1", "T2"), "ADNI3": ("T1", "FLAIR"), "AIBL": ("T1", "FLAIR"), "OASIS3": ("T1", "CT")}
    infos = [info(f"{name}-{i}", name, contrasts) for name, contrasts in collections.items() for i in range(20)]
    first, second, third = (split_by_collection(infos, SETUPS[f"setup-{number}"]) for number in (1, 2, 3))

    def tested(split):
        return {name: sum(n.startswith(name) for n in split.test) for name in collections}

    assert tested(first) == dict.fromkeys(collections, 2)
    assert tested(second) == {"HCP": 20, "ADNI3": 20, "AIBL": 0, "OASIS3": 2}
    assert tested(third) == {"HCP": 0, "ADNI3": 0, "AIBL": 20, "OASIS3": 2}
    oasis = [{n for n in split.test if n.startswith("OASIS3")} for split in (first, second, third)]
    assert oasis[0] == oasis[1] == oasis[2]


def test_mistakes_are_explained():
    with pytest.raises(UsageError, match="'a' is in train and in test"):
        Split(train=("a",), test=("a",))
    with pytest.raises(UsageError, match="twice"):
        random_split(["a", "a"])
    with pytest.raises(UsageError, match="fractions"):
        random_split(NAMES, (0.5, 0.2, 0.2))
    with pytest.raises(UsageError, match="HCP"):
        split_by_collection([info("a", "HPC")], ("HCP",))
    with pytest.raises(UsageError, match="no part"):
        Split().part("tset")


def test_excluding_moves_out_of_every_part():
    split = Split(("a", "b"), ("c",), ("d",)).without(["b", "d"])
    assert split == Split(("a",), ("c",), (), ("b", "d"))
