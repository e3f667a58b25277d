"""Where a run may go, what does not go together, and what the estimate says, without any window."""

import os
import sys
from pathlib import Path

import pytest
from BrainFMEngine.training.run_folder import RunFolder
from BrainFMTrainLib.RunPlace import placeProblem
from BrainFMTrainLib.TrainingEstimate import Estimate, durationText, estimateOf
from BrainFMTrainLib.TrainingRequest import RANDOM_WEIGHTS, TrainingRequest

pytestmark = pytest.mark.scene
GB = 1_000_000_000


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "run ", "run.", "con", "NUL.txt", "com1", "a\tb", ".."])
def test_names_that_no_folder_can_have(tmp_path, name):
    assert "name that a folder can have" in placeProblem(tmp_path, name)


def test_a_folder_that_depends_on_where_slicer_was_started():
    assert "no full path" in placeProblem(Path("runs"), "new")


def test_what_is_there_already_is_not_touched(tmp_path):
    assert not placeProblem(tmp_path, "new") and not placeProblem(tmp_path / "not" / "yet", "new")
    (tmp_path / "empty").mkdir()
    assert not placeProblem(tmp_path, "empty")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    assert all("already" in placeProblem(tmp_path, name) for name in ("full", "file"))
    assert "is a file, not a folder" in placeProblem(tmp_path / "file", "new")
    assert "too long" in placeProblem(tmp_path, "x" * 230)


def test_paths_that_windows_cannot_have(tmp_path):
    deep = Path("C:/data", *["a folder of twenty c"] * 10)
    assert "too long for this computer" in placeProblem(deep, "run", windows=True)
    assert not placeProblem(tmp_path, "run", windows=len(str(tmp_path)) < 150)


def test_a_run_of_that_name_and_one_that_is_going_on(tmp_path):
    with RunFolder.create(tmp_path / "run", "recipe", 10) as run:
        run.update("running", step=3)
        assert f"process {os.getpid()}" in placeProblem(tmp_path, "run")
    assert "resume it below" in placeProblem(tmp_path, "run")


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may all")
def test_folders_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    try:
        assert "may not write" in placeProblem(tmp_path, "run")
    finally:
        tmp_path.chmod(0o700)


def test_folders_without_permission_whoever_asks(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert "may not write" in placeProblem(tmp_path, "run")


def request(tmp_path, **values) -> TrainingRequest:
    return TrainingRequest(tmp_path, tmp_path, "run", **values)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"recipe": "adapt-segmentation", "preset": "paper"}, "adapts a model"),
        ({"recipe": "low-field", "start": RANDOM_WEIGHTS}, "From scratch"),
        ({"recipe": "brain-age"}, "learnt from ages"),
        ({"recipe": "brain-age", "changes": {"data.ages": "gone.csv"}}, "no file of ages"),
        ({"start": None}, "Choose the model"),
        ({"start": "somewhere/brainid.pth"}, "imported once"),
        ({"recipe": "gone.json"}, "file of the recipe"),
        ({"wrong": "It cannot be."}, "It cannot be."),
    ],
)
def test_what_does_not_go_together_is_said_before_starting(tmp_path, values, says):
    assert says in request(tmp_path, **values).problem()


@pytest.mark.parametrize(
    "values",
    [
        {"recipe": "adapt-segmentation"},
        {"recipe": "adapt-segmentation", "preset": "quick"},
        {"recipe": "adapt-segmentation", "preset": "paper", "start": "compact"},
        {"recipe": "scratch-segmentation", "preset": "paper"},
        {"start": RANDOM_WEIGHTS},
    ],
)
def test_what_goes_together_may_start(tmp_path, values):
    assert not request(tmp_path, **values).problem()


def test_a_recipe_file_that_needs_a_model_and_names_none(tmp_path):
    recipe = tmp_path / "mine.json"
    recipe.write_text('{"start": {"model": null, "required": true}}')
    assert "adapts a model" in request(tmp_path / "runs", recipe=str(recipe), needsModel=True).recipeProblem()
    recipe.write_text('{"start": {"model": "compact", "required": true}}')
    assert not request(tmp_path / "runs", recipe=str(recipe), needsModel=True).recipeProblem()


def test_an_estimate_is_told_beside_what_is_free(tmp_path):
    known = {"parameters": 5_300_000, "step_bytes": 2 * GB, "free_bytes": 8 * GB, "disk_bytes": GB // 4}
    estimate = estimateOf({**known, "step_seconds": 0.5, "total_seconds": 10_000.0}, tmp_path / "not yet", "Test GPU")
    text = estimate.sentence()
    assert "2.0 GB of memory on Test GPU; 8.0 GB are free" in text and "It takes about 2.8 hours: 0.5 s a step" in text
    assert "250 MB of disk" in text and not estimate.problem()
    without = estimateOf(known, None).sentence()
    assert "told after the first steps" in without and "Checkpoints take 250 MB of disk." in without
    assert "is not known" in estimateOf({**known, "free_bytes": None, "total_seconds": None}, None).sentence()
    assert estimateOf({}, None) is None


def test_what_is_too_little_is_said():
    assert "Memory may be too little" in Estimate(1, 9 * GB, 8 * GB, 1, 2).problem()
    full = Estimate(1, 1, None, 3 * GB, 2 * GB)
    assert "disk may be too full" in full.problem() and "only 2.0 GB are free" in full.sentence()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "a second"),
        (20, "20 seconds"),
        (50, "a minute"),
        (600, "10 minutes"),
        (9000, "2.5 hours"),
        (400_000, "4.6 days"),
    ],
)
def test_times_in_words(seconds, text):
    assert durationText(seconds) == text
