"""`brainfm train`: a run as a user starts, stops, kills and resumes it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

pytest.importorskip("torch")

from boxes import box_subject, write_dataset
from BrainFMEngine.network.checkpoint import load_network
from BrainFMEngine.training.run_folder import read_state, request_stop

QUICK = ("--preset", "quick", "--device", "cpu", "--threads", 1, "--progress", "json")
FEW = (*QUICK, "--set", "steps=4", "--set", "validation.every=2")


@pytest.fixture
def dataset(tmp_path):
    names = ("first", "second", "third")
    subjects = [replace(box_subject(("T1",) if name == "first" else ()), name=name) for name in names]
    return write_dataset(tmp_path / "köpfe zum üben", subjects[:2], subjects[2:])


def curve(run) -> list[float]:
    lines = (run / "log.jsonl").read_text().splitlines()
    return [values["loss"] for line in lines if "loss" in (values := json.loads(line))]


def test_a_run_from_beginning_to_model(brainfm, dataset, tmp_path):
    run = tmp_path / "lauf 1"
    result = brainfm("train", dataset, "-o", run, *FEW)
    assert result.code == 0, result.err
    assert [event["step"] for event in result.of("step")] == [1, 2, 3, 4]
    assert [event["step"] for event in result.of("validation")] == [2, 4]
    assert {event["name"] for event in result.of("checkpoint")} == {"last", "best"}
    assert len(result.of("eta")) == 4 and len(result.of("image")) == 2
    done = result.of("done")[0]
    assert done["code"] == 0 and done["step"] == 4 and done["reason"] == ""
    assert load_network(done["model"]).info.name == "brainfm-quick"
    state = read_state(run)
    assert state.state.state == "finished" and not state.alive
    assert json.loads((run / "recipe.json").read_text())["steps"] == 4


def test_a_folder_holds_one_run(brainfm, dataset, tmp_path):
    assert brainfm("train", dataset, "-o", tmp_path / "run", *FEW).code == 0
    again = brainfm("train", dataset, "-o", tmp_path / "run", *FEW)
    assert again.code == 2
    assert "holds a run already" in again.of("error")[0]["message"]
    nothing = brainfm("train", dataset, "-o", tmp_path / "other", "--resume", *FEW)
    assert nothing.code == 2
    assert "no run that could be resumed" in nothing.of("error")[0]["message"]


def test_another_recipe_is_refused_unless_allowed(brainfm, dataset, tmp_path):
    run = tmp_path / "run"
    assert brainfm("train", dataset, "-o", run, *FEW).code == 0
    changed = (*FEW, "--set", "steps=6", "--resume")
    refused = brainfm("train", dataset, "-o", run, *changed)
    assert refused.code == 2
    assert "another recipe" in refused.of("error")[0]["message"]
    assert "steps: 4 → 6" in refused.of("error")[0]["message"]
    allowed = brainfm("train", dataset, "-o", run, *changed, "--allow-change")
    assert allowed.code == 0
    assert [event["step"] for event in allowed.of("step")] == [5, 6]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--recipe", "brainfn"), "brainfm"),
        (("--set", "optimizer.learning_rat=1"), "learning_rate"),
        (("--set", "steps"), "--set steps=1000"),
        (("--set", "generator.shape=[8,8,8]"), "16"),
        (("--set", "generator.shape=[48,48,8]", "--estimate"), "16"),
        (("--set", "generator.shape=[16,16,16]", "--set", "network.num_levels=6"), "32"),
    ],
)
def test_a_wrong_request_is_explained(brainfm, dataset, tmp_path, arguments, word):
    result = brainfm("train", dataset, "-o", tmp_path / "run", *QUICK, *arguments)
    assert result.code == 2
    error = result.of("error")[0]
    assert word in f"{error['message']} {error['hint']}"
    assert not (tmp_path / "run").exists()


def test_no_dataset(brainfm, tmp_path):
    result = brainfm("train", tmp_path, "-o", tmp_path / "run", *QUICK)
    assert result.code == 3
    assert "is no dataset" in result.err


def test_estimate_and_recipe_train_nothing(brainfm, dataset, tmp_path):
    told = brainfm("train", dataset, "-o", tmp_path / "run", *QUICK, "--estimate")
    assert told.code == 0 and told.of("done")[0]["estimate"]["parameters"] > 1000
    written = brainfm("train", dataset, "-o", tmp_path / "run", *QUICK, "--write-recipe", tmp_path / "mine.json")
    assert written.code == 0
    assert not (tmp_path / "run").exists()
    used = brainfm(
        "train", dataset, "-o", tmp_path / "run", *QUICK, "--recipe", tmp_path / "mine.json", "--set", "steps=1"
    )
    assert used.code == 0


def test_it_stops_in_time(brainfm, dataset, tmp_path):
    result = brainfm("train", dataset, "-o", tmp_path / "run", *QUICK, "--set", "steps=100000", "--minutes", 0.1)
    assert result.code == 0
    done = result.of("done")[0]
    assert done["reason"] == "the time is up" and done["seconds"] < 12
    assert read_state(tmp_path / "run").state.state == "stopped"


def start(dataset, run, *arguments):
    command = [sys.executable, "-m", "BrainFMEngine", "train", dataset, "-o", run, *QUICK, *arguments]
    return subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def wait_for_step(process, step: int) -> None:
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "step" and event["step"] >= step:
            return
    raise AssertionError("the run ended early")


def test_killed_runs_continue_bit_for_bit(brainfm, dataset, tmp_path):
    steps = ("--set", "steps=9", "--set", "saving.every=2", "--set", "validation.every=3")
    assert brainfm("train", dataset, "-o", tmp_path / "whole", *QUICK, *steps).code == 0
    run = tmp_path / "killed"
    process = start(dataset, run, *steps)
    wait_for_step(process, 5)
    process.kill()
    process.wait()
    observed = read_state(run)
    assert not observed.alive and observed.state.state == "running"
    assert brainfm("train", dataset, "-o", run, *QUICK, *steps, "--resume").code == 0
    assert curve(run) == curve(tmp_path / "whole")
    first, second = (load_network(folder / "model").info.sha256 for folder in (tmp_path / "whole", run))
    assert first == second
    assert (run / "metrics.csv").read_text() == (tmp_path / "whole" / "metrics.csv").read_text()


@pytest.mark.parametrize("way", ["file", "signal", "line", "end"])
def test_every_way_to_ask_for_a_stop(dataset, tmp_path, way):
    if way == "signal" and sys.platform == "win32":
        pytest.skip("Windows ends a process that gets SIGTERM")
    run = tmp_path / "run"
    process = start(dataset, run, "--set", "steps=100000", "--stdin")
    wait_for_step(process, 2)
    assert read_state(run).alive
    if way == "file":
        request_stop(run)
    elif way == "signal":
        os.kill(process.pid, signal.SIGTERM)
    elif way == "line":
        process.stdin.write("stop\n")
        process.stdin.flush()
    else:
        process.stdin.close()
    deadline = time.monotonic() + 60
    rest = process.stdout.read()
    assert process.wait(timeout=max(1, deadline - time.monotonic())) == 0
    last = json.loads(rest.splitlines()[-1])
    assert last["event"] == "done" and last["reason"]
    assert read_state(run).state.state == "stopped"


def test_ages_are_found_again_from_another_folder(brainfm, dataset, tmp_path, monkeypatch):
    (tmp_path / "ages.csv").write_text("first,30\nsecond,61.5\n")
    (tmp_path / "elsewhere").mkdir()
    short = ("--set", "steps=2", "--set", "validation.every=0", "--set", "accumulation=1")
    words = ("train", dataset, "-o", tmp_path / "run", *QUICK)
    ages = ("--recipe", "brain-age", "--set", "data.ages=ages.csv")
    monkeypatch.chdir(tmp_path)
    first = brainfm(*words, *short, *ages)
    assert first.code == 0, first.err
    again = brainfm(*words, *short, *ages, "--resume")
    assert again.code == 0, again.err
    monkeypatch.chdir(tmp_path / "elsewhere")  # the recipe is the run's
    resumed = brainfm(*words, "--set", "steps=3", "--resume", "--allow-change")
    assert resumed.code == 0, resumed.err
    assert [event["step"] for event in resumed.of("step")] == [3]
