"""Data larger than memory: few subjects are held, samples are the same, and what is read again must still be there."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import numpy as np
import pytest
from boxes import box_subject, write_dataset
from BrainFMEngine.dataset.dataset import Dataset
from BrainFMEngine.errors import FileAccessError
from BrainFMEngine.training import run
from BrainFMEngine.training.estimate import Estimate, estimate_run
from BrainFMEngine.training.recipe import with_values
from BrainFMEngine.training.recipe_batch import make_recipe_batch
from BrainFMEngine.training.recipes import named_recipe
from BrainFMEngine.training.run import RunRequest, train
from BrainFMEngine.training.run_data import read_run_data, sampled_subjects
from BrainFMEngine.training.stop import StopSignal
from BrainFMEngine.training.subject_shelf import SubjectShelf, room_for_subjects, subject_bytes

NAMES = [f"head_{number}" for number in range(6)]


def recipe_of(**changes):
    return with_values(named_recipe("brainfm", "quick"), {"steps": 4, "validation.every": 2, **changes})


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    heads = [replace(box_subject(("T1",) if name == NAMES[0] else ()), name=name) for name in NAMES]
    heads = [replace(head, rows=head.rows.roll(index, 1)) for index, head in enumerate(heads)]
    return write_dataset(tmp_path_factory.mktemp("data") / "dataset", heads[:4], heads[4:])


class Counted:
    """Loads subjects of a data set, and tells which."""

    def __init__(self, folder):
        self.dataset, self.loaded = Dataset(folder), []

    def __call__(self, name):
        self.loaded.append(name)
        return self.dataset.load(name)


def shelf_of(folder, budget):
    load = Counted(folder)
    shelf = SubjectShelf(load, budget)
    for name in NAMES:
        shelf.add(load.dataset.load(name))
    return shelf, load


def test_no_more_than_there_is_room_for_is_held(dataset):
    size = subject_bytes(Dataset(dataset).load(NAMES[1]))
    shelf, load = shelf_of(dataset, budget=int(2.5 * size))
    rng = np.random.default_rng(1)
    for _ in range(30):
        assert shelf[int(rng.integers(6))].read().rows is not None
        assert 0 < shelf.held_bytes <= 2.5 * size < shelf.nbytes
    assert 6 < len(load.loaded) < 30


def test_with_room_nothing_is_read_twice(dataset):
    for budget in (None, 10**9):
        shelf, load = shelf_of(dataset, budget)
        for member in [*shelf, *shelf]:
            member.read()
        assert load.loaded == [] and shelf.held_bytes == shelf.nbytes


def test_without_any_room_the_one_in_use_is_held(dataset):
    shelf, load = shelf_of(dataset, budget=0)
    assert shelf[3].read() is shelf[3].read()
    assert load.loaded == [NAMES[3]] and shelf.held_bytes == shelf[3].nbytes


def test_what_was_used_last_stays(dataset):
    size = subject_bytes(Dataset(dataset).load(NAMES[1]))
    shelf, load = shelf_of(dataset, budget=2 * size)
    for index in (1, 2, 1, 3, 1):
        shelf[index].read()
    assert load.loaded == [NAMES[1], NAMES[2], NAMES[3]]


def test_threads_share_a_shelf(dataset):
    shelf, _ = shelf_of(dataset, budget=0)
    wrong = []

    def read(index):
        for _ in range(10):
            if shelf[index].read().name != NAMES[index]:
                wrong.append(index)

    threads = [threading.Thread(target=read, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_samples_do_not_depend_on_the_room(dataset):
    recipe = recipe_of()
    whole, none = (read_run_data(dataset, recipe, lambda text: None, room).subjects for room in (None, 0))
    assert [member.is_real for member in none] == [True, False, False, False]
    for seed in range(4):
        first, second = (make_recipe_batch(part, recipe, np.random.default_rng(seed)) for part in (whole, none))
        assert first[0].parameters.subject == second[0].parameters.subject
        assert all((a.image == b.image).all() for a, b in zip(first, second, strict=True))


def curve(folder):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [line.get("loss", line.get("validation")) for line in lines]


def test_a_run_on_data_larger_than_memory_is_the_same_run(dataset, tmp_path, monkeypatch):
    warnings = []
    for name, room in (("roomy", 10**12), ("tight", 1)):
        monkeypatch.setattr(run, "room_for_subjects", lambda *_, room=room: room)
        events = run.TrainingEvents()
        events.warning = lambda text, name=name: warnings.append((name, text))
        request = RunRequest(dataset, tmp_path / name, recipe_of(), device="cpu", threads=1)
        train(request, StopSignal(), events)
    assert curve(tmp_path / "roomy") == curve(tmp_path / "tight")
    (warning,) = [entry for entry in warnings if "read anew" in entry[1]]
    assert warning[0] == "tight"


def test_a_subject_that_is_gone_later_is_named(dataset, tmp_path):
    shelf, _ = shelf_of(dataset, budget=0)
    shelf._load = Dataset(write_dataset(tmp_path / "empty")).load
    with pytest.raises(Exception, match=NAMES[2]):
        shelf[2].read()
    shelf._load = lambda name: (_ for _ in ()).throw(FileAccessError(f"cannot read {name}"))
    with pytest.raises(FileAccessError, match=NAMES[1]):
        shelf[1].read()


def test_the_estimate_counts_what_is_held(dataset, monkeypatch):
    subjects = sampled_subjects(dataset)
    assert len(subjects) == 4 and subjects[0].nbytes > subjects[1].nbytes
    recipe = recipe_of()
    alone = estimate_run(recipe, ()).step_bytes
    assert estimate_run(recipe, subjects).step_bytes == alone + sum(member.nbytes for member in subjects)
    monkeypatch.setattr("BrainFMEngine.training.estimate._free_bytes", lambda device: alone)
    found: Estimate = estimate_run(recipe, subjects)
    assert found.step_bytes == alone + subjects[0].nbytes


def test_a_step_comes_before_subjects():
    assert room_for_subjects(None, 5) is None
    assert room_for_subjects(100, 200) == 0
    assert 0 < room_for_subjects(1000, 200) < 800
    assert room_for_subjects(1000, 200, processes=2) < room_for_subjects(1000, 200) / 2
