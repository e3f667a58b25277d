"""An EngineProcess with the stub worker, and everything it told; shared by the tests of the engine's process."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
import qt
from BrainFMLib.EngineProcess import EngineProcess
from BrainFMLib.ProcessTree import processTable

WORKER = Path(__file__).parent / "workers" / "stub_worker.py"
LAUNCHER = WORKER.with_name("stub_launcher.py")
SAMPLE = Path(__file__).resolve().parents[2] / "Resources" / "SampleData" / "head_T1w.nii.gz"
GONE_SECONDS = 2.0
"""Cancelled or discarded, everything is gone after so long."""
SLACK_SECONDS = 3.0
"""What a busy machine may take on top."""
POSIX = pytest.mark.skipif(os.name == "nt", reason="signals and sessions")


class Recorder:
    """An EngineProcess with a behaviour of the worker, and everything it told."""

    def __init__(self, folder: Path, *behaviour: str, logFolder: Path | None = None):
        self.engine = EngineProcess([sys.executable, str(WORKER), *behaviour], logFolder=logFolder)
        self.events, self.log, self.outcomes = [], [], []
        self.engine.onEvent, self.engine.onLog = self.events.append, self.log.append
        self.engine.onFinished = self.outcomes.append
        self.arguments = ["predict", str(folder / "a.nrrd"), str(folder / "b.nrrd"), "-o", str(folder / "out")]

    def start(self) -> EngineProcess:
        self.engine.start(self.arguments)
        return self.engine

    def run(self, timeoutMs: int = 60_000):
        self.start()
        return self.engine.waitForFinished(timeoutMs)

    def kinds(self) -> list[str]:
        return [event["event"] for event in self.events]


@pytest.fixture
def recorder(tmp_path):
    """Function that makes a Recorder; what still runs at the end of the test is ended."""
    made = []

    def make(*behaviour: str, **options) -> Recorder:
        made.append(Recorder(tmp_path, *behaviour, **options))
        return made[-1]

    yield make
    for each in made:
        each.engine.discard()


class Pulse:
    """A timer that should tick every 5 ms: how long did it not, and how much of that did this thread compute?"""

    def __enter__(self) -> Pulse:
        self.gap = self.busy = 0.0
        self.last = time.perf_counter(), time.thread_time()
        self.timer = qt.QTimer()
        self.timer.connect("timeout()", self._beat)
        self.timer.start(5)
        return self

    def __exit__(self, *_error) -> None:
        self.timer.stop()

    def _beat(self) -> None:
        now = time.perf_counter(), time.thread_time()
        self.gap = max(self.gap, now[0] - self.last[0])
        self.busy = max(self.busy, now[1] - self.last[1])
        self.last = now


def is_alive(pid: int) -> bool:
    return pid in processTable() if os.name != "nt" else False
