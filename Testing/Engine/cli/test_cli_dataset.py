"""`brainfm dataset`: the split shown and changed, a subject drawn; mistakes end as sentences."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

pytest.importorskip("torch")
from boxes import box_subject, write_dataset
from BrainFMEngine.dataset.in_use import learners, learning_from


@pytest.fixture
def folder(tmp_path):
    anna, berta, carla = (replace(box_subject(("T1",)), name=name) for name in ("anna", "berta", "carla"))
    return write_dataset(tmp_path / "satz ü", [anna, berta], [carla])


@pytest.fixture
def dataset(brainfm):
    return lambda command, *arguments: brainfm("dataset", command, *arguments, "--progress", "json")


def test_the_split_is_shown_and_changed(dataset, brainfm, folder, tmp_path):
    assert dataset("split", folder).of("split")[0]["train"] == ["anna", "berta"]
    moves = tmp_path / "moves.json"
    moves.write_text(json.dumps({"test": ["carla"]}))
    outcome = dataset("split", folder, "--file", moves, "--move", "berta=validation")
    assert outcome.code == 0 and outcome.of("done")[0]["code"] == 0
    expected = {"train": ["anna"], "validation": ["berta"], "test": ["carla"], "excluded": []}
    assert json.loads((folder / "split.json").read_text()) == expected
    assert "test: 1  carla" in brainfm("dataset", "split", folder).err


def test_refusals_are_sentences(dataset, folder, tmp_path):
    before = (folder / "split.json").read_bytes()
    for words, says in (
        (("--move", "anna=tset"), "no part 'tset'"),
        (("--move", "anna"), "moves nobody"),
        (("--move", "anna=test", "--move", "berta=test"), "nobody would be left"),
        (("--file", tmp_path / "missing.json"), "cannot read"),
    ):
        outcome = dataset("split", folder, *words)
        assert outcome.code in (2, 3) and says in outcome.of("error")[0]["message"]
    with learning_from(folder):
        assert "in use for training" in dataset("split", folder, "--move", "anna=test").of("error")[0]["message"]
    assert (folder / "split.json").read_bytes() == before
    assert dataset("split", tmp_path / "missing").code == 3


def test_a_subject_is_drawn(dataset, folder, tmp_path):
    outcome = dataset("picture", folder, "anna", "-o", tmp_path / "ä b.png")
    assert outcome.of("output")[0] == {
        "event": "output", "input": str(folder), "kind": "picture", "path": str(tmp_path / "ä b.png"),
    }  # fmt: skip
    assert (tmp_path / "ä b.png").read_bytes().startswith(b"\x89PNG")
    assert (
        "no name for a picture"
        in dataset("picture", folder, "anna", "-o", tmp_path / "a.gif").of("error")[0]["message"]
    )
    (folder / "subjects" / "anna.npz").write_bytes(b"x")
    assert (
        "anna.npz is damaged" in dataset("picture", folder, "anna", "-o", tmp_path / "b.png").of("error")[0]["message"]
    )


def test_a_training_says_that_it_learns_from_a_dataset(folder, tmp_path, monkeypatch):
    from BrainFMEngine.training import run
    from BrainFMEngine.training.recipes import find_recipe
    from BrainFMEngine.training.stop import StopSignal

    seen = []
    monkeypatch.setattr(run, "_train", lambda request, *_: seen.append(learners(request.dataset)))
    request = run.RunRequest(folder, tmp_path / "run", find_recipe("brainfm", "quick"), device="cpu")
    run.train(request, StopSignal())
    assert len(seen[0]) == 1 and learners(folder) == []
