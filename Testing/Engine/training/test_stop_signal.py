"""Every way to ask a run to stop is noted, and a second signal does not wait for anything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from BrainFMEngine.training import stop
from BrainFMEngine.training.stop import StopSignal

TRAINER = """
import ctypes, sys, time
from BrainFMEngine.training.stop import StopSignal
with StopSignal(stdin_line="line" in sys.argv, stdin_end="end" in sys.argv) as stop:
    sys.stdout.write("ready\\n"); sys.stdout.flush()
    while stop.requested is None or "busy" in sys.argv:
        time.sleep(0.01)
sys.stdout.write(stop.requested); sys.stdout.flush()
"""
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals between processes")


def start_trainer(*options: str) -> subprocess.Popen:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    trainer = subprocess.Popen([sys.executable, "-c", TRAINER, *options], text=True, **pipes)
    assert trainer.stdout.readline() == "ready\n"
    return trainer


def wait_for(signal_: StopSignal) -> str | None:
    deadline = time.monotonic() + 20
    while signal_.requested is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return signal_.requested


@POSIX
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_is_noted_and_the_program_goes_on(name, request):
    number = getattr(signal, name)
    former = signal.signal(number, signal.SIG_DFL)  # the tests themselves may run under nohup
    request.addfinalizer(lambda: signal.signal(number, former))
    before = signal.getsignal(signal.SIGTERM)
    with StopSignal() as asked:
        assert asked.requested is None
        os.kill(os.getpid(), getattr(signal, name))
        assert wait_for(asked) == name
        os.kill(os.getpid(), getattr(signal, name))  # Ctrl-C, passed on by a parent
        time.sleep(0.05)
    assert signal.getsignal(signal.SIGTERM) == before


@POSIX
def test_a_second_signal_ends_the_process_at_once():
    trainer = start_trainer("busy")
    trainer.send_signal(signal.SIGTERM)
    time.sleep(stop.SAME_REQUEST_SECONDS + 0.3)
    assert trainer.poll() is None
    trainer.send_signal(signal.SIGTERM)
    assert trainer.wait(timeout=20) == stop.EXIT_CODE


@POSIX
def test_a_second_signal_does_not_wait_for_a_long_computation():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    sleeper = TRAINER.replace("time.sleep(0.01)", "ctypes.CDLL(None).pause()")
    trainer = subprocess.Popen([sys.executable, "-c", sleeper, "busy"], text=True, **pipes)
    assert trainer.stdout.readline() == "ready\n"
    trainer.send_signal(signal.SIGTERM)
    time.sleep(stop.SAME_REQUEST_SECONDS + 0.3)
    trainer.send_signal(signal.SIGTERM)
    assert trainer.wait(timeout=20) == stop.EXIT_CODE


def test_a_line_on_standard_input_of_a_program():
    trainer = start_trainer("line", "end")
    out, _ = trainer.communicate("hello\nSTOP\n", timeout=60)
    assert (out, trainer.returncode) == ("a line on standard input", 0)


def test_the_end_of_standard_input_of_a_program():
    trainer = start_trainer("line", "end")
    out, _ = trainer.communicate("", timeout=60)
    assert (out, trainer.returncode) == ("the end of standard input", 0)


def test_standard_input_in_pieces_with_rubbish_and_without_a_last_line_end():
    reader, writer = os.pipe()
    with StopSignal(stdin_line=True, stdin=reader) as asked:
        os.write(writer, b"\xff\xfe" * 4000 + b"\n stop it\nst")
        time.sleep(0.05)
        assert asked.requested is None
        os.write(writer, b"op\r\n")
        assert wait_for(asked) == "a line on standard input"
    os.close(writer)
    reader, writer = os.pipe()
    with StopSignal(stdin_line=True, stdin_end=True, stdin=reader) as asked:
        os.write(writer, b"stop")
        os.close(writer)
        assert wait_for(asked) == "a line on standard input"


def test_the_end_of_input_alone_says_nothing_unless_asked_for():
    reader, writer = os.pipe()
    with StopSignal(stdin_line=True, stdin=reader) as asked:
        os.close(writer)
        time.sleep(0.1)
        assert asked.requested is None


def test_input_that_does_not_exist_is_at_its_end():
    with StopSignal(stdin_end=True, stdin=1_000_000) as asked:
        assert wait_for(asked) == "the end of standard input"


def test_the_stop_file(tmp_path):
    with StopSignal(stop_file=tmp_path / "stop") as asked:
        assert asked.requested is None
        (tmp_path / "stop").write_text("")
        assert wait_for(asked) == "the stop file"
        (tmp_path / "stop").unlink()
        assert asked.requested == "the stop file"


def test_the_deadline_leaves_time_to_save():
    with StopSignal(minutes=1.0) as asked:
        assert 50 < asked.seconds_left <= 60
        assert asked.requested is None
        asked.reserve(30.0)
        assert asked.requested is None
        asked.reserve(61.0)
        assert asked.requested == "the time is up"
    assert StopSignal().seconds_left is None


def test_the_first_reason_stays():
    asked = StopSignal(minutes=0.0)
    asked.request("early stop")
    asked.request("another")
    assert asked.requested == "early stop"


def test_outside_the_main_thread_the_rest_still_works():
    answers: list[str | None] = []

    def work():
        with StopSignal(minutes=0.0) as asked:
            answers.append(asked.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert answers == ["the time is up"]
