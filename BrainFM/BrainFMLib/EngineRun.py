"""What goes on during one run of the engine: a QProcess is read, its tree of processes is watched and, if asked, ended.

Everything happens on the GUI thread, in slots of the QProcess and of a QTimer that do a little at a time.
"""

from __future__ import annotations

import atexit
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from BrainFMLib.EngineCommand import engineEnvironment
from BrainFMLib.LineReader import LineReader, eventOf, textOf
from BrainFMLib.ProcessTree import ProcessTree
from BrainFMLib.RunLog import RunLog
from BrainFMLib.RunOutcome import RunFacts, outcomeOf

if TYPE_CHECKING:
    from BrainFMLib.EngineProcess import EngineProcess

TICK_MS = 100
SLICE_SECONDS = 0.01
"""How long the GUI thread works on output at a time."""
DISCARD_MS = 50
"""How long a discarded process is waited for; it goes on ending by itself."""
QUIT_MS = 1000
"""How long a process that was killed is waited for when Slicer closes."""
KILL_SECONDS = 1.0
"""How long the engine may take to end by itself after "stop"."""
GIVE_UP_SECONDS = 4.0
"""After so long a process that was killed is no longer waited for."""
MAX_OF_A_KIND = 1000
"""Most events of one kind that are passed on, except these."""
ALWAYS_PASSED = ("start", "output", "error", "ready", "sample", "cancelled", "done")


class EngineRun:
    """One run: the QProcess, a timer, and what has come so far. Without an owner it only waits to be deleted."""

    def __init__(self, owner: EngineProcess, command: list[str]):
        self.owner: EngineProcess | None = owner
        self.command = command
        self.facts = RunFacts(owner.finalEvent, command[0])
        self.log = RunLog(owner.logFolder)
        self.output, self.errors = LineReader(), LineReader()
        self.progress: dict[str, Any] | None = None
        self.progressAt = 0.0
        self.passed: Counter[str] = Counter()
        self.begun = time.monotonic()
        self.killAt = self.giveUpAt = float("inf")
        self.started = self.ended = False
        self.tree: ProcessTree | None = None
        self.process = qt.QProcess()
        self.timer = qt.QTimer()

    def start(self) -> None:
        """Start the process; what comes of it is told later, in slots."""
        environment = qt.QProcessEnvironment.systemEnvironment()
        for name, value in engineEnvironment().items():
            environment.insert(name, value)
        self.process.setProcessEnvironment(environment)
        for signal, slot in self._slots().items():
            self.process.connect(signal, slot)
        slicer.app.connect("aboutToQuit()", self._onQuit)
        atexit.register(self._onQuit)
        self.timer.connect("timeout()", self._onTimer)
        self.timer.start(TICK_MS)
        self.process.start(self.command[0], self.command[1:])
        pid = int(self.process.processId())
        self.tree = ProcessTree(pid) if pid > 1 else None

    def cancel(self) -> None:
        """Say "stop"; the clock does the rest. Said twice, the end comes at once."""
        again, self.facts.cancelled = self.facts.cancelled, True
        if self.ended:
            return
        now = time.monotonic()
        self.killAt = now if again else now + KILL_SECONDS
        self.giveUpAt = min(self.giveUpAt, now + GIVE_UP_SECONDS)
        if again:
            self._watchTheClock()
            return
        self._look()
        self.process.write(b"stop\n")
        self.process.closeWriteChannel()

    def discard(self) -> None:
        """End the process and call nobody any more."""
        self.owner = None
        self.timer.stop()
        self.log.close()
        if not self.ended:
            self._kill()
            _ENDING.append(self)
            self.process.waitForFinished(DISCARD_MS)
        _deleteSoon(self.timer)

    def _slots(self) -> dict[str, Callable[[], None]]:
        return {
            "started()": self._onStarted,
            "readyReadStandardOutput()": self._onOutput,
            "readyReadStandardError()": self._onErrors,
            "errorOccurred(QProcess::ProcessError)": self._onProblem,
            "finished(int,QProcess::ExitStatus)": self._onFinished,
        }

    def _onQuit(self) -> None:
        """Slicer closes. Deleting a QProcess that runs kills only the process itself, and calls slots without it."""
        if self.owner is not None:
            self.owner.discard()
        self.process.waitForFinished(QUIT_MS)
        for signal, slot in self._slots().items():
            self.process.disconnect(signal, slot)
        self._processEnded()

    def _processEnded(self) -> None:
        """There is no process any more that could outlive Slicer."""
        slicer.app.disconnect("aboutToQuit()", self._onQuit)
        atexit.unregister(self._onQuit)

    def _onStarted(self) -> None:
        self.started = True

    def _onProblem(self) -> None:
        if not self.started and not self.ended:
            self.facts.startProblem = self.process.errorString() or _("unknown reason")
            self._processEnded()
            self._end()

    def _onFinished(self) -> None:
        self._processEnded()
        if self.tree is not None:
            self.tree.rootEnded()
        if self in _ENDING:
            _ENDING.remove(self)
            _deleteSoon(self.process)
            return
        self.facts.code = self.process.exitCode()
        self.facts.signalled = self.process.exitStatus() == qt.QProcess.CrashExit
        self.output.add(_bytesOf(self.process.readAllStandardOutput()))
        self.errors.add(_bytesOf(self.process.readAllStandardError()))
        self._end()

    def _onOutput(self) -> None:
        self.output.add(_bytesOf(self.process.readAllStandardOutput()))
        self._work()

    def _onErrors(self) -> None:
        self.errors.add(_bytesOf(self.process.readAllStandardError()))
        self._work()

    def _onTimer(self) -> None:
        self._work()
        self._passProgress()
        self._pass("onLog", self.log.takeNew())
        self._watchTheClock()

    def _work(self) -> None:
        """Read some lines."""
        for line in self.output.lines(SLICE_SECONDS):
            event = eventOf(line)
            if event is None:
                self.log.add(textOf(line))
            else:
                self._take(event)
            if self.owner is None:
                return
        for line in self.errors.lines(SLICE_SECONDS):
            self.log.add(textOf(line))

    def _take(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if not self.passed:
            self._look()
        self.passed[kind] += 1
        if kind == "progress":
            self.progress = event
            if time.monotonic() - self.progressAt >= TICK_MS / 1000:
                self._passProgress()
            return
        self._passProgress()
        self.facts.note(event)
        if kind in (self.facts.finalEvent, *ALWAYS_PASSED) or self.passed[kind] <= MAX_OF_A_KIND:
            self._pass("onEvent", event)

    def _passProgress(self) -> None:
        event, self.progress = self.progress, None
        if event is not None:
            self.progressAt = time.monotonic()
            self._pass("onEvent", event)

    def _pass(self, name: str, value: Any) -> None:
        """Call the owner; what goes wrong there shows as an error of its own and does not stop the run."""
        if self.owner is None or not value:
            return
        try:
            getattr(self.owner, name)(value)
        except Exception as error:
            _raiseSoon(error)

    def _look(self) -> None:
        if self.tree is not None and not self.ended:
            self.tree.look()

    def _kill(self) -> None:
        if self.tree is not None:
            self.tree.kill()
        self.process.kill()

    def _watchTheClock(self) -> None:
        now = time.monotonic()
        if self.ended or now < self.killAt:
            return
        self.killAt = now + KILL_SECONDS
        self._kill()
        if now > self.giveUpAt:  # it hangs in the system; it ends when the system lets go of it
            _ENDING.append(self)
            self._end()

    def _end(self) -> None:
        self.ended = True
        self.output.end()
        self.errors.end()
        qt.QTimer.singleShot(0, self._finish)

    def _finish(self) -> None:
        """Read what is left, a slice at a time, and tell how the run ended."""
        self._work()
        if self.owner is None:
            return
        if self.output.busy or self.errors.busy:
            qt.QTimer.singleShot(0, self._finish)
            return
        if self.tree is not None:
            self.tree.kill()  # what the engine left behind
        lost = self.output.lost + self.errors.lost
        self.log.add(_("[{count} bytes of output are not kept]").format(count=lost) if lost else "")
        self._passProgress()
        self._pass("onLog", self.log.takeNew())
        outcome = outcomeOf(self.facts, time.monotonic() - self.begun, self.log.text())
        self.timer.stop()
        self.log.close()
        _deleteSoon(self.timer)
        if self not in _ENDING:
            _deleteSoon(self.process)
        owner, self.owner = self.owner, None
        if owner is not None:
            owner.runFinished(outcome)


_ENDING: list[EngineRun] = []
"""Runs whose process was killed and has not ended yet."""


def _deleteSoon(item: qt.QObject) -> None:
    """Delete an object in the next turn of the event loop, and keep it until then: one of its slots may be running."""
    item.deleteLater()
    qt.QTimer.singleShot(0, lambda: item)


def _raiseSoon(error: Exception) -> None:
    def fail() -> None:
        raise error

    qt.QTimer.singleShot(0, fail)


def _bytesOf(data: Any) -> bytes:
    """Return the bytes of what QProcess read, which is a QByteArray or, in some versions of PythonQt, bytes."""
    return bytes(data) if isinstance(data, (bytes, bytearray)) else bytes(data.data())
