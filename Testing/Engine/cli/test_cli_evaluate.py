"""`brainfm evaluate`: tables and pictures of a tiny model, subjects that fail, nothing overwritten unasked."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import replace

import pytest
from boxes import box_subject

pytest.importorskip("torch")

from BrainFMEngine.dataset.dataset import create_dataset, write_split, write_subject
from BrainFMEngine.dataset.info import SubjectInfo
from BrainFMEngine.dataset.split import Split

RESULTS = {"results.csv", "summary.md", "report.json"}


def write_dataset(folder, test: dict) -> None:
    """Write a data set with subjects in its test part only."""
    create_dataset(folder)
    for name, subject in test.items():
        info = SubjectInfo(name, "boxes", name, {}, "freesurfer", subject.shape)
        write_subject(folder, replace(subject, name=name), info)
    write_split(folder, Split(test=tuple(test)))


@pytest.fixture
def shelf(tmp_path):
    """A small data set."""
    folder = tmp_path / "daten ü"
    write_dataset(folder, {"sub-01": box_subject(("T1",)), "sub-02": box_subject()})
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
    write_dataset(shelf, {"broken": box_subject(("T1",)), "sub-01": box_subject(("T1",))})
    (shelf / "subjects" / "broken.npz").write_bytes(b"damaged")
    outcome = evaluate("--inputs", "real", "--pictures", 0)
    assert outcome.code == 2
    assert "broken is left out" in outcome.of("warning")[-1]["message"]
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert list(report["failed"]) == ["broken"]
    assert "**Left out:** broken" in (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")


def test_nothing_to_measure_is_explained(evaluate, shelf, tmp_path):
    write_dataset(shelf, {"labels-only": box_subject()})
    outcome = evaluate("--inputs", "real")
    assert outcome.code == 2 and "nothing could be measured" in outcome.of("error")[0]["message"]
    assert not (tmp_path / "out").exists()
    (shelf / "subjects" / "labels-only.npz").write_bytes(b"damaged")
    outcome = evaluate()
    assert outcome.code == 2 and "is damaged" in outcome.of("error")[0]["message"]


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
