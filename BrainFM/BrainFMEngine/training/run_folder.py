"""A run's folder: one trainer at a time, and a state file by which any other process can follow and stop the run.

Torch-free. The trainer holds a `RunFolder`; other processes call `read_state` and `request_stop`. A state of "running"
that is not alive is a run that was killed: it can be resumed.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from typing import Literal

from BrainFMEngine.durable_file import write_durably
from BrainFMEngine.errors import BrainFMError, CancelledError, FileAccessError, UsageError
from BrainFMEngine.folder_lock import FolderLock
from BrainFMEngine.training.run_state import (
    ENDED,
    FORMAT_VERSION,
    LOCK_NAME,
    SILENT_SECONDS,
    STATE_NAME,
    STOP_NAME,
    ObservedRun,
    RunState,
    StateName,
    read_run_json,
    read_state,
    request_stop,
)

__all__ = [
    "ENDED",
    "LOCK_NAME",
    "SILENT_SECONDS",
    "STATE_NAME",
    "STOP_NAME",
    "ObservedRun",
    "RunFolder",
    "RunState",
    "read_state",
    "request_stop",
]

logger = logging.getLogger(__name__)

HINT = "Check permissions and free space, or choose another folder."
HEARTBEAT_SECONDS = 2.0
"""How often the state file is written."""


class RunFolder:
    """The trainer's side: holds the lock, and keeps `run.json` fresh from a thread. A context manager.

    `create` or `attach` make one. Leaving the block with an error makes the state "failed" with the error's sentence;
    without one it becomes "finished" if all steps are done and "stopped" if not, unless `end` was called. What
    fails before it is "running" is taken back: the folder is as it was.

    Where the folder or its lock is deleted meanwhile, others may begin there: nothing is written any more, and the
    block ends with FileAccessError.

    Attributes:
        folder: the run's.
        before: the state that the last process left, None in a new run.
        killed: whether that process died without ending the run.
    """

    def __init__(
        self,
        folder: Path,
        recipe: str,
        steps: int,
        new: bool,
        allow_change: bool = False,
        dataset: Path | None = None,
    ):
        self.folder, self._new = folder, new
        self._read_resources: Callable[[], dict[str, float | None]] | None = None
        self._lock = FolderLock(folder / LOCK_NAME, "training")
        try:
            self.before = _state_before(folder, recipe, new, allow_change)
            self.killed = self.before is not None and self.before.state not in ENDED
            self._state = _first_state(recipe, steps, self.before, dataset)
            (folder / STOP_NAME).unlink(missing_ok=True)  # it was meant for the process before
            self._write()
        except OSError as error:
            self._leave(remove=new)
            raise FileAccessError(f"cannot write to {folder}: {error.strerror or error}", HINT) from error
        except BaseException:
            self._lock.release()
            raise
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    @classmethod
    def create(cls, folder: Path, recipe: str, steps: int, dataset: Path | None = None) -> RunFolder:
        """Begin a run; the folder is made if it is not there.

        Args:
            folder: of the run; must not hold one.
            recipe: hash of the recipe.
            steps: how many steps the run will have.
            dataset: what it is trained on; noted for `--resume`.

        Raises:
            UsageError: the folder holds a run, or another process trains in it (it is named).
            FileAccessError: the folder cannot be made or written to.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileAccessError(f"cannot make {folder}: {error.strerror or error}", HINT) from error
        return cls(folder, recipe, steps, new=True, dataset=dataset)

    @classmethod
    def attach(
        cls, folder: Path, recipe: str, steps: int, allow_change: bool = False, dataset: Path | None = None
    ) -> RunFolder:
        """Continue the run in a folder. A run without any checkpoint was killed before its first one: begin at step 0.

        Args:
            folder: of the run.
            recipe: hash of the recipe, the same as before.
            steps: how many steps the run will have, counted from its beginning.
            allow_change: continue although the recipe's hash is another one.
            dataset: what it is trained on from now on; None leaves the note as it is.

        Raises:
            UsageError: there is no run, its recipe is another one, or another process trains in it (it is named).
            FileAccessError: the folder cannot be written to.
        """
        if not (folder / STATE_NAME).exists():
            raise UsageError(f"{folder} holds no run that could be resumed", "Check the folder, or start a new run.")
        return cls(folder, recipe, steps, new=False, allow_change=allow_change, dataset=dataset)

    def watch(self, read_resources: Callable[[], dict[str, float | None]]) -> None:
        """Write what the process uses with every heartbeat, as `read_resources` tells it."""
        self._read_resources = read_resources

    def update(self, state: StateName | None = None, step: int | None = None, message: str | None = None) -> None:
        """Change what the state file says: a new `state` is written at once, the others with the next heartbeat.

        Raises:
            FileAccessError: as of `require`.
        """
        self.require()
        self._change(state, step, message)

    def require(self) -> None:
        """Make sure, before anything is written into the folder, that it is still this run's.

        Raises:
            FileAccessError: the folder or its lock was deleted, moved or replaced.
        """
        if not self._lock.is_ours:
            raise _deleted(self.folder)

    def _change(self, state: StateName | None = None, step: int | None = None, message: str | None = None) -> None:
        with self._guard:
            before = self._state
            self._state = replace(
                before,
                state=before.state if state is None else state,
                step=before.step if step is None else step,
                message=before.message if message is None else message,
            )
            if self._state.state != before.state:
                self._try_write()

    def end(self, state: Literal["finished", "stopped", "failed"], message: str = "") -> None:
        """Say how the run ended and release the folder; later calls do nothing."""
        if self._ended.is_set():
            return
        self._ended.set()
        self._change(state, message=message)
        self._thread.join(timeout=5 * HEARTBEAT_SECONDS)
        if self._lock.is_ours:
            with suppress(OSError):
                (self.folder / STOP_NAME).unlink(missing_ok=True)
        self._lock.release()

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, (Exception, type(None))) and not self._ended.is_set() and not self._lock.is_ours:
            self.end("failed")
            raise _deleted(self.folder) from error
        if error is not None and self._state.state == "starting" and (self._new or self.before):
            self._take_back()
        elif error is None:
            self.end("finished" if self._state.step >= self._state.steps else "stopped", self._state.message)
        elif isinstance(error, CancelledError):
            self.end("stopped", error.message)
        else:
            explained = isinstance(error, BrainFMError)
            self.end("failed", str(error) if explained else f"{type(error).__name__}: {error}".strip(": "))

    def _take_back(self) -> None:
        """Leave nothing of a run or resume that never began; a second try finds the folder as the first did."""
        self._ended.set()
        self._thread.join(timeout=5 * HEARTBEAT_SECONDS)
        with suppress(OSError):
            (self.folder / STOP_NAME).unlink(missing_ok=True)
            if self.before is None:
                (self.folder / STATE_NAME).unlink(missing_ok=True)
            else:
                write_durably(self.folder / STATE_NAME, json.dumps(asdict(self.before), indent=1).encode())
        self._leave(remove=self._new)

    def _leave(self, remove: bool) -> None:
        self._lock.release(remove)
        if remove:
            with suppress(OSError):  # other files are in it
                self.folder.rmdir()

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            with self._guard:
                if not self._ended.is_set():
                    self._try_write()

    def _try_write(self) -> None:
        if not self._lock.is_ours:
            return  # the trainer notices at its next step
        try:
            self._write()
        except OSError as error:  # a full disk is the checkpoint's to report; the lock still says that the run lives
            logger.warning("the state file cannot be written: %s", error.strerror or error)

    def _write(self) -> None:
        resources = self._state.resources if self._read_resources is None else self._read_resources()
        now, clock = time.time(), time.monotonic()
        self._state = replace(self._state, heartbeat=now, heartbeat_monotonic=clock, resources=resources)
        data = json.dumps(asdict(self._state), indent=1).encode()
        write_durably(self.folder / STATE_NAME, data, sync=self._state.state in ("starting", *ENDED))


def _deleted(folder: Path) -> FileAccessError:
    if folder.is_dir():
        hint = "Another process may train there; if none does, resume the run."
        return FileAccessError(f"{LOCK_NAME} in {folder} was deleted or replaced during the run", hint)
    hint = "Nothing more is written there. A run that was moved can be resumed where it is now."
    return FileAccessError(f"the folder of the run was deleted or moved: {folder}", hint)


def _first_state(recipe: str, steps: int, before: RunState | None, dataset: Path | None) -> RunState:
    noted = before.dataset if before else None
    return RunState(
        version=FORMAT_VERSION,
        state="starting",
        pid=os.getpid(),
        host=socket.gethostname(),
        started=time.time(),
        heartbeat=time.time(),
        heartbeat_monotonic=time.monotonic(),
        step=before.step if before else 0,
        steps=steps,
        message="",
        recipe=recipe,
        dataset=noted if dataset is None else str(dataset.absolute()),
    )


def _state_before(folder: Path, recipe: str, new: bool, allow_change: bool) -> RunState | None:
    """Return what the last process left; UsageError if a new run must not begin or this one not continue."""
    if new:
        if (folder / STATE_NAME).exists():
            raise UsageError(f"{folder} holds a run already", "Resume it, or choose another folder.")
        return None
    try:
        before = read_run_json(folder)
    except FileAccessError as error:  # only a note about the run: the checkpoints decide whether it can continue
        logger.warning("%s", error.message)
        return None
    if before.recipe != recipe and not allow_change:
        hint = "Restore the recipe, or allow the change explicitly."
        raise UsageError(f"the run in {folder} was trained with another recipe", hint)
    return before
