"""The other commands, the ways to start the program, signals and odd terminals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from BrainFMEngine import __version__
from BrainFMEngine.cli.interrupt import Interrupted, interruptible


def run_process(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "BrainFMEngine", *map(str, arguments)],
        capture_output=True,
        env={**os.environ, **environment},
        check=False,
        timeout=300,
    )


def test_version(brainfm):
    outcome = brainfm("--version")
    assert outcome.code == 0 and outcome.out.split() == ["brainfm", __version__]


def test_help_names_every_command(brainfm):
    outcome = brainfm("--help")
    assert outcome.code == 0 and all(name in outcome.out for name in ("predict", "models", "info"))


def test_unknown_command(brainfm):
    outcome = brainfm("predcit")
    assert outcome.code == 2 and "Traceback" not in outcome.err


def test_info(brainfm):
    facts = json.loads(brainfm("info", "--json").out)
    assert facts["version"] == __version__ and facts["devices"][-1]["name"] == "cpu"
    assert facts["free_memory_bytes"] > 0 and facts["models_folder"]
    assert __version__ in brainfm("info").out


def test_errors_of_other_commands_are_one_line(brainfm):
    outcome = brainfm("models", "remove", "no-such-model")
    assert outcome.code == 2 and outcome.err.startswith("error: ") and "Traceback" not in outcome.err


def test_as_a_module_in_an_ascii_terminal(tmp_path):
    path = tmp_path / "Schädel.nii.gz"
    path.write_bytes(b"broken")
    done = run_process(
        "predict",
        path,
        "-o",
        tmp_path / "out",
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONIOENCODING="ascii",
        PYTHONCOERCECLOCALE="0",
    )
    assert done.returncode in (2, 3, 4) and b"error: " in done.stderr and b"Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send to oneself")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_interrupt_once(number):
    before = signal.getsignal(number)
    seen = []
    with pytest.raises(Interrupted), interruptible():
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)  # while cleaning up: ignored
            seen.append("cleaned up")
    assert seen == ["cleaned up"] and signal.getsignal(number) == before


def test_outside_the_main_thread_signals_are_left_alone():
    problems = []

    def body():
        try:
            with interruptible():
                pass
        except Exception as error:  # handed to the test's thread
            problems.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert problems == []
