"""The engine's child process with a worker that does everything a process can do wrong: every end is a sentence."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from BrainFMLib.EngineProcess import EngineProcess
from engine_recorder import POSIX, recorder

__all__ = ["recorder"]
pytestmark = pytest.mark.usefixtures("scene")


def test_it_tells_events_and_results(recorder, tmp_path):
    run = recorder("succeed")
    outcome = run.run()
    assert (outcome.state, outcome.code, outcome.message) == ("done", 0, "")
    assert run.kinds()[0] == "start" and run.kinds()[-1] == "done"
    assert {event["kind"] for event in run.events if event["event"] == "output"} >= {"T1w", "dseg", "report"}
    assert [result["code"] for result in outcome.results] == [0, 0]
    assert all(Path(result["folder"]).is_dir() for result in outcome.results)
    assert run.outcomes == [outcome] and run.engine.outcome is outcome and not run.engine.running
    last = [event["fraction"] for event in run.events if event["event"] == "progress"][-1]
    assert last == 1.0  # progress is thinned out, its last state is not


def test_only_some_inputs_fail(recorder):
    outcome = recorder("half-fail").run()
    assert outcome.state == "failed" and outcome.message == "the scan has no intensities"
    assert outcome.hint == "Choose another scan."
    assert [result["code"] for result in outcome.results] == [2, 0]


def test_the_engines_own_sentence_and_warnings_are_kept(recorder):
    outcome = recorder("fail").run()
    assert outcome.sentence == "the scan has no intensities. Choose another scan."
    assert outcome.warnings == ["the header is odd"] * 2
    assert "the scan has no intensities" in outcome.details and "the header is odd" in outcome.details


@pytest.mark.parametrize(
    ("behaviour", "state", "words"),
    [
        pytest.param("crash", "crashed", "crashed (signal 11)", marks=POSIX),
        pytest.param("killed", "crashed", "probably because memory ran out", marks=POSIX),
        ("silent-exit-0", "failed", "ended without a result"),
        ("no-files", "failed", "there are no results in"),
        ("usage-error", "failed", "No such option: --nonsense"),
        ("missing-package", "failed", "nibabel is missing or damaged"),
    ],
)
def test_every_end_is_a_sentence(recorder, behaviour, state, words):
    outcome = recorder(behaviour).run()
    assert outcome.state == state and words in outcome.message
    assert len(outcome.sentence.split()) >= 4 and "exit status" not in outcome.sentence


@POSIX
def test_a_crash_leaves_its_place_in_the_log(recorder):
    outcome = recorder("crash").run()
    assert "about to multiply matrices" in outcome.log and "Segmentation fault" in outcome.log


def test_a_crash_after_the_end_harms_nobody(recorder):
    outcome = recorder("late-crash").run()
    assert (outcome.state, outcome.code) == ("done", 0) and len(outcome.results) == 2


def test_lines_in_pieces_and_garbage_between_them(recorder):
    run = recorder("garbage")
    outcome = run.run()
    assert outcome.state == "done" and len(outcome.results) == 2
    assert run.kinds()[0] == "start" and "not json" in outcome.log and "30%" in outcome.log
    assert "10%" not in outcome.log and "bytes of output are not kept" in outcome.log


def test_a_program_that_is_not_there(tmp_path):
    engine = EngineProcess([str(tmp_path / "no python")])
    told = []
    engine.onFinished = told.append
    engine.start(["predict"])
    assert engine.running and not told
    outcome = engine.waitForFinished(10_000)
    assert outcome.state == "did-not-start" and "no python" in outcome.message and outcome.hint
    engine.command = [sys.executable, "-c", 'print(\'{"event": "done", "code": 0}\')']
    engine.start([])
    assert engine.waitForFinished(30_000).state == "done" and len(told) == 2


def test_a_second_start_is_refused(recorder):
    run = recorder("hang")
    engine = run.start()
    with pytest.raises(RuntimeError, match="running already"):
        engine.start([])
    engine.discard()


def test_the_next_run_from_within_the_end_of_the_last(recorder, pump):
    run = recorder("succeed")

    def again(outcome):
        run.outcomes.append(outcome)
        if len(run.outcomes) < 3:
            run.start()

    run.engine.onFinished = again
    run.start()
    assert pump(lambda: len(run.outcomes) == 3, 60)
    assert [outcome.state for outcome in run.outcomes] == ["done"] * 3


def test_waiting_has_an_end(recorder):
    run = recorder("hang")
    engine = run.start()
    with pytest.raises(TimeoutError):
        engine.waitForFinished(300)
    assert engine.running


def test_what_goes_wrong_in_a_callback_shows_and_does_not_stop_the_run(recorder, pump):
    from harness import slot_errors

    run = recorder("succeed")

    def broken(event):
        raise ValueError("a bug in the panel")

    run.engine.onEvent = broken
    outcome = run.run()
    pump(lambda: False, 0.05)
    assert outcome.state == "done" and len(run.outcomes) == 1
    errors = slot_errors.take()
    assert errors and all("a bug in the panel" in repr(error) for error in errors)


def test_the_environment_of_the_engine(recorder, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    run = recorder("echo-environment")
    run.run()
    values = next(event["values"] for event in run.events if event["event"] == "environment")
    folder = Path(__file__).resolve().parents[2] / "BrainFM"
    assert values["PYTHONPATH"].split(os.pathsep)[-1] == "elsewhere"
    assert (Path(values["PYTHONPATH"].split(os.pathsep)[0]) / "BrainFMEngine").is_dir() and folder.is_dir()
    assert (values["PYTHONUNBUFFERED"], values["PYTHONUTF8"]) == ("1", "1")


def test_names_that_are_not_ascii_arrive(recorder, tmp_path):
    run = recorder("succeed")
    run.arguments[1] = str(tmp_path / "Kopf ü 脑 $(x) 'q'.nrrd")
    outcome = run.run()
    assert outcome.results[0]["input"] == run.arguments[1]
