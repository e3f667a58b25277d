"""`brainfm recipes`: what is listed, shown, saved and answered is what training reads."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytest.importorskip("torch")


@pytest.fixture
def answers(monkeypatch):
    """Function that sends requests to a worker and returns what it says."""

    def ask(*requests) -> list[dict]:
        lines = "".join(f"{request if isinstance(request, str) else json.dumps(request)}\n" for request in requests)
        command = [sys.executable, "-m", "BrainFMEngine", "recipes", "answer"]
        done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True, encoding="utf-8")
        return [json.loads(line) for line in done.stdout.splitlines()]

    return ask


def test_all_recipes_are_listed(brainfm):
    from BrainFMEngine.training.recipes import RECIPES

    assert [line.split()[0] for line in brainfm("recipes", "list").out.splitlines()] == list(RECIPES)
    rows = {row["recipe"]: row for row in json.loads(brainfm("recipes", "list", "--json", "--preset", "paper").out)}
    assert rows["adapt-segmentation"]["needs_model"] and rows["brain-age"]["needs_ages"]
    assert brainfm("recipes", "list", "--preset", "large").code == 2


def test_what_is_shown_is_what_training_writes_and_a_file_comes_back(brainfm, tmp_path):
    changes = ("--set", "steps=50", "--set", "generator.corruption_changes.noise.std=[0, 9]", "--follow")
    shown = brainfm("recipes", "show", "brainfm", "--preset", "quick", *changes).out
    written = tmp_path / "written.json"
    chosen = ("--recipe", "brainfm", "--preset", "quick", *changes, "--write-recipe", written)
    assert brainfm("train", tmp_path, "-o", tmp_path / "run", *chosen).code == 0
    assert written.read_text() == shown and json.loads(shown)["schedule"]["decay_steps"] == 25
    assert brainfm("recipes", "show", written).out == shown
    assert brainfm("recipes", "show", written, "-o", tmp_path / "again.json").code == 0
    assert (tmp_path / "again.json").read_bytes() == written.read_bytes()


def test_a_description_has_every_value(brainfm):
    told = json.loads(brainfm("recipes", "show", "cifl", "--preset", "quick", "--describe").out)
    fields = {field["path"]: field for field in told["fields"]}
    assert fields["samples"]["value"] == 2 and fields["precision"]["choices"] == ["fp32", "bf16", "fp16"]
    assert {field["section"] for field in told["fields"]} <= {section["name"] for section in told["sections"]}
    assert told["steps"] == 20 and not told["needs_model"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("brainfn",), "'brainfm'"),
        (("brainfm", "--set", "optimizer.learning_rte=1"), "'learning_rate'"),
        (("brainfm", "--set", "precision=fp64"), "'fp16'"),
        (("brainfm", "--set", "schedule.kind=multistp"), "'multistep'"),
        (("brainfm", "--start", "compac", "--follow"), "'compact'"),
        (("brainfm", "--set", "network.num_levels=2", "--set", "generator.shape=[1, 8, 8]"), "too small"),
    ],
)
def test_wrong_values_are_told_with_the_nearest_name(brainfm, arguments, says):
    outcome = brainfm("recipes", "show", *arguments)
    assert outcome.code in (2, 4) and says in outcome.err and "Traceback" not in outcome.err


def test_requests_are_answered_one_by_one_and_wrong_ones_end_nothing(answers, brainfm, tmp_path):
    ready, first, unknown, wrong, nothing, saved = answers(
        {"request": 1, "recipe": "brainfm", "preset": "quick", "changes": {"steps": 40}, "describe": True},
        {"request": 2, "recipe": "brainfm", "chnges": {}},
        {"request": 3, "recipe": "brainfm", "changes": {"samples": 0}},
        "not JSON",
        {"request": 4, "recipe": "brainfm", "preset": "quick", "save": str(tmp_path / "a.json"), "overwrite": True},
        "stop",
    )
    assert ready["event"] == "ready" and first["recipe"]["steps"] == 40
    assert first["followed"]["schedule.decay_steps"] == 20
    assert {field["path"]: field["value"] for field in first["fields"]}["steps"] == 20, "values of the recipe itself"
    assert (unknown["event"], unknown["request"], unknown["hint"]) == ("error", 2, "Did you mean 'changes'?")
    assert "'samples' is 0" in wrong["message"] and nothing["request"] is None
    assert saved["request"] == 4 and saved["saved"] == str(tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text() == brainfm("recipes", "show", "brainfm", "--preset", "quick").out
