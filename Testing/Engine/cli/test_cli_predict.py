"""`brainfm predict`: results, JSON lines, exit codes, one bad scan among good ones, and cancelling."""

from __future__ import annotations

import json
import sys

import nibabel as nib
import numpy as np
import pytest
from BrainFMEngine.cli.interrupt import Interrupted
from BrainFMEngine.errors import DeviceMemoryError

RESULTS = {"T1w", "biasfield", "corrected", "dseg", "lp", "volumes", "qc", "report", "overview"}


@pytest.fixture
def predict(brainfm, model_folder, tmp_path):
    """Function that runs `brainfm predict` with the small model on the CPU, JSON lines on standard output."""

    def call(*arguments, model=model_folder):
        fixed = ("-o", tmp_path / "results", "--model", model, "--device", "cpu", "--threads", 1, "--progress", "json")
        return brainfm("predict", *fixed, *arguments)

    return call


def leftovers(folder):
    return [path.name for path in folder.rglob("*") if path.is_file() or path.name.startswith(".")]


def test_results_and_events(predict, make_scan, tmp_path):
    scan = make_scan("ä scan.nii.gz")
    outcome = predict(scan)
    assert outcome.code == 0, outcome.err
    assert outcome.events[0] == {
        "event": "start",
        "protocol": 1,
        "version": outcome.events[0]["version"],
        "inputs": [str(scan)],
    }
    files = {entry["kind"]: entry["path"] for entry in outcome.of("output")}
    assert files.keys() >= RESULTS
    folder = tmp_path / "results" / "ä scan"
    assert sorted(files.values()) == sorted(str(path) for path in folder.iterdir())
    fractions = [entry["fraction"] for entry in outcome.of("progress")]
    assert fractions == sorted(fractions) and fractions[-1] == 1
    done = outcome.events[-1]
    assert done["event"] == "done" and done["code"] == 0
    assert done["results"] == [{"input": str(scan), "code": 0, "folder": str(folder)}]
    native, labels = nib.load(scan), nib.load(files["dseg"])
    assert labels.shape == native.shape and np.allclose(labels.affine, native.affine, atol=1e-4)
    report = json.loads((folder / "ä scan_report.json").read_text(encoding="utf-8"))
    assert report["model"]["name"] == "ignorant" and report["seconds"].keys() >= {"reading", "network"}


def test_images_without_compression(predict, make_scan):
    outcome = predict(make_scan(), "--tasks", "t1,seg", "--uncompressed")
    assert outcome.code == 0, outcome.err
    names = {entry["kind"]: entry["path"].rsplit("scan_", 1)[1] for entry in outcome.of("output")}
    assert names["T1w"] == "T1w.nii" and names["dseg"] == "dseg.nii"


def test_one_failure_does_not_stop_the_rest(predict, make_scan, tmp_path):
    broken = tmp_path / "broken.nii.gz"
    broken.write_bytes(b"not an image")
    outcome = predict(broken, make_scan(), tmp_path / "missing.nii", "--tasks", "seg")
    codes = [result["code"] for result in outcome.events[-1]["results"]]
    assert codes[0] in (2, 3) and codes[1] == 0 and codes[2] in (2, 3)
    assert outcome.code == codes[0]
    assert [entry["input"] for entry in outcome.of("error")] == [str(broken), str(tmp_path / "missing.nii")]
    assert outcome.err.count("error: ") == 2 and "Traceback" not in outcome.err


def test_results_are_replaced_only_when_asked(predict, make_scan):
    scan = make_scan()
    assert predict(scan, "--tasks", "t1").code == 0
    refused = predict(scan, "--tasks", "t1")
    assert refused.code == 2 and "--overwrite" in refused.of("error")[0]["hint"]
    assert predict(scan, "--tasks", "t1", "--overwrite").code == 0


def test_bad_scans_are_refused_before_anything_heavy_loads(brainfm, tmp_path, monkeypatch):
    monkeypatch.setattr("BrainFMEngine.cli.batch._load", lambda *_: pytest.fail("the model was loaded"))
    (tmp_path / "empty.nii").write_bytes(b"")
    monkeypatch.setattr("BrainFMEngine.cli.batch.resolve_model", lambda name: None)
    outcome = brainfm("predict", tmp_path / "empty.nii", "-o", tmp_path / "out", "--progress", "none")
    assert outcome.code in (2, 3) and outcome.out == "" and outcome.err.startswith("error: ")
    assert outcome.err.count("\n") == 1 and not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--tasks", "t9"), 2),
        (("--tasks", "t1,,t2"), 2),
        (("--tasks", "ct"), 2),
        (("--device", "gpu"), 2),
        (("--device", "cuda:99"), 5),
        (("--grid", "2mm"), 2),
        (("--modality", "pet"), 2),
        (("--threads", "0"), 2),
        (("--volume", "-1"), 2),
        (("--no-such-option",), 2),
        (("--model", "no-such-model"), 4),
    ],
    ids=str,
)
def test_impossible_options(predict, make_scan, tmp_path, options, code):
    outcome = predict(make_scan(), *options)
    assert outcome.code == code
    assert "Traceback" not in outcome.err and outcome.err
    assert not (tmp_path / "results").exists()


def test_no_inputs_and_no_output_folder(brainfm, make_scan, tmp_path):
    assert brainfm("predict", "-o", tmp_path).code == 2
    assert brainfm("predict", make_scan()).code == 2


@pytest.mark.parametrize(
    ("error", "code"), [(Interrupted(), 130), (KeyboardInterrupt(), 130), (DeviceMemoryError("too big"), 5)], ids=type
)
def test_failure_while_predicting_leaves_nothing(predict, make_scan, tmp_path, monkeypatch, error, code):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr("BrainFMEngine.inference.predictor.Predictor.predict", fail)
    outcome = predict(make_scan(), make_scan("second.nii.gz"))
    assert outcome.code == code and outcome.events[-1]["code"] == code
    assert len(outcome.of("error")) == (1 if code == 130 else 2)
    assert not (tmp_path / "results").exists() or leftovers(tmp_path / "results") == []


def test_cancelled_while_writing_leaves_nothing(predict, make_scan, tmp_path, monkeypatch):
    from BrainFMEngine.cli.reporting import JsonReporter

    stage = JsonReporter.stage

    def interrupt(self, name, fraction):
        if "volumes" in name:
            raise Interrupted()
        stage(self, name, fraction)

    monkeypatch.setattr(JsonReporter, "stage", interrupt)
    outcome = predict(make_scan(), "--tasks", "t1,seg")
    assert outcome.code == 130 and outcome.of("output") == []
    assert not (tmp_path / "results").exists() or leftovers(tmp_path / "results") == []


def test_unforeseen_errors_are_a_line_and_a_log_file(predict, make_scan, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("BrainFMEngine.inference.predictor.Predictor.predict", fail)
    outcome = predict(make_scan())
    assert outcome.code == 1 and "unexpected ZeroDivisionError: a bug" in outcome.err
    assert "Traceback" not in outcome.err
    assert outcome.of("error")[0]["hint"].startswith("details in ")
    if sys.platform == "linux":
        assert "Traceback" in next((tmp_path / "state").rglob("*.log")).read_text(encoding="utf-8")


def test_text_on_standard_output_does_not_disturb_the_lines(predict, make_scan, monkeypatch):
    def noisy(*arguments, **options):
        sys.stdout.write("a library says hello\n")
        raise DeviceMemoryError("too big")

    monkeypatch.setattr("BrainFMEngine.inference.predictor.Predictor.predict", noisy)
    outcome = predict(make_scan())
    assert outcome.events and "hello" in outcome.err
