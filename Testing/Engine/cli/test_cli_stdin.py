"""`brainfm predict --stdin`: ends, with nothing left behind, when the program that started it says so or is gone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from BrainFMEngine.cli import interrupt
from BrainFMEngine.cli.interrupt import Interrupted, interruptible, stopped_by_stdin
from BrainFMEngine.parent import OWN_SESSION, wait_for_stop

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="no sessions on Windows")


def start(scan, output, model, *arguments, **environment):
    command = [sys.executable, "-m", "BrainFMEngine", "predict", scan, "-o", output, "--model", model]
    command += ["--device", "cpu", "--threads", "1", "--progress", "json", "--stdin", *arguments]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([str(word) for word in command], env={**os.environ, **environment}, text=True, **pipes)


def wait_for_stage(process, wanted: str) -> list[dict]:
    events = []
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == "progress" and wanted in events[-1]["stage"]:
            return events
    raise AssertionError(f"ended before {wanted!r}: {events} {process.stderr.read()}")


@pytest.mark.parametrize(("way", "stage"), [("line", "reading"), ("line", "write"), ("end", "model"), ("end", "write")])
def test_a_run_is_cancelled(make_scan, model_folder, tmp_path, way, stage):
    process = start(make_scan(), tmp_path / "out", model_folder)
    wait_for_stage(process, stage)
    if way == "line":
        process.stdin.write("stop\n")
        process.stdin.flush()
        rest, errors = process.stdout.read(), process.stderr.read()
    else:
        rest, errors = process.communicate(timeout=120)
    assert process.wait(timeout=60) == 130
    events = [json.loads(line) for line in rest.splitlines()]
    assert events[-1]["event"] == "done" and events[-1]["code"] == 130
    assert [entry["code"] for entry in events if entry["event"] == "error"] == [130]
    assert not (tmp_path / "out").exists()
    assert "Traceback" not in errors


def test_a_run_that_is_let_alone_is_done(make_scan, model_folder, tmp_path):
    process = start(make_scan(), tmp_path / "out", model_folder, "--tasks", "t1")
    wait_for_stage(process, "done")  # standard input stays open
    assert process.stdout.read().splitlines() and process.wait(timeout=60) == 0
    process.stdin.close()


@POSIX
def test_it_ends_with_the_program_that_started_it(make_scan, model_folder, tmp_path):
    """The other end of the pipe goes when its owner is killed, whatever the owner was about to do."""
    command = [sys.executable, "-m", "BrainFMEngine", "predict", make_scan(), "-o", tmp_path / "out", "--stdin"]
    command += ["--model", model_folder, "--device", "cpu", "--threads", "1", "--progress", "json"]
    owner = (
        "import subprocess, sys; child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE);"
        "print('child', child.pid, flush=True); child.wait()"
    )
    environment = {**os.environ, OWN_SESSION: "1"}
    started = subprocess.Popen(
        [sys.executable, "-c", owner, *map(str, command)], stdout=subprocess.PIPE, text=True, env=environment
    )
    child = int(started.stdout.readline().split()[1])
    wait_for_stage(started, "reading")
    assert os.getsid(child) == child
    started.kill()
    started.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and is_running(child):
        time.sleep(0.05)
    assert not is_running(child)
    assert not (tmp_path / "out").exists()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    facts = Path(f"/proc/{pid}/stat")
    return not facts.exists() or facts.read_text().rpartition(")")[2].split()[0] != "Z"


def test_the_main_thread_is_interrupted_in_the_middle_of_a_wait():
    reader, writer = os.pipe()
    started = time.monotonic()
    with pytest.raises(Interrupted), interruptible(), stopped_by_stdin(True, reader):
        os.write(writer, b"go on\nstop\n")
        time.sleep(30)
    assert time.monotonic() - started < 10
    os.close(writer)


def test_a_word_after_the_end_comes_too_late():
    reader, writer = os.pipe()
    with interruptible():
        with stopped_by_stdin(True, reader):
            pass
        os.write(writer, b"stop\n")
        time.sleep(0.2)
    os.close(writer)


@POSIX
def test_a_run_that_does_not_come_to_an_end_is_ended(monkeypatch):
    code = (
        "import ctypes, signal; from BrainFMEngine.cli import interrupt; interrupt.GRACE_SECONDS = 0.5;"
        "signal.signal(signal.SIGINT, lambda *_: None)\n"
        "with interrupt.stopped_by_stdin(True):\n"
        "    while True: ctypes.CDLL(None).pause()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    process.stdin.close()
    assert process.wait(timeout=60) == interrupt.CancelledError.code


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"stop\n", "a line on standard input"),
        (b"\xff\xfe" * 5000 + b"\nSTOP\r\nmore", "a line on standard input"),
        (b"stop", "a line on standard input"),
        (b"do not stop\n", "the end of standard input"),
        (b"", "the end of standard input"),
    ],
)
def test_what_counts_as_a_request(text, reason):
    reader, writer = os.pipe()
    os.write(writer, text)
    os.close(writer)
    assert wait_for_stop(reader) == reason


def test_input_that_is_not_there_is_at_its_end(monkeypatch):
    assert wait_for_stop(1_000_000) == "the end of standard input"
    monkeypatch.setattr(sys, "stdin", None)
    assert wait_for_stop() == "the end of standard input"


@POSIX
def test_a_session_only_if_asked_for(tmp_path):
    code = (
        "import os; from BrainFMEngine.parent import start_own_session as s; s(); s(); print(os.getsid(0), os.getpid())"
    )
    for wanted in ("", "1"):
        environment = {**os.environ, OWN_SESSION: wanted}
        out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        session, pid = map(int, out.stdout.split())
        assert (session == pid) == bool(wanted)
