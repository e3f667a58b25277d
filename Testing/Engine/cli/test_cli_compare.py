"""`brainfm compare`: two models on one input, images beside the reference, numbers beside each other."""

from __future__ import annotations

import json
import subprocess
import sys

import nibabel as nib
import numpy as np
import pytest
from boxes import box_subject, write_dataset

pytest.importorskip("torch")

from BrainFMEngine.dataset.dataset import Dataset


@pytest.fixture
def shelf(tmp_path):
    """A small data set whose subject has a scan and labels."""
    folder = tmp_path / "data set"
    write_dataset(folder, validation=[box_subject(("T1",))])
    return folder


@pytest.fixture
def compare(brainfm, model_folder, shelf, tmp_path):
    """Function that compares the tiny model with another, by default itself, into the folder "out"."""

    def call(*arguments, second=None):
        words = ("compare", model_folder, second or model_folder, "--data", shelf, "-o", tmp_path / "out")
        return brainfm(*words, "--device", "cpu", "--threads", 1, "--progress", "json", *arguments)

    return call


def read(folder) -> dict:
    return json.loads((folder / "comparison.json").read_text(encoding="utf-8"))


def test_images_of_both_lie_on_the_grid_of_the_scan(compare, shelf, tmp_path):
    outcome = compare("--subject", "boxes")
    assert outcome.code == 0, outcome.err
    folder, record = tmp_path / "out", read(tmp_path / "out")
    subject = Dataset(shelf).load("boxes")
    assert record["input"] == "real T1" and record["subject"] == "boxes"
    scan = nib.load(folder / record["image"])
    assert np.allclose(scan.affine, subject.affine_ras) and np.allclose(scan.affine, record["grid"]["affine_ras"])
    assert np.allclose(scan.get_fdata(), subject.images["T1"].float().numpy(), atol=1e-6)
    maps = {entry["name"]: entry for entry in record["maps"]}
    assert {"T1w", "dseg"} <= set(maps) and "atlas_coordinates" not in maps
    for entry in maps.values():
        for name in entry["files"].values():
            assert nib.load(folder / name).shape == subject.shape
    labels = nib.load(folder / maps["dseg"]["files"]["reference"])
    assert set(np.unique(np.asarray(labels.dataobj))) >= {0, 2, 42} and labels.get_data_dtype() == np.int16
    shown = nib.load(folder / maps["T1w"]["files"]["reference"]).get_fdata()
    assert np.allclose(shown, subject.images["T1"].float().numpy(), atol=1e-6)


def test_the_numbers_are_those_of_evaluate(compare, brainfm, model_folder, shelf, tmp_path):
    compare("--subject", "boxes", "--input", "synthetic T2")
    words = ("evaluate", model_folder, "--data", shelf, "-o", tmp_path / "all", "--split", "validation")
    brainfm(*words, "--device", "cpu", "--threads", 1, "--pictures", 0, "--progress", "none")
    lines = [line.split(",") for line in (tmp_path / "all" / "results.csv").read_text(encoding="utf-8").splitlines()]
    wanted = {(line[2], line[3]): float(line[4]) for line in lines if line[1] == "synthetic T2"}
    scores = read(tmp_path / "out")["scores"]
    assert {(row["task"], row["metric"]) for row in scores} == set(wanted)
    for row in scores:
        assert row["values"][0] == pytest.approx(wanted[row["task"], row["metric"]], rel=1e-5)
        assert row["values"][0] == row["values"][1] and row["difference"] == 0
    dice = next(row for row in scores if row["metric"] == "mean Dice")
    assert dice["main"] and dice["higher_is_better"]
    assert not any(row["main"] for row in scores if row["metric"].startswith("Dice "))
    assert "| mean Dice |" in (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")


def test_what_one_model_lacks_is_no_number(compare, tmp_path):
    from BrainFMEngine.network.build import build_network
    from BrainFMEngine.network.checkpoint import save_model
    from BrainFMEngine.network.config import NetworkConfig
    from BrainFMEngine.network.info import ModelInfo

    config = NetworkConfig({"T1": 1}, f_maps=8, num_levels=2)
    save_model(tmp_path / "only-t1", build_network(config), ModelInfo("only-t1", config))
    outcome = compare("--subject", "boxes", second=tmp_path / "only-t1")
    assert outcome.code == 0, outcome.err
    record = read(tmp_path / "out")
    dice = next(row for row in record["scores"] if row["metric"] == "mean Dice")
    assert dice["values"][0] is not None and dice["values"][1] is None and dice["difference"] is None
    labels = next(entry for entry in record["maps"] if entry["name"] == "dseg")
    assert set(labels["files"]) == {"first", "reference"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--subject", "boxs"), "did you mean"),
        (("--subject", "boxes", "--input", "real T3"), "real T1"),
        (("--subject", "boxes", "--device", "tpu"), "tpu"),
    ],
)
def test_what_cannot_be_is_said_and_leaves_nothing(compare, tmp_path, arguments, words):
    outcome = compare(*arguments)
    assert outcome.code != 0
    error = outcome.of("error")[0]
    assert words in (error["message"] + error["hint"]).lower().replace("t1", "T1"), error
    assert not (tmp_path / "out").exists()


def test_results_are_not_replaced_unasked(compare, tmp_path):
    assert compare("--subject", "boxes").code == 0
    before = read(tmp_path / "out")["written"]
    assert compare("--subject", "boxes", "--input", "synthetic T1").code == 2
    assert read(tmp_path / "out")["written"] == before
    assert compare("--subject", "boxes", "--input", "synthetic T1", "--overwrite").code == 0
    assert read(tmp_path / "out")["input"] == "synthetic T1"


def test_the_end_of_standard_input_cancels(shelf, model_folder, tmp_path):
    command = [sys.executable, "-m", "BrainFMEngine", "compare", model_folder, model_folder, "--data", shelf]
    command += ["--subject", "boxes", "-o", tmp_path / "out", "--device", "cpu", "--stdin", "--progress", "json"]
    ended = subprocess.run([str(word) for word in command], input="stop\n", capture_output=True, text=True, check=False)
    assert ended.returncode == 130 and not (tmp_path / "out").exists(), ended.stderr
