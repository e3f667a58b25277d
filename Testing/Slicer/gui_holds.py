"""How long the GUI thread is held between two returns to the event loop, and by what.

What counts is the processor time of the thread: what else the machine does leaves it alone. Waiting for a disk is not
in it; the files of the tests lie in memory.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import qt

SAMPLE_S = 0.004
WORTH_MS = 20.0
HARNESS = "harness"


@dataclass(frozen=True)
class Hold:
    """One stretch without a return to the event loop: its length, and where the thread mostly was."""

    milliseconds: float
    where: str


class GuiHolds:
    """Measures while it is entered.

    Attributes:
        holds: those worth a look, the longest first when it is left.
    """

    def __init__(self):
        self.holds: list[Hold] = []
        self._seen: dict[str, int] = {}
        self._last = 0.0
        self._thread = threading.get_ident()
        self._ended = threading.Event()
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._tick)

    def __enter__(self):
        self._last = time.thread_time()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()
        self._timer.start()
        return self

    def __exit__(self, *ignored):
        self._timer.stop()
        self._ended.set()
        self._sampler.join()
        self.holds.sort(key=lambda hold: -hold.milliseconds)

    @property
    def longest(self) -> Hold:
        """The longest."""
        return self.holds[0] if self.holds else Hold(0.0, "nowhere")

    def report(self, count: int = 5) -> str:
        """The longest ones, a line each."""
        return "\n".join(f"{hold.milliseconds:6.0f} ms  {hold.where}" for hold in self.holds[:count])

    def _tick(self):
        now = time.thread_time()
        if (now - self._last) * 1000 > WORTH_MS:
            seen = dict(self._seen)
            where = max(seen, key=seen.get) if seen else "?"
            self.holds.append(Hold((now - self._last) * 1000, where))
        self._seen.clear()
        self._last = time.thread_time()

    def _sample(self):
        while not self._ended.wait(SAMPLE_S):
            frame = sys._current_frames().get(self._thread)
            where = _ours(frame)
            if where:
                self._seen[where] = self._seen.get(where, 0) + 1


def _ours(frame) -> str:
    """The innermost three calls of the modules."""
    calls = []
    while frame is not None and len(calls) < 3:
        path = Path(frame.f_code.co_filename)
        if "BrainFM" in path.parent.name or path.parent.name == "Widgets":
            calls.append(f"{path.stem}.{frame.f_code.co_name}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(calls)
