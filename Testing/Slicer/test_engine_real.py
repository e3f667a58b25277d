"""The engine itself as a child process, where a Python with PyTorch is at hand."""

from __future__ import annotations

import subprocess
import time

import child_processes
import pytest
from BrainFMLib.EngineCommand import pythonExecutable
from BrainFMLib.EngineProcess import EngineProcess
from engine_recorder import GONE_SECONDS, SAMPLE, SLACK_SECONDS, recorder

__all__ = ["recorder"]
pytestmark = pytest.mark.usefixtures("scene")


@pytest.fixture
def real_engine(tmp_path):
    """The engine itself, where BRAINFM_PYTHON or this Python has PyTorch."""
    code = "import importlib.util as util, sys; sys.exit(util.find_spec('torch') is None)"
    if subprocess.run([pythonExecutable(), "-c", code], check=False).returncode:
        pytest.skip("no PyTorch here (name a Python that has it in BRAINFM_PYTHON)")
    engine = EngineProcess()
    engine.arguments = ["predict", str(SAMPLE), "-o", str(tmp_path / "out"), "--device", "cpu", "--threads", "1"]
    engine.arguments += ["--progress", "json", "--stdin"]
    yield engine
    engine.discard()


@pytest.mark.parametrize("stage", ["reading", "loading the model", "network"])
def test_the_real_engine_is_cancelled(real_engine, pump, tmp_path, stage):
    told = []
    real_engine.onEvent = told.append
    real_engine.start(real_engine.arguments)
    assert pump(lambda: any(stage in str(event.get("stage")) for event in told), 120), real_engine.outcome
    asked = time.monotonic()
    real_engine.cancel()
    outcome = real_engine.waitForFinished(20_000)
    assert outcome.state == "cancelled" and time.monotonic() - asked < GONE_SECONDS + SLACK_SECONDS
    assert child_processes.of_this_test() == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_real_engine_explains_itself(real_engine):
    real_engine.start([*real_engine.arguments, "--device", "cuda:99"])
    outcome = real_engine.waitForFinished(120_000)
    assert outcome.state == "failed" and outcome.code == 5 and "cuda:99" in outcome.message and outcome.hint
