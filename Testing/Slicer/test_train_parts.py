"""The parts of BrainFMTrain by themselves: curves, log, requests, processes that outlive who started them."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from BrainFMEngine.training.logbook import Logbook
from BrainFMEngine.training.rotating_lines import RotatingLines
from BrainFMLib.EngineCommand import engineEnvironment
from BrainFMTrainLib.LossCurves import MAX_POINTS, LossCurves
from BrainFMTrainLib.RunList import listRuns, readRun
from BrainFMTrainLib.RunLogTail import RunLogTail
from BrainFMTrainLib.TrainingRequest import TrainingRequest
from train_panel import worker_command, write_dataset

pytestmark = pytest.mark.scene
LONG = 200_000


def read_all(tail: RunLogTail) -> list[int]:
    steps = [step["step"] for step in tail.read(0.5)]
    while not tail.caughtUp:
        steps += [step["step"] for step in tail.read(0.5)]
    return steps


def test_however_long_a_run_is_its_curve_is_short_and_true():
    curves = LossCurves()
    start = time.perf_counter()
    for step in range(1, LONG + 1):
        curves.add({"step": step, "loss": float(step), "T1": 2.0, "lr": 1.0, "subject": "a"})
    assert (time.perf_counter() - start) / LONG < 500e-6
    steps, values = curves.steps(), curves.values("loss")
    assert MAX_POINTS / 2 <= len(steps) <= MAX_POINTS and curves.names == ["loss", "T1"]
    assert np.abs(steps - values)[:-1].max() < 1e-6
    assert np.all(curves.values("T1", smoothing=5) == 2.0)


def test_what_is_not_finite_or_missing_leaves_a_gap():
    curves = LossCurves()
    for step, loss in enumerate((1.0, None, float("nan"), 4.0), start=1):
        curves.add({"step": step, "loss": loss})
    values = curves.values("loss")
    assert values[0] == 1 and values[3] == 4 and np.isnan(values[1:3]).all()


def test_a_log_is_followed_through_rotation_and_resume(tmp_path):
    lines = RotatingLines(tmp_path / "log.jsonl", max_bytes=1000, files=5)
    tail, wanted = RunLogTail(tmp_path), []
    for step in range(1, 120):
        lines.write(json.dumps({"step": step, "loss": 1.0}))
        if step % 7 == 0:
            wanted += read_all(tail)
    wanted += read_all(tail)
    assert wanted == list(range(1, 120))
    lines.close()
    tail.restarted = False
    Logbook(tmp_path, 110, tensorboard=False).close()  # a resume drops what came later
    again = read_all(tail)
    assert tail.restarted and again[-1] == 110 and again == list(range(again[0], 111))


def test_half_a_line_waits_for_the_rest(tmp_path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1}\n{"step"')
    tail = RunLogTail(tmp_path)
    assert read_all(tail) == [1]
    with open(log, "a") as stream:
        stream.write(": 2}\n")
    assert read_all(tail) == [2]


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
    assert "--stdin" in words and "--resume" in request.resumeArguments(tmp_path / "r")
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
