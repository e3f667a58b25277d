"""`brainfm evaluate`: tables and pictures of a tiny model, subjects that fail, nothing overwritten unasked."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace

import pytest
from boxes import box_subject, write_dataset

pytest.importorskip("torch")

from BrainFMEngine.errors import FileAccessError

RESULTS = {"results.csv", "summary.md", "report.json"}


def write_heads(folder, heads: dict) -> None:
    """Write a data set with subjects in its test part only."""
    write_dataset(folder, test=[replace(subject, name=name) for name, subject in heads.items()])


@pytest.fixture
def shelf(tmp_path):
    """A small data set."""
    folder = tmp_path / "daten ü"
    write_heads(folder, {"sub-01": box_subject(("T1",)), "sub-02": box_subject()})
    return folder


@pytest.fixture
def evaluate(brainfm, model_folder, shelf, tmp_path):
    """Function that evaluates the tiny model into a folder "out"."""

    def call(*arguments, folder="out"):
        words = ("evaluate", model_folder, "--data", shelf, "-o", tmp_path / folder, "--device", "cpu", "--threads", 1)
        return brainfm(*words, "--progress", "json", *arguments)

    return call


def test_tables_report_and_pictures(evaluate, tmp_path):
    outcome = evaluate()
    assert outcome.code == 0, outcome.err
    folder = tmp_path / "out"
    names = {path.name for path in folder.iterdir()}
    assert names >= RESULTS and {"picture_sub-01_real-T1.png", "picture_sub-01_synthetic-random-2.png"} <= names
    assert len(names) == 3 + 7
    assert {entry["path"] for entry in outcome.of("output")} == {str(folder / name) for name in names}
    with (folder / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["subject", "input", "task", "metric", "value", "unit"]
    assert {row["subject"] for row in rows} == {"sub-01", "sub-02"}
    assert {row["input"] for row in rows} >= {"real T1", "synthetic CT", "synthetic random-1"}
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert "# Evaluation of ignorant" in summary and "| all synthetic |" in summary and " (2) |" in summary
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["data"] == {"name": "daten ü", "split": "test", "subjects": ["sub-01", "sub-02"]}
    assert len(report["model"]["sha256"]) == 64 and report["failed"] == {}
    assert any(item["metric"] == "mean Dice" and item["count"] == 2 for item in report["summary"])
    fractions = [entry["fraction"] for entry in outcome.of("progress")]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    assert outcome.of("done")[0]["results"][0]["folder"] == str(folder)


def test_results_are_not_overwritten_unasked(evaluate, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "summary.md").write_text("mine", encoding="utf-8")
    refused = evaluate("--inputs", "real")
    assert refused.code == 2 and "summary.md" in refused.of("error")[0]["message"]
    assert [path.name for path in folder.iterdir()] == ["summary.md"]
    assert (folder / "summary.md").read_text(encoding="utf-8") == "mine"
    allowed = evaluate("--inputs", "real", "--pictures", 0, "--overwrite")
    assert allowed.code == 0, allowed.err
    assert {path.name for path in folder.iterdir()} == RESULTS


def test_a_subject_that_fails_is_told_and_left_out(evaluate, shelf, tmp_path):
    write_heads(shelf, {"broken": box_subject(("T1",)), "sub-01": box_subject(("T1",))})
    (shelf / "subjects" / "broken.npz").write_bytes(b"damaged")
    outcome = evaluate("--inputs", "real", "--pictures", 0)
    assert outcome.code == 2
    assert "broken is left out" in outcome.of("warning")[-1]["message"]
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert list(report["failed"]) == ["broken"]
    assert "**Left out:** broken" in (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")


def test_nothing_to_measure_is_explained(evaluate, shelf, tmp_path):
    write_heads(shelf, {"labels-only": box_subject()})
    outcome = evaluate("--inputs", "real")
    assert outcome.code == 2 and "nothing could be measured" in outcome.of("error")[0]["message"]
    assert not (tmp_path / "out").exists()
    (shelf / "subjects" / "labels-only.npz").write_bytes(b"damaged")
    outcome = evaluate()
    assert outcome.code == 2 and "is damaged" in outcome.of("error")[0]["message"]


@pytest.fixture
def stop_after(monkeypatch):
    """Function that lets so many predictions happen, then somebody presses Ctrl-C; None lets all happen."""
    from BrainFMEngine.inference.predictor import Predictor

    predict, calls = Predictor.predict, []

    def stop(count: int | None) -> list:
        calls.clear()

        def interrupted(*arguments, **options):
            if len(calls) == count:
                raise KeyboardInterrupt
            calls.append(1)
            return predict(*arguments, **options)

        monkeypatch.setattr(Predictor, "predict", interrupted)
        return calls

    return stop


def test_stopped_anywhere_it_goes_on_to_the_same_numbers(evaluate, shelf, tmp_path, stop_after):
    write_heads(shelf, {"sub-01": box_subject(("T1", "T2")), "sub-02": box_subject(("T1", "T2"))})
    assert evaluate("--inputs", "real", folder="whole").code == 0
    for count in (0, 1, 2, 3):
        folder = tmp_path / f"after {count}"
        stop_after(count)
        stopped = evaluate("--inputs", "real", folder=folder)
        assert stopped.code == 130 and ("--resume" in stopped.of("error")[0]["hint"]) == folder.exists() == (count > 0)
        if not count:
            continue
        assert len(list((folder / "unfinished").glob("*-*.json"))) == count
        refused = evaluate("--inputs", "real", folder=folder)
        assert refused.code == 2 and "unfinished" in refused.of("error")[0]["message"]
        calls = stop_after(None)
        outcome = evaluate("--inputs", "real", "--resume", folder=folder)
        assert outcome.code == 0, outcome.err
        assert len(calls) == 4 - count
        names = {path.name for path in folder.iterdir()}
        assert names == {path.name for path in (tmp_path / "whole").iterdir()} > RESULTS
        for name in ("results.csv", "summary.md"):
            assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_it_does_not_go_on_with_something_else(evaluate, brainfm, shelf, tmp_path, stop_after):
    nothing = evaluate("--resume")
    assert nothing.code == 2 and "no unfinished" in nothing.of("error")[0]["message"]
    write_heads(shelf, {"sub-01": box_subject(("T1", "T2")), "sub-02": box_subject()})
    stop_after(1)
    assert evaluate("--inputs", "real", "--pictures", 0).code == 130
    stop_after(None)
    other = evaluate("--resume", "--inputs", "real", "--window", 32)
    assert other.code == 2 and "begun with window None, not 32" in other.of("error")[0]["message"]
    from BrainFMEngine.network.checkpoint import save_model
    from tiny_networks import random_network

    network = random_network(num_levels=2)
    save_model(tmp_path / "other", network, network.info)
    words = ("evaluate", tmp_path / "other", "--data", shelf, "-o", tmp_path / "out", "--progress", "json")
    other = brainfm(*words, "--resume", "--inputs", "real")
    assert other.code == 2 and "another model" in other.of("error")[0]["message"]
    write_heads(shelf, {"sub-01": box_subject(("T1", "CT")), "sub-02": box_subject()})
    other = evaluate("--resume", "--inputs", "real")
    assert other.code == 2 and "another data set (sub-01 changed)" in other.of("error")[0]["message"]
    anew = evaluate("--inputs", "real", "--pictures", 0, "--overwrite")
    assert anew.code == 0 and {path.name for path in (tmp_path / "out").iterdir()} == RESULTS


def test_leave_to_overwrite_is_remembered(evaluate, shelf, tmp_path, stop_after):
    write_heads(shelf, {"sub-01": box_subject(("T1", "T2")), "sub-02": box_subject()})
    words = ("--inputs", "real", "--pictures", 0)
    assert evaluate(*words).code == 0
    stop_after(1)
    assert evaluate(*words, "--split", "all", "--overwrite").code == 130
    assert "split `test`" in (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    stop_after(None)
    assert evaluate(*words, "--split", "all", "--resume").code == 0
    assert "split `all`" in (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")


def test_a_disk_that_is_full_stops_it_and_it_goes_on(evaluate, shelf, tmp_path, monkeypatch):
    write_heads(shelf, {"sub-01": box_subject(("T1", "T2"))})
    from BrainFMEngine.evaluation import unfinished

    write = unfinished.write_json

    def full(path, value):
        if path.name == "00001-02.json":
            raise FileAccessError("cannot write it: No space left on device", "Check free disk space.")
        write(path, value)

    monkeypatch.setattr(unfinished, "write_json", full)
    stopped = evaluate("--inputs", "real")
    assert stopped.code == 3 and "--resume" in stopped.of("error")[0]["hint"]
    monkeypatch.undo()
    assert evaluate("--inputs", "real", "--resume").code == 0


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--split", "validation"), 2, "no subjects"),
        (("--split", "tset"), 2, "no part"),
        (("--device", "gpu9"), 2, "device"),
        (("--data", "nowhere"), 3, "no dataset"),
    ],
)
def test_wrong_options_are_explained(evaluate, tmp_path, options, code, says):
    outcome = evaluate(*options)
    assert outcome.code == code and says in outcome.of("error")[0]["message"]
    assert not (tmp_path / "out").exists()


def test_an_unknown_model_is_explained_before_anything_is_loaded(brainfm, shelf, tmp_path):
    outcome = brainfm("evaluate", "compatc", "--data", shelf, "-o", tmp_path / "out", "--progress", "json")
    assert outcome.code == 4 and "compatc" in outcome.of("error")[0]["message"]


def test_the_options_load_without_torch():
    code = "import sys, BrainFMEngine.cli.evaluate, BrainFMEngine.cli.evaluation; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
