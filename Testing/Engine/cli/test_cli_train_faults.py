"""`brainfm train` when something is wrong: a sentence with a hint, the right exit code, nothing lost, no litter."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest

pytest.importorskip("torch")

import torch
from boxes import box_subject, write_dataset
from BrainFMEngine.cli import main
from BrainFMEngine.cli.training_reporters import tell
from BrainFMEngine.dataset.dataset import write_split
from BrainFMEngine.dataset.split import Split
from BrainFMEngine.network.checkpoint import load_network
from BrainFMEngine.training import learner, run
from BrainFMEngine.training.estimate import Estimate
from BrainFMEngine.training.run_folder import read_state
from BrainFMEngine.training.stop import StopSignal

TINY = ("--preset", "quick", "--device", "cpu", "--threads", 1, "--progress", "json", "--recipe", "adapt-segmentation")
FEW = (*TINY, "--set", "steps=2", "--set", "validation.every=0", "--set", "saving.every=1", "--set", "accumulation=1")
MORE = ("--set", "steps=3", "--resume", "--allow-change")


def write_heads(folder, train=("first", "second"), validation=("third",), change=lambda subject: subject):
    box, subjects = box_subject(("T1",)), []
    for index, name in enumerate((*train, *validation)):
        subjects.append(change(replace(box, name=name, rows=box.rows.roll(index, 1))))  # no two are the same scan
    return write_dataset(folder, subjects[: len(train)], subjects[len(train) :])


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_heads(tmp_path_factory.mktemp("data") / "köpfe zum üben")


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    """A finished run of two steps, to be copied."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    assert main([str(word) for word in ("train", dataset, "-o", folder, *FEW)]) == 0
    return folder


@pytest.fixture
def copy(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "copy")


def spoil(path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(bytes(data))


def sentence(result, code: int) -> str:
    assert result.code == code, result.err
    assert "Traceback" not in result.err
    (error,) = result.of("error")
    assert error["code"] == code and result.of("done")[0]["code"] == code
    assert error["message"] and error["hint"]
    return f"{error['message']}. {error['hint']}"


def warnings(result) -> str:
    return " ".join(event["message"] for event in result.of("warning"))


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("--start", "nobody"), 4, "compact"),
        (("--set", "start.model=compact"), 2, "network.f_maps"),
        (("--recipe", "brain-age"), 2, "data.ages"),
        (("--set", "generator.shape=[4000,4000,4000]"), 5, "generator.shape=[3200,3200,3200]"),
        (("--set", "seed=-1"), 2, "whole number"),
        (("--set", "generator.spacing_mm=0"), 2, "above 0"),
        (("--set", "objective.weights.seg_ce=NaN"), 2, "NaN"),
    ],
)
def test_a_run_that_cannot_begin_leaves_nothing(brainfm, dataset, tmp_path, arguments, code, word):
    result = brainfm("train", dataset, "-o", tmp_path / "run", *FEW, *arguments)
    assert result.code == code, result.err
    assert word in result.err and "Traceback" not in result.err
    assert not (tmp_path / "run").exists()


def test_too_little_disk_is_told_before_the_first_step(brainfm, dataset, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=100_000))
    assert "needs" in sentence(brainfm("train", dataset, "-o", tmp_path / "run", *FEW), 3)
    assert not (tmp_path / "run").exists()


def test_nobody_elses_files_are_replaced(brainfm, dataset, tmp_path):
    (tmp_path / "mine" / "model").mkdir(parents=True)
    (tmp_path / "mine" / "model" / "precious.txt").write_text("mine")
    assert "'model' already" in sentence(brainfm("train", dataset, "-o", tmp_path / "mine", *FEW), 2)
    assert [path.name for path in tmp_path.rglob("*.txt")] == ["precious.txt"]
    assert "is the data set" in sentence(brainfm("train", dataset, "-o", dataset, *FEW), 2)
    assert not (dataset / "run.json").exists()


def test_a_recipe_cannot_be_written_everywhere(brainfm, dataset, tmp_path):
    where = tmp_path / "nowhere" / "mine.json"
    assert "cannot write" in sentence(
        brainfm("train", dataset, "-o", tmp_path / "run", *FEW, "--write-recipe", where), 3
    )


@pytest.mark.parametrize("way", ["image", "atlas", "labels", "file"])
def test_damaged_subjects_are_named(brainfm, tmp_path, way):
    def change(subject):
        if subject.name != "second" or way == "file":
            return subject
        if way == "image":
            return replace(subject, images={"T1": subject.images["T1"] * float("nan")})
        if way == "atlas":
            return replace(subject, atlas_mm=subject.atlas_mm * float("inf"))
        return replace(subject, rows=subject.rows.clone().fill_(250))

    folder = write_heads(tmp_path / "data", change=change)
    if way == "file":
        (folder / "subjects" / "second.npz").write_bytes(b"junk")
    result = brainfm("train", folder, "-o", tmp_path / "run", *FEW)
    assert "second" in sentence(result, 2) and "second is left out" in warnings(result)
    assert not (tmp_path / "run").exists()


def test_one_damaged_subject_of_many_is_left_out(brainfm, tmp_path):
    names = tuple(f"s{number:03}" for number in range(101))
    folder = write_heads(tmp_path / "data", names, ())
    (folder / "subjects" / "s007.npz").write_bytes(b"junk")
    result = brainfm("train", folder, "-o", tmp_path / "run", *FEW)
    assert result.code == 0
    assert "s007 is left out" in warnings(result)


def test_subjects_without_a_target_are_left_out(brainfm, tmp_path):
    without = {"second", "third"}
    folder = write_heads(
        tmp_path / "data", change=lambda subject: replace(subject, images={}) if subject.name in without else subject
    )
    result = brainfm(
        "train", folder, "-o", tmp_path / "run", *FEW, "--recipe", "brain-id", "--set", "validation.every=2"
    )
    assert result.code == 0
    assert "1 of 2 subjects have no target" in warnings(result) and "no subjects for validation" in warnings(result)
    assert all(event["loss"] > 0 for event in result.of("step"))
    write_split(folder, Split(train=("second", "third")))
    useless = brainfm("train", folder, "-o", tmp_path / "other", *FEW, "--recipe", "brain-id")
    assert "has a target that this recipe learns from" in sentence(useless, 2)


def test_a_person_in_training_and_validation_is_told(brainfm, tmp_path):
    folder = write_heads(
        tmp_path / "data", ("first",), ("third",), lambda subject: replace(box_subject(), name=subject.name)
    )
    result = brainfm("train", folder, "-o", tmp_path / "run", *FEW, "--set", "validation.every=2")
    assert "third, for validation, and first, for training" in warnings(result)


def test_ages_are_learnt(brainfm, dataset, tmp_path):
    (tmp_path / "ages.csv").write_text("name,age\nfirst,30\nsecond,61.5\n")
    ages = ("--recipe", "brain-age", "--set", f"data.ages={tmp_path / 'ages.csv'}")
    result = brainfm("train", dataset, "-o", tmp_path / "run", *FEW, *ages)
    assert result.code == 0, result.err
    assert all(event["age"] > 0 for event in result.of("step"))


def test_without_subjects_for_validation(brainfm, tmp_path):
    folder = write_heads(tmp_path / "data", ("first",), ())
    result = brainfm("train", folder, "-o", tmp_path / "run", *FEW, "--set", "validation.every=1")
    assert result.code == 0 and "no subjects for validation" in warnings(result)


def test_a_damaged_last_checkpoint(brainfm, dataset, copy):
    spoil(copy / "checkpoints" / "last.pt")
    result = brainfm("train", dataset, "-o", copy, *FEW, *MORE)
    assert result.code == 0 and "continuing from previous.pt, step 1" in warnings(result)
    assert [event["step"] for event in result.of("step")] == [2, 3]
    assert (copy / "checkpoints" / "last.pt.damaged").exists()


def test_all_checkpoints_damaged_or_gone(brainfm, dataset, copy):
    for name in ("last", "previous"):
        spoil(copy / "checkpoints" / f"{name}.pt")
    assert "neither" in sentence(brainfm("train", dataset, "-o", copy, *FEW, *MORE), 4)
    assert load_network(copy / "model")
    shutil.rmtree(copy / "checkpoints")
    assert "are gone" in sentence(brainfm("train", dataset, "-o", copy, *FEW, *MORE), 4)


def test_a_damaged_best_checkpoint_does_not_cost_the_model(brainfm, dataset, copy):
    for ending in (".pt", ".json"):
        shutil.copy(copy / "checkpoints" / f"previous{ending}", copy / "checkpoints" / f"best{ending}")
    spoil(copy / "checkpoints" / "best.pt")
    (copy / ".model-killed.part" / "new").mkdir(parents=True)  # as if killed while the model was written
    result = brainfm("train", dataset, "-o", copy, *FEW, *MORE)
    assert result.code == 0 and "the last weights become the model" in warnings(result)
    assert load_network(copy / "model").info.provenance["step"] == "3"
    assert not list(copy.glob(".model-*"))


def test_a_damaged_recipe_of_the_run(brainfm, dataset, copy):
    (copy / "recipe.json").write_text("{")
    assert "Delete" in sentence(brainfm("train", dataset, "-o", copy, *FEW, "--resume"), 2)
    (copy / "recipe.json").unlink()
    assert brainfm("train", dataset, "-o", copy, *FEW, "--resume").code == 0


def test_another_network_is_not_resumed(brainfm, dataset, copy):
    result = brainfm("train", dataset, "-o", copy, *FEW, *MORE, "--set", "network.f_maps=16")
    assert "does not fit" in sentence(result, 2)
    assert brainfm("train", dataset, "-o", copy, *FEW, "--resume").code == 0


def test_an_allowed_change_of_the_optimizer_takes_effect(brainfm, dataset, copy):
    changes = ("--set", "optimizer.weight_decay=0.25")
    assert brainfm("train", dataset, "-o", copy, *FEW, *MORE, *changes).code == 0
    state = torch.load(copy / "checkpoints" / "last.pt", weights_only=True)
    assert {group["weight_decay"] for group in state["learner"]["optimizer"]["param_groups"]} == {0.25}


def test_subjects_that_changed_are_noticed(brainfm, copy, tmp_path):
    folder = write_heads(tmp_path / "data", change=lambda subject: replace(subject, rows=subject.rows.flip(0)))
    refused = sentence(brainfm("train", folder, "-o", copy, *FEW, "--resume"), 2)
    assert "first, second changed" in refused
    assert brainfm("train", folder, "-o", copy, *FEW, *MORE).code == 0


def test_a_resume_does_not_need_the_model_that_the_run_began_with(brainfm, dataset, trained, tmp_path):
    first = shutil.copytree(trained / "model", tmp_path / "begin")
    assert brainfm("train", dataset, "-o", tmp_path / "run", *FEW, "--start", first).code == 0
    shutil.rmtree(first)
    assert brainfm("train", dataset, "-o", tmp_path / "run", "--progress", "json", *MORE).code == 0


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), 5, "generator.shape"),
        (MemoryError(), 5, "generator.shape"),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), 5, "--resume"),
        (OSError(28, "No space left on device", "log.jsonl"), 3, "log.jsonl"),
        (OSError(5, "Input/output error"), 3, "Input/output error"),
    ],
)
def test_what_the_machine_does_to_a_run(brainfm, dataset, tmp_path, monkeypatch, error, code, word):
    true_look = learner.Learner.look

    def look(self, batches, step):
        if step == 1:
            raise error
        return true_look(self, batches, step)

    with monkeypatch.context() as patch:
        patch.setattr(learner.Learner, "look", look)
        assert word in sentence(brainfm("train", dataset, "-o", tmp_path / "run", *FEW), code)
    state = read_state(tmp_path / "run").state
    assert state.state == "failed" and word in state.message
    again = brainfm("train", dataset, "-o", tmp_path / "run", *FEW, "--resume")
    assert again.code == 0 and [event["step"] for event in again.of("step")] == [2]


def test_what_is_surely_too_large_is_refused_and_what_may_be_is_told(brainfm, dataset, tmp_path, monkeypatch):
    for free, code in ((50_000_000, 5), (90_000_000, 0)):
        monkeypatch.setattr(run, "estimate_run", lambda *_, free=free: Estimate(1, 100_000_000, free, 1, 4))
        result = brainfm("train", dataset, "-o", tmp_path / "run", *FEW)
        assert result.code == code
        assert "a step needs" in result.err + warnings(result)


def test_a_stop_before_the_first_step_exports_no_random_weights(brainfm, dataset, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(StopSignal, "requested", property(lambda self: "the time is up"))
        result = brainfm("train", dataset, "-o", tmp_path / "run", *FEW)
    assert result.code == 0 and "no step was taken: the time is up" in warnings(result)
    assert result.of("done")[0]["model"] is None and not (tmp_path / "run" / "model").exists()
    assert brainfm("train", dataset, "-o", tmp_path / "run", *FEW, "--resume").of("done")[0]["step"] == 2


def test_a_run_goes_on_though_nobody_listens():
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stream:
        os.close(reader)
        for _ in range(3):
            tell(stream, "step\n")
    tell(None, "step\n")
