"""Requests as they arrive on standard input, while another one is worked on.

A line {"stop": true} ends everything at once; at the end of standard input, what was asked for before is still done.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from BrainFMEngine.errors import UsageError
from BrainFMEngine.parent import read_blocks
from BrainFMEngine.preview.request import PreviewRequest, parse_request

MAX_LINE_BYTES = 1 << 20
GRACE_SECONDS = 10.0
"""How long what is being done may take to notice that it has to stop."""
ANATOMY = ("anatomy", "subject", "images", "coordinates", "map_labels")


class Inbox:
    """Reads lines in a thread of its own. The newest preview counts; exports and recipes are all done, in order.

    Args:
        on_error: told the request's name (None where it has none) and what is wrong with it.
        on_cancelled: told the name of a request that is not begun any more.
        descriptor: number of the file to read.
    """

    def __init__(
        self,
        on_error: Callable[[Any, Exception], None],
        on_cancelled: Callable[[Any], None],
        descriptor: int = 0,
    ):
        self._on_error, self._on_cancelled, self._descriptor = on_error, on_cancelled, descriptor
        self._change = threading.Condition()
        self._jobs: deque[PreviewRequest] = deque()
        self._preview: PreviewRequest | None = None
        self._current: PreviewRequest | None = None
        self._taken_back = False
        self._ended = self._stopped = False
        self._last_resort = threading.Timer(GRACE_SECONDS, os._exit, [0])
        self._last_resort.daemon = True

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def next(self) -> PreviewRequest | None:
        """Wait for the next request and return it; None when there will be none."""
        with self._change:
            self._current, self._taken_back = None, False
            self._change.wait_for(lambda: self._stopped or self._ended or self._jobs or self._preview)
            if self._stopped:
                return None
            if self._jobs:
                self._current = self._jobs.popleft()
            else:
                self._current, self._preview = self._preview, None
            return self._current

    def stop(self) -> None:
        """Begin nothing more, and end the process if what is being done takes long."""
        with self._change:
            if not self._stopped:
                self._stopped = True
                self._last_resort.start()
                self._change.notify_all()

    def close(self) -> None:
        """Say that nothing is being done any more."""
        self._last_resort.cancel()

    def wants(self, request: PreviewRequest) -> bool:
        """Tell whether the request at hand is still wanted."""
        with self._change:
            newer = request.kind == "preview" and self._preview is not None
            return not (self._stopped or self._taken_back or newer)

    def wants_anatomy(self, request: PreviewRequest) -> bool:
        """Tell whether the anatomy of the request at hand is still wanted, be it by the next one."""
        with self._change:
            if self._stopped or self._taken_back:
                return False
            newer = self._preview if request.kind == "preview" else None
            return newer is None or all(getattr(newer, name) == getattr(request, name) for name in ANATOMY)

    def _read(self) -> None:
        line, too_long = b"", False
        for block in read_blocks(self._descriptor):
            *complete, line = (line + block).split(b"\n")
            for text in complete:
                if not too_long and text.strip() and self._take(text):
                    return self.stop()
                too_long = False
            if len(line) > MAX_LINE_BYTES:
                if not too_long:
                    self._on_error(None, UsageError(f"a request is longer than {MAX_LINE_BYTES} bytes"))
                line, too_long = b"", True
        if line.strip() and not too_long and self._take(line):
            return self.stop()
        with self._change:
            self._ended = True
            self._change.notify_all()

    def _take(self, text: bytes) -> bool:
        """Take a line; return whether it is the last one."""
        if text.strip().lower() == b"stop":  # as of every command
            return True
        name = None
        try:
            record = json.loads(text.decode("utf-8"), parse_constant=_refuse)
            if isinstance(record, dict):
                if record.get("stop") is True:
                    return True
                name = record.get("request")
                if "cancel" in record:
                    self._cancel(record["cancel"])
                    return False
            self._put(parse_request(record))
        except (ValueError, RecursionError) as error:
            self._on_error(name, UsageError("a request is not JSON", " ".join(str(error).split())))
        except Exception as error:  # every error ends as a sentence
            self._on_error(name, error)
        return False

    def _put(self, request: PreviewRequest) -> None:
        with self._change:
            dropped = None
            if request.kind == "preview":
                dropped, self._preview = self._preview, request
            else:
                self._jobs.append(request)
            self._change.notify_all()
        if dropped is not None:
            self._on_cancelled(dropped.request)

    def _cancel(self, name: Any) -> None:
        with self._change:
            dropped = [job for job in (*self._jobs, self._preview) if job is not None and job.request == name]
            self._jobs = deque(job for job in self._jobs if job.request != name)
            if self._preview is not None and self._preview.request == name:
                self._preview = None
            if self._current is not None and self._current.request == name:
                self._taken_back = True
        for job in dropped:
            self._on_cancelled(job.request)


def _refuse(word: str) -> float:
    raise UsageError(f"{word} is no number for a request")
