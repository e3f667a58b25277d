"""`brainfm train --resume` without a data set, and what a run tells programs beside its losses."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

pytest.importorskip("torch")

from boxes import box_subject, write_dataset

FEW = ("--preset", "quick", "--device", "cpu", "--threads", 1, "--progress", "json", "--set", "steps=2")
MORE = (*FEW[:-2], "--resume", "--allow-change", "--set")
RESOURCES = {"cpu_percent", "rss_bytes", "device_bytes", "device_total_bytes", "device_percent"}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    subjects = [replace(box_subject(("T1",)), name=name) for name in ("first", "second")]
    return write_dataset(tmp_path_factory.mktemp("data") / "dataset", subjects[:1], subjects[1:])


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    from BrainFMEngine.cli import main

    folder = tmp_path_factory.mktemp("runs") / "run"
    words = ("train", dataset, "-o", folder, *FEW, "--set", "validation.every=2")
    assert main([str(word) for word in words]) == 0
    return folder


@pytest.fixture
def copy(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def message(result) -> str:
    assert "Traceback" not in result.err
    (error,) = result.of("error")
    return f"{error['message']}. {error['hint']}"


def test_a_run_knows_its_data_set(brainfm, dataset, copy, tmp_path, monkeypatch):
    assert json.loads((copy / "run.json").read_text())["dataset"] == str(dataset)
    monkeypatch.chdir(tmp_path)
    resumed = brainfm("train", "-o", copy, *MORE, "steps=3")
    assert resumed.code == 0, resumed.err
    assert [event["step"] for event in resumed.of("step")] == [3]


def test_a_data_set_that_is_gone_is_named_and_another_wins(brainfm, dataset, copy, tmp_path):
    record = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps({**record, "dataset": str(tmp_path / "gone")}))
    lost = brainfm("train", "-o", copy, *MORE, "steps=3")
    assert lost.code == 3
    assert f"moved or deleted: {tmp_path / 'gone'}" in message(lost) and "train DATASET" in message(lost)
    found = brainfm("train", dataset, "-o", copy, *MORE, "steps=3")
    assert found.code == 0, found.err
    assert json.loads((copy / "run.json").read_text())["dataset"] == str(dataset)


def test_a_run_of_an_older_version_asks_for_its_data_set(brainfm, copy):
    record = json.loads((copy / "run.json").read_text())
    del record["dataset"], record["resources"]
    (copy / "run.json").write_text(json.dumps(record))
    refused = brainfm("train", "-o", copy, *MORE, "steps=3")
    assert refused.code == 2
    assert "has not noted its data set" in message(refused)


def test_a_new_run_needs_a_data_set_and_a_resumed_one_a_run(brainfm, tmp_path):
    assert "no data set to train on" in message(brainfm("train", "-o", tmp_path / "run", *FEW))
    assert "no run that could be resumed" in message(brainfm("train", "-o", tmp_path / "run", *FEW, "--resume"))
    written = brainfm("train", "-o", tmp_path / "run", *FEW, "--write-recipe", tmp_path / "mine.json")
    assert written.code == 0 and json.loads((tmp_path / "mine.json").read_text())["steps"] == 2


def test_steps_tell_what_they_use_and_the_log_has_the_scores(brainfm, dataset, tmp_path):
    run = tmp_path / "run"
    result = brainfm("train", dataset, "-o", run, *FEW, "--set", "validation.every=1")
    assert result.code == 0, result.err
    for event in result.of("step"):
        assert set(event["resources"]) == RESOURCES
        assert event["resources"]["rss_bytes"] > 10e6
    assert set(json.loads((run / "run.json").read_text())["resources"]) == RESOURCES
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [(line["step"], "validation" in line) for line in lines] == [(1, False), (1, True), (2, False), (2, True)]
    assert "resources" not in lines[0]
    told = {event["step"]: event for event in result.of("validation")}
    for line in lines[1::2]:
        assert line["validation"] == told[line["step"]]["metrics"] and line["best"] == told[line["step"]]["best"]
        assert "seg/mean Dice" in line["validation"] and "loss" in line["validation"]


def test_a_resumed_log_has_each_validation_once(brainfm, copy):
    assert brainfm("train", "-o", copy, *MORE, "steps=4", "--set", "validation.every=2").code == 0
    lines = [json.loads(line) for line in (copy / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "validation" in line] == [2, 4]


def test_the_estimate_tells_the_time(brainfm, dataset, tmp_path, monkeypatch):
    from BrainFMEngine.training import step_time

    monkeypatch.setattr(step_time, "BUDGET_SECONDS", 0.1)
    words = ("train", dataset, "-o", tmp_path / "run", *FEW[:6], "--estimate")
    told = brainfm(*words, "--set", "steps=50", "--progress", "json").of("done")[0]["estimate"]
    assert told["total_seconds"] > 50 * told["step_seconds"] > 0
    assert "s a step and" in brainfm(*words).err
