"""A run's folder: one trainer, a state that others can follow, and a killed one is never in the way."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from BrainFMEngine import folder_lock
from BrainFMEngine.errors import CancelledError, FileAccessError, UsageError
from BrainFMEngine.training import run_folder
from BrainFMEngine.training.run_folder import RunFolder, read_state, request_stop

TRAINER = """
import sys, time
from pathlib import Path
from BrainFMEngine.errors import BrainFMError
from BrainFMEngine.training.run_folder import RunFolder
assert "torch" not in sys.modules and "numpy" not in sys.modules
try:
    with RunFolder.create(Path(sys.argv[1]), "abc", 100) as run:
        run.update("running", step=7)
        sys.stdout.write("running\\n"); sys.stdout.flush()
        sys.stdin.read()
except BrainFMError as error:
    sys.stdout.write(f"{error}\\n")
    sys.exit(error.code)
"""

FORK = """
        import os
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        sys.stdout.write(f"{child}\\n"); sys.stdout.flush()
        sys.stdin.read()
"""


def start_trainer(folder) -> subprocess.Popen:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", TRAINER, str(folder)], text=True, **pipes)


def test_another_process_is_seen_refused_and_outlived(tmp_path):
    folder = tmp_path / "run"
    trainer = start_trainer(folder)
    try:
        assert trainer.stdout.readline() == "running\n"
        observed = read_state(folder)
        assert observed.alive
        assert (observed.state.state, observed.state.step, observed.state.pid) == ("running", 7, trainer.pid)
        with pytest.raises(UsageError, match=f"process {trainer.pid} on {socket.gethostname()}, started 20"):
            RunFolder.attach(folder, "abc", 100)
        request_stop(folder)
        assert (folder / "stop").exists()
    finally:
        trainer.kill()
        trainer.wait()
    observed = read_state(folder)
    assert (observed.alive, observed.state.state) == (False, "running")
    with pytest.raises(UsageError, match="no process trains"):
        request_stop(folder)
    with RunFolder.attach(folder, "abc", 100) as run:
        assert run.killed
        assert run.before.step == 7
        assert not (folder / "stop").exists()
        assert read_state(folder).state.pid == os.getpid()
    assert read_state(folder).state.state == "stopped"


def test_of_many_starters_one_wins(tmp_path):
    starters = [start_trainer(tmp_path / "run") for _ in range(4)]
    try:
        deadline = time.monotonic() + 60
        while sum(starter.poll() is not None for starter in starters) < 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        running = [starter for starter in starters if starter.poll() is None]
        assert len(running) == 1
        losers = [starter for starter in starters if starter is not running[0]]
        for loser in losers:
            assert loser.returncode == 2
            assert f"process {running[0].pid} on" in loser.stdout.read()
        running[0].stdin.close()
        assert running[0].wait(timeout=60) == 0
    finally:
        for starter in starters:
            starter.kill()
            starter.wait()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_hold_a_killed_trainers_lock(tmp_path):
    code = TRAINER.replace("        sys.stdin.read()", FORK)
    trainer = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert trainer.stdout.readline() == "running\n"
    child = int(trainer.stdout.readline())
    try:
        assert read_state(tmp_path).alive
        trainer.kill()
        trainer.wait()
        deadline = time.monotonic() + 30  # the child has to be given a turn to close its copy
        while read_state(tmp_path).alive and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not read_state(tmp_path).alive
        RunFolder.attach(tmp_path, "abc", 100).end("stopped")
    finally:
        os.kill(child, signal.SIGKILL)


def test_a_new_run_does_not_take_an_old_ones_folder(tmp_path):
    RunFolder.create(tmp_path, "abc", 5).end("stopped", "asked to")
    with pytest.raises(UsageError, match="holds a run already"):
        RunFolder.create(tmp_path, "abc", 5)
    with pytest.raises(UsageError, match="another recipe"):
        RunFolder.attach(tmp_path, "abd", 5)
    run = RunFolder.attach(tmp_path, "abd", 5, allow_change=True)
    assert (run.killed, run.before.message) == (False, "asked to")
    run.end("stopped")


def test_resuming_nothing_is_an_error_not_a_new_run(tmp_path):
    with pytest.raises(UsageError, match="no run"):
        RunFolder.attach(tmp_path / "typo", "abc", 5)
    assert not (tmp_path / "typo").exists()
    with pytest.raises(FileAccessError, match="no run"):
        read_state(tmp_path)


@pytest.mark.parametrize(
    ("error", "step", "state", "message"),
    [
        (None, 5, "finished", ""),
        (None, 4, "stopped", ""),
        (FileAccessError("the disk is full", "Free some."), 4, "failed", "the disk is full. Free some."),
        (CancelledError(), 4, "stopped", "cancelled"),
        (RuntimeError("odd"), 4, "failed", "RuntimeError: odd"),
        (KeyboardInterrupt(), 4, "failed", "KeyboardInterrupt"),
    ],
)
def test_the_end_of_the_block_is_the_end_of_the_run(tmp_path, error, step, state, message):
    with suppress(BaseException), RunFolder.create(tmp_path, "abc", 5) as run:
        run.update("running", step)
        if error:
            raise error
    observed = read_state(tmp_path)
    assert (observed.state.state, observed.state.message, observed.alive) == (state, message, False)


def test_the_heart_beats_without_the_trainers_help(tmp_path, monkeypatch):
    monkeypatch.setattr(run_folder, "HEARTBEAT_SECONDS", 0.05)
    with RunFolder.create(tmp_path, "abc", 5) as run:
        run.update("running")
        first = read_state(tmp_path).state
        run.update(step=3)
        deadline = time.monotonic() + 20
        while read_state(tmp_path).state.step != 3 and time.monotonic() < deadline:
            time.sleep(0.05)
        second = read_state(tmp_path)
        assert second.state.step == 3
        assert second.state.heartbeat_monotonic > first.heartbeat_monotonic
        assert second.silent_s < 20


def test_a_state_file_is_never_seen_half_written(tmp_path, monkeypatch):
    monkeypatch.setattr(run_folder, "HEARTBEAT_SECONDS", 0.001)
    with RunFolder.create(tmp_path, "abc", 5) as run:
        for step in range(300):
            run.update(step=step)
            json.loads((tmp_path / "run.json").read_text())


def test_a_disk_that_is_full_does_not_stop_the_heart(tmp_path, monkeypatch, caplog):
    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    with RunFolder.create(tmp_path, "abc", 5) as run:
        monkeypatch.setattr(run_folder, "write_durably", refuse)
        run.update("running")
        assert "No space" in caplog.text
        assert read_state(tmp_path).alive


def test_a_damaged_state_file_does_not_lose_the_run(tmp_path):
    RunFolder.create(tmp_path, "abc", 5).end("stopped")
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(FileAccessError, match="cannot be read"):
        read_state(tmp_path)
    with RunFolder.attach(tmp_path, "abc", 5) as run:
        assert run.before is None


def test_where_there_are_no_locks_the_process_is_looked_for(tmp_path, monkeypatch):
    def unsupported(*_, **__):
        raise OSError(95, "Operation not supported")

    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    monkeypatch.setattr(folder_lock, "_try_lock", unsupported)
    monkeypatch.setattr(folder_lock, "_NO_LOCKS", {95})
    run = RunFolder.create(tmp_path, "abc", 5)
    assert read_state(tmp_path).alive
    with pytest.raises(UsageError, match="delete run.lock"):
        RunFolder.attach(tmp_path, "abc", 5)
    run.end("stopped")
    assert not read_state(tmp_path).alive
    record = {"pid": gone.pid, "host": socket.gethostname(), "started": 0.0}
    (tmp_path / "run.lock").write_text(json.dumps(record))
    RunFolder.attach(tmp_path, "abc", 5).end("stopped")
    (tmp_path / "run.lock").write_text(json.dumps({**record, "host": "elsewhere"}))
    with pytest.raises(UsageError, match="elsewhere"):
        RunFolder.attach(tmp_path, "abc", 5)


def test_a_folder_that_cannot_be_written_to_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileAccessError, match="cannot make"):
        RunFolder.create(tmp_path / "file" / "run", "abc", 5)


def test_a_run_that_fails_before_it_begins_is_taken_back(tmp_path):
    folder = tmp_path / "run"
    with pytest.raises(ValueError), RunFolder.create(folder, "abc", 5):
        raise ValueError("nothing to learn from")
    assert not folder.exists()
    RunFolder.create(folder, "abc", 5).end("stopped", "asked to")
    before = (folder / "run.json").read_bytes()
    with pytest.raises(ValueError), RunFolder.attach(folder, "def", 9, allow_change=True):
        raise ValueError("another network")
    assert (folder / "run.json").read_bytes() == before


held_files_can_go = pytest.mark.skipif(sys.platform == "win32", reason="there, a lock that is held cannot be deleted")


@held_files_can_go
@pytest.mark.parametrize("step", [0, 3])
def test_a_deleted_folder_ends_the_run_and_stays_deleted(tmp_path, monkeypatch, step):
    monkeypatch.setattr(run_folder, "HEARTBEAT_SECONDS", 0.01)
    folder = tmp_path / "run"
    with (
        pytest.raises(FileAccessError, match="the folder of the run was deleted"),
        RunFolder.create(folder, "abc", 5) as run,
    ):
        if step:
            run.update("running", step)
        shutil.rmtree(folder)
        time.sleep(0.1)
        run.update(step=step + 1)
    assert not folder.exists()


@held_files_can_go
def test_whatever_fails_in_a_deleted_folder_is_told_as_that(tmp_path):
    folder = tmp_path / "run"
    with (
        pytest.raises(FileAccessError, match="the folder of the run was deleted"),
        RunFolder.create(folder, "abc", 5) as run,
    ):
        run.update("running", 3)
        folder.rename(tmp_path / "elsewhere")
        (folder / "log.jsonl").write_text("")
    assert not folder.exists()
    moved = read_state(tmp_path / "elsewhere")
    assert (moved.state.state, moved.alive) == ("running", False)  # it can be resumed there


@held_files_can_go
@pytest.mark.parametrize("lock_only", [False, True])
def test_what_others_began_in_its_place_is_left_alone(tmp_path, lock_only):
    folder = tmp_path / "run"
    with (
        pytest.raises(FileAccessError, match="run.lock in .* was deleted or replaced"),
        RunFolder.create(folder, "abc", 5) as run,
    ):
        run.update("running", 3)
        if lock_only:
            (folder / "run.lock").unlink()
            other = RunFolder.attach(folder, "abc", 5)
        else:
            shutil.rmtree(folder)
            other = RunFolder.create(folder, "def", 9)
        request_stop(folder)
        said = read_state(folder).state
        run.update("stopping")
    observed = read_state(folder)
    assert observed.alive and (folder / "stop").exists()
    assert (observed.state.state, observed.state.recipe) == (said.state, said.recipe)
    other.end("stopped")
    assert not read_state(folder).alive
