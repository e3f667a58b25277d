"""Subjects whose files go bad while a run trains: left out with one warning; too many end it with their names."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from boxes import box_subject, write_dataset
from BrainFMEngine.dataset.dataset import Dataset
from BrainFMEngine.errors import InputImageError
from BrainFMEngine.training import run
from BrainFMEngine.training.bad_subjects import BadSubjects
from BrainFMEngine.training.feed import TrainingFeed
from BrainFMEngine.training.logbook import read_log
from BrainFMEngine.training.recipe import with_values
from BrainFMEngine.training.recipes import named_recipe
from BrainFMEngine.training.run import RunRequest, train
from BrainFMEngine.training.run_folder import read_state
from BrainFMEngine.training.stop import StopSignal
from BrainFMEngine.training.subject_shelf import SubjectShelf

pytestmark = pytest.mark.usefixtures("one_thread")

NAMES = [f"head_{number}" for number in range(6)]
TRAINED, HELD_OUT = NAMES[:4], NAMES[4:]


def recipe_of(**changes):
    values = {"steps": 5, "validation.every": 0, "data.real_probability": None, **changes}
    return with_values(named_recipe("brainfm", "quick"), values)


@pytest.fixture
def dataset(tmp_path):
    heads = [replace(box_subject(("T1",) if name in NAMES[::2] else ()), name=name) for name in NAMES]
    heads = [replace(head, rows=head.rows.roll(index, 1)) for index, head in enumerate(heads)]
    return write_dataset(tmp_path / "dataset", heads[:4], heads[4:])


def shelf_of(folder):
    opened = Dataset(folder)
    shelf = SubjectShelf(opened.load, 0)
    for name in TRAINED:
        shelf.add(opened.load(name))
    return shelf


def truncate(path):
    path.write_bytes(path.read_bytes()[:1000])


def overwrite(path):
    path.write_bytes(b"no subject" * 100)


def delete(path):
    path.unlink()


def delete_both(path):
    path.unlink()
    path.with_suffix(".json").unlink()


def drawn_subjects(dataset, recipe, count):
    """Who the samples are made of while all is well."""
    with TrainingFeed(shelf_of(dataset), recipe) as feed:
        return [feed.batch(step)[0].parameters.subject for step in range(count)]


def forget(shelf):
    shelf._held.clear()
    shelf._held_bytes = 0


@pytest.mark.parametrize("spoil", [truncate, overwrite, delete, delete_both])
def test_the_next_subject_takes_the_place_of_a_bad_one(dataset, spoil):
    recipe, steps = recipe_of(), 6
    good = drawn_subjects(dataset, recipe, steps)
    victim = min(set(good), key=good.count)
    assert good.count(victim) <= 2
    following = TRAINED[(TRAINED.index(victim) + 1) % 4]
    shelf = shelf_of(dataset)
    forget(shelf)
    spoil(Dataset(dataset).file(victim))
    with TrainingFeed(shelf, recipe) as feed:
        made = [feed.batch(step) for step in range(steps)]
    kind = {member.name: member.is_real for member in shelf}
    if kind[following] != kind[victim]:
        following = TRAINED[(TRAINED.index(victim) + 2) % 4]
    assert [samples[0].parameters.subject for samples in made] == [following if n == victim else n for n in good]
    assert list(feed.bad.reasons) == [victim]
    assert (feed.bad.drawn, feed.bad.failed) == (steps, good.count(victim))


def test_a_replaced_sample_follows_from_who_is_bad(dataset):
    recipe = recipe_of()
    victim = drawn_subjects(dataset, recipe, 1)[0]
    known = BadSubjects()
    known.reasons[victim] = "met before"
    expected = TrainingFeed(shelf_of(dataset), recipe, bad=known).batch(0)
    shelf = shelf_of(dataset)
    forget(shelf)
    delete(Dataset(dataset).file(victim))
    met_now = TrainingFeed(shelf, recipe).batch(0)
    assert expected[0].parameters.subject != victim
    assert all((a.image == b.image).all() for a, b in zip(expected, met_now, strict=True))


def test_scans_are_replaced_by_scans(dataset):
    shelf = shelf_of(dataset)
    bad = BadSubjects()
    bad.reasons[TRAINED[0]] = "gone"
    assert bad.read_or_next(shelf[0], shelf).name == TRAINED[2]
    bad.reasons[TRAINED[2]] = "gone"
    assert bad.read_or_next(shelf[2], shelf).name == TRAINED[3]


def test_few_of_many_samples_are_tolerated_and_more_are_not(dataset):
    shelf = shelf_of(dataset)
    bad = BadSubjects()
    bad.reasons[TRAINED[1]] = "cut off"
    for _ in range(397):
        bad.read_or_next(shelf[0], shelf)
    for _ in range(4):
        bad.read_or_next(shelf[1], shelf)  # 4 of 401 are less than 1 %
    with pytest.raises(InputImageError, match=rf"^5 of 402 samples .* any more: {TRAINED[1]} \(cut off\)"):
        bad.read_or_next(shelf[1], shelf)


def start(dataset, folder, recipe, monkeypatch, spoil):
    """Train with subjects that are read anew each time, `spoil` called before the first step; return the warnings."""
    true_read = run.read_run_data

    def read_then_spoil(*args, **options):
        data = true_read(*args, **options)
        forget(data.subjects)
        forget(data.held_out)
        spoil()
        return data

    monkeypatch.setattr(run, "room_for_subjects", lambda *_: 0)
    monkeypatch.setattr(run, "read_run_data", read_then_spoil)
    events, warnings = run.TrainingEvents(), []
    events.warning = warnings.append
    outcome = None
    try:
        outcome = train(RunRequest(dataset, folder, recipe, device="cpu", threads=1), StopSignal(), events)
    except InputImageError as error:
        return outcome, warnings, str(error)
    return outcome, warnings, ""


def test_a_run_goes_on_without_a_subject_that_went_bad(dataset, tmp_path, monkeypatch):
    recipe = recipe_of()
    good = drawn_subjects(dataset, recipe, recipe.steps)
    victim = next(name for name in good if good.count(name) <= 2)
    folder = tmp_path / "run"
    outcome, warnings, _ = start(dataset, folder, recipe, monkeypatch, lambda: truncate(Dataset(dataset).file(victim)))
    assert outcome.step == recipe.steps and not outcome.reason
    (warning,) = [text for text in warnings if victim in text]
    assert "left out" in warning
    lines = read_log(folder)
    assert [line["warning"] for line in lines if "warning" in line] == [warning]
    trained_on = [line["subject"] for line in lines if "loss" in line]
    assert len(trained_on) == recipe.steps and victim not in trained_on
    state = read_state(folder).state
    assert state.state == "finished" and victim in state.message
    assert (folder / "model").is_dir()


def test_a_run_with_too_many_bad_samples_stops_and_names_them(dataset, tmp_path, monkeypatch):
    recipe = recipe_of(steps=40)
    spoiled = TRAINED[:3]
    outcome, _, error = start(
        dataset, tmp_path / "run", recipe, monkeypatch, lambda: [delete(Dataset(dataset).file(n)) for n in spoiled]
    )
    assert outcome is None and "samples were to be made of subjects that cannot be read any more" in error
    named = [name for name in spoiled if name in error]
    assert named and TRAINED[3] not in error
    state = json.loads((tmp_path / "run" / "run.json").read_text())
    assert state["state"] == "failed" and named[0] in state["message"]


def test_a_run_whose_subjects_are_all_bad_stops(dataset, tmp_path, monkeypatch):
    outcome, _, error = start(
        dataset, tmp_path / "run", recipe_of(), monkeypatch, lambda: [delete(Dataset(dataset).file(n)) for n in NAMES]
    )
    assert outcome is None and "no subject to train on" in error
    assert all(name in error for name in TRAINED)


def test_a_validation_goes_on_with_those_that_are_left(dataset, tmp_path, monkeypatch):
    recipe = recipe_of(**{"steps": 2, "validation.every": 1, "validation.subjects": 2})
    outcome, warnings, _ = start(
        dataset, tmp_path / "run", recipe, monkeypatch, lambda: delete(Dataset(dataset).file(HELD_OUT[0]))
    )
    assert outcome.step == 2
    assert len([text for text in warnings if HELD_OUT[0] in text]) == 1
    assert len([line for line in read_log(tmp_path / "run") if line.get("validation", {}).get("loss")]) == 2


def test_a_validation_of_none_stops(dataset, tmp_path, monkeypatch):
    recipe = recipe_of(**{"steps": 2, "validation.every": 1, "validation.subjects": 2})
    _, _, error = start(
        dataset, tmp_path / "run", recipe, monkeypatch, lambda: [delete(Dataset(dataset).file(n)) for n in HELD_OUT]
    )
    assert "no subject to validate on" in error and HELD_OUT[1] in error
