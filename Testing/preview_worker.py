"""A real `brainfm preview` in a process of its own, for tests that talk to it."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any

LAST = ("done", "error", "cancelled")


class PreviewWorker:
    """Starts the worker on one CPU thread; a thread collects its lines."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "BrainFMEngine", "preview", "--device", "cpu", "--threads", "1"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, encoding="utf-8", **pipes)  # type: ignore[call-overload]
        self.lines: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._collect, daemon=True).start()
        self.count = 0
        self.ready = self.lines.get(timeout=120)

    def _collect(self) -> None:
        with suppress(ValueError):  # closed by a test
            for line in self.process.stdout:
                self.lines.put(json.loads(line))
        self.lines.put({"event": "end"})

    def send(self, **request: Any) -> int:
        """Send a request under a new number, and return the number."""
        self.count += 1
        self.write(json.dumps({"request": self.count, **request}))
        return self.count

    def write(self, line: str) -> None:
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def events(self, number: Any) -> list[dict[str, Any]]:
        """Return what is answered up to the last event of a request."""
        found = []
        while not found or found[-1]["event"] not in (*LAST, "end") or found[-1].get("request") != number:
            found.append(self.lines.get(timeout=120))
            assert found[-1]["event"] != "end", self.process.stderr.read()
        return found

    def ask(self, **request: Any) -> list[dict[str, Any]]:
        """Send a request and return its answers."""
        number = self.send(**request)
        return [event for event in self.events(number) if event.get("request") == number]

    def samples(self, **request: Any) -> list[dict[str, Any]]:
        """Return the samples of a request that succeeds."""
        events = self.ask(**request)
        assert events[-1]["event"] == "done", events[-1]
        return [event for event in events if event["event"] == "sample"]

    def rest(self) -> list[dict[str, Any]]:
        """Wait for the end and return what was answered until then."""
        found = []
        while not found or found[-1]["event"] != "end":
            found.append(self.lines.get(timeout=120))
        return found[:-1]

    def kill(self) -> None:
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
        self.process.wait()
