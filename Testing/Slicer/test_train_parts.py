"""The parts of BrainFMTrain by themselves: requests, state files, processes that outlive who started them."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from BrainFMLib.EngineCommand import engineEnvironment
from BrainFMTrainLib.RunList import listRuns, readRun
from BrainFMTrainLib.TrainingRequest import TrainingRequest
from train_panel import worker_command, write_dataset

pytestmark = pytest.mark.scene


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"dataset": None}, "data set"),
        ({"runsFolder": None}, "folder"),
        ({"name": "a/b"}, "name"),
        ({"name": ""}, "name"),
    ],
)
def test_requests_that_make_no_sense_are_explained(tmp_path, changes, word):
    values = {"dataset": tmp_path, "runsFolder": tmp_path, "name": "run", **changes}
    assert word in TrainingRequest(**values).problem()


def test_arguments_are_those_of_the_form(tmp_path):
    request = TrainingRequest(tmp_path / "d", tmp_path, "r", "cifl", "quick", "compact", 30, 7, 5, "cpu")
    words = request.arguments()
    assert words[:4] == ["train", str(tmp_path / "d"), "-o", str(tmp_path / "r")]
    assert "steps=30" in words and "seed=7" in words and words[words.index("--start") + 1] == "compact"
    assert "--stdin" in words
    assert request.resumeArguments(tmp_path / "r")[:2] == ["train", str(tmp_path / "d")]
    own = replace(request, dataset=None).resumeArguments(tmp_path / "r")
    assert own[:4] == ["train", "-o", str(tmp_path / "r"), "--resume"]
    assert "--stdin" not in TrainingRequest(tmp_path, tmp_path, "r", keepRunning=True).arguments()


def test_a_damaged_state_file_is_a_row_that_says_so(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{")
    (row,) = [readRun(folder) for folder in listRuns(tmp_path)]
    assert row.seen is None and "cannot be read" in row.sentence() and not row.resumable


STARTER = """
import sys, time
from pathlib import Path
sys.path[:0] = {paths!r}
from BrainFMTrainLib.TrainerProcess import TrainerProcess
TrainerProcess(Path({folder!r}), {arguments!r}, keepRunning={keep}, command={command!r})
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process as POSIX does")
@pytest.mark.parametrize("keep", [False, True])
def test_when_slicer_is_killed_a_training_saves_and_stops_or_goes_on(tmp_path, keep):
    """The starter stands for Slicer; only what TrainerProcess needs of `slicer` is there."""
    dataset, folder = write_dataset(tmp_path / "data"), tmp_path / "runs" / "run"
    (tmp_path / "slicer").mkdir()
    (tmp_path / "slicer" / "__init__.py").write_text("")
    (tmp_path / "slicer" / "i18n.py").write_text("def tr(text):\n    return text\n")
    root = Path(__file__).resolve().parents[2]
    request = TrainingRequest(dataset, folder.parent, "run", steps=300, keepRunning=keep)
    paths = [str(tmp_path), str(root / "BrainFM"), str(root / "BrainFMTrain")]
    values = {"paths": paths, "folder": str(folder), "arguments": request.arguments(), "keep": keep}
    code = STARTER.format(**values, command=worker_command("--delay", 0.01))
    starter = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **engineEnvironment()})
    wait_until(lambda: (folder / "log.jsonl").exists() and (folder / "log.jsonl").stat().st_size > 500)
    starter.kill()
    starter.wait()
    wait_until(lambda: not readRun(folder).alive)
    state = readRun(folder).seen.state
    assert (state.state, state.step == 300) == (("finished", True) if keep else ("stopped", False))


def wait_until(condition, timeout_s: float = 20.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
