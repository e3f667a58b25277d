"""Runs of the engine that print without end, and many runs: nothing blocks, grows or stays behind."""

from __future__ import annotations

import gc
import os
import weakref
from pathlib import Path

import child_processes
import pytest
from BrainFMLib import EngineRun
from engine_recorder import Pulse, recorder

__all__ = ["recorder"]
pytestmark = pytest.mark.usefixtures("scene")


@pytest.mark.parametrize("behaviour", ["flood", "flood-events"])
def test_a_flood_neither_blocks_nor_grows(recorder, behaviour):
    """The limit for the wall clock is wide, for busy machines; what this thread computes at a time is what is ours."""
    run = recorder("--megabytes", "30", behaviour)
    resident = resident_bytes()
    with Pulse() as pulse:
        outcome = run.run(120_000)
    grown = resident_bytes() - resident
    assert outcome.state == "done" and len(outcome.results) == 2
    assert pulse.busy < 0.3 and pulse.gap < 1.0, f"worked {pulse.busy:.3f} s, silent for {pulse.gap:.3f} s"
    assert grown < 20e6
    assert len(run.events) < 3000 and sum(map(len, run.log)) < 5e6
    assert len(outcome.log) < 1e6 and len(outcome.warnings) <= 200


def resident_bytes() -> int:
    facts = Path("/proc/self/statm")
    return int(facts.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if facts.exists() else 0


def test_the_log_file_is_bounded(recorder, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    run = recorder("--megabytes", "30", "flood", logFolder=folder)
    run.run(120_000)
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert "engine.log" in sizes and sum(sizes.values()) < 2.5 * 2**20
    assert "nothing of interest" in (folder / "engine.log").read_text(encoding="utf-8")


def test_thirty_runs_leave_nothing(recorder, pump):
    """No process, no QObject, no file stays open, whatever the ends are."""
    behaviours = ["succeed", "fail", "crash", "silent-exit-0", "hang", "slow-progress"]
    recorder("succeed").run()
    created: list[weakref.ref] = []
    make = EngineRun.EngineRun.__init__

    def note(self, *arguments):
        make(self, *arguments)
        created.extend([weakref.ref(self), weakref.ref(self.process), weakref.ref(self.timer)])

    EngineRun.EngineRun.__init__ = note
    files = open_files()
    try:
        for number in range(30):
            run = recorder(behaviours[number % len(behaviours)])
            engine = run.start()
            if run.engine.command[-1] in ("hang", "slow-progress"):
                assert pump(lambda run=run: run.events, 30)
                engine.cancel() if number % 2 else engine.discard()
            if engine.running:
                engine.waitForFinished(30_000)
    finally:
        EngineRun.EngineRun.__init__ = make
    del run, engine
    pump(lambda: False, 0.2)
    gc.collect()
    assert len(created) == 90
    assert not [reference() for reference in created if reference() is not None]
    assert child_processes.of_this_test() == []
    assert open_files() <= files


def open_files() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0
