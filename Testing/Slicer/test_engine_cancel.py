"""Cancelling and discarding a run of the engine: everything that came of it is gone within two seconds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import child_processes
import pytest
from BrainFMLib import EngineRun
from engine_recorder import GONE_SECONDS, LAUNCHER, POSIX, SLACK_SECONDS, WORKER, is_alive, recorder

__all__ = ["recorder"]
pytestmark = pytest.mark.usefixtures("scene")


@pytest.mark.parametrize("behaviour", ["hang", "ignore-term", "flood", "flood-events", "slow-progress"])
def test_cancel_ends_everything_within_two_seconds(recorder, pump, behaviour):
    run = recorder("--seconds", "60", behaviour)
    engine = run.start()
    assert pump(lambda: len(run.events) > 1, 30)
    pids = child_processes.of_this_test()
    asked = time.monotonic()
    engine.cancel()
    outcome = engine.waitForFinished(20_000)
    seconds = time.monotonic() - asked
    assert outcome.state == "cancelled" and outcome.message
    assert not [pid for pid in pids if is_alive(pid)]
    assert seconds < GONE_SECONDS + SLACK_SECONDS
    told = len(run.events), len(run.log), len(run.outcomes)
    pump(lambda: False, 0.3)
    assert told == (len(run.events), len(run.log), len(run.outcomes)) and told[2] == 1


def test_a_second_cancel_does_not_wait(recorder, pump):
    run = recorder("ignore-term")
    engine = run.start()
    assert pump(lambda: run.events, 30)
    asked = time.monotonic()
    engine.cancel()
    engine.cancel()
    assert engine.waitForFinished(20_000).state == "cancelled"
    assert time.monotonic() - asked < EngineRun.KILL_SECONDS


@POSIX
@pytest.mark.parametrize("behaviour", ["grandchild", "orphan"])
@pytest.mark.parametrize("way", ["cancel", "discard"])
def test_grandchildren_go_too(recorder, pump, tmp_path, behaviour, way):
    """They ignore signals; at "stop", "orphan" leaves them without a parent."""
    run = recorder("--pids", str(tmp_path / "pids"), behaviour)
    engine = run.start()
    assert pump(lambda: run.events, 60)
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 3 and all(is_alive(pid) for pid in pids)
    asked = time.monotonic()
    getattr(engine, way)()
    assert pump(lambda: not any(is_alive(pid) for pid in pids), 20)
    assert time.monotonic() - asked < GONE_SECONDS + SLACK_SECONDS


@POSIX
@pytest.mark.parametrize(("behaviour", "words"), [("crash", "The engine crashed"), ("killed", "memory ran out")])
def test_a_launcher_does_not_hide_a_crash(recorder, behaviour, words):
    run = recorder(behaviour)
    run.engine.command.insert(1, str(LAUNCHER))
    outcome = run.run()
    assert outcome.state == "crashed" and outcome.code == 1 and words in outcome.message


@POSIX
@pytest.mark.parametrize("behaviour", ["hang", "slow-progress", "orphan"])
@pytest.mark.parametrize("way", ["cancel", "discard"])
def test_what_a_launcher_started_goes_too(recorder, pump, tmp_path, behaviour, way):
    run = recorder("--pids", str(tmp_path / "pids"), "--seconds", "60", behaviour)
    run.engine.command.insert(1, str(LAUNCHER))
    engine = run.start()
    assert pump(lambda: run.events, 60)
    pids = child_processes.of_this_test()
    assert len(pids) == (4 if behaviour == "orphan" else 2)
    asked = time.monotonic()
    getattr(engine, way)()
    assert pump(lambda: not any(is_alive(pid) for pid in pids), 20)
    assert time.monotonic() - asked < GONE_SECONDS + SLACK_SECONDS


@POSIX
def test_a_killed_slicer_leaves_no_engine(tmp_path, pump):
    """Its end of the pipe closes with it, and the engine stops at the end of standard input."""
    code = (
        "import os, sys\n"
        "from harness import bed\n"
        "with bed.imports():\n"
        "    bed.application()\n"
        "    from BrainFMLib.EngineProcess import EngineProcess\n"
        "    from BrainFMLib.ProcessTree import childrenOf\n"
        "    engine, told = EngineProcess(sys.argv[1:]), []\n"
        "    engine.onEvent = told.append\n"
        "    engine.start(['predict', 'a.nrrd'])\n"
        "    bed.pump(lambda: told, 60)\n"
        "    print(*childrenOf(os.getpid()), flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    folders = os.pathsep.join(str(folder) for folder in Path(__file__).parents[:2])
    environment = {**os.environ, "PYTHONPATH": folders}
    words = [sys.executable, "-c", code, sys.executable, str(WORKER), "--seconds", "600", "slow-progress"]
    slicer = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    pids = [int(word) for word in slicer.stdout.split()]
    assert slicer.returncode == -9 and len(pids) == 1, slicer.stderr
    assert pump(lambda: not is_alive(pids[0]), 20)


@POSIX
def test_grandchildren_of_a_crash_go_too(recorder, pump, tmp_path):
    run = recorder("--pids", str(tmp_path / "pids"), "grandchild")
    engine = run.start()
    assert pump(lambda: run.events, 60)
    pids = [int(line) for line in (tmp_path / "pids").read_text().split()]
    os.kill(pids[0], 11)
    assert engine.waitForFinished(20_000).state == "crashed"
    assert pump(lambda: not any(is_alive(pid) for pid in pids), 10)


@pytest.mark.parametrize("behaviour", ["hang", "flood", "slow-progress", "succeed"])
def test_discard_calls_nobody(recorder, pump, behaviour):
    run = recorder("--seconds", "60", behaviour)
    engine = run.start()
    if behaviour != "succeed":
        assert pump(lambda: run.events, 30)
    told = len(run.events), len(run.log)
    engine.discard()
    assert not engine.running and engine.outcome is None
    pump(lambda: False, 0.5)
    assert told == (len(run.events), len(run.log)) and run.outcomes == []
    assert EngineRun._ENDING == []
    with pytest.raises(RuntimeError):
        engine.waitForFinished(0)


def test_discard_from_within_a_callback(recorder, pump):
    run = recorder("succeed")
    run.engine.onEvent = lambda event: (run.events.append(event), run.engine.discard())
    run.start()
    assert pump(lambda: run.events, 30)
    pump(lambda: False, 0.5)
    assert len(run.events) == 1 and run.outcomes == []
