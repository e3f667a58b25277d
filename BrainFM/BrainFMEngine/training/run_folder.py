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
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import TracebackType
from typing import Literal

from BrainFMEngine.durable_file import write_durably
from BrainFMEngine.errors import BrainFMError, CancelledError, FileAccessError, UsageError
from BrainFMEngine.folder_lock import FolderLock, is_locked

logger = logging.getLogger(__name__)

STATE_NAME, STOP_NAME, LOCK_NAME = "run.json", "stop", "run.lock"
HINT = "Check permissions and free space, or choose another folder."
FORMAT_VERSION = 1
HEARTBEAT_SECONDS = 2.0
"""How often the state file is written."""
SILENT_SECONDS = 30.0
"""Where the file system knows no locks, a run is taken for dead after so long without a heartbeat."""

StateName = Literal["starting", "running", "stopping", "finished", "stopped", "failed"]
ENDED = ("finished", "stopped", "failed")


@dataclass(frozen=True)
class RunState:
    """What `run.json` says.

    Attributes:
        version: of the format, 1.
        state: "finished": all steps are done; "stopped": it was asked to, and saved; "failed": see `message`.
        pid: the process that trains, on `host`.
        started: when that process began, in seconds since 1970; `heartbeat` is its last sign of life.
        heartbeat_monotonic: the last sign of life on the host's clock that never jumps, in seconds.
        step: steps done, of `steps`.
        message: one sentence for people; may be empty.
        recipe: hash of the recipe that is trained.
    """

    version: int
    state: StateName
    pid: int
    host: str
    started: float
    heartbeat: float
    heartbeat_monotonic: float
    step: int
    steps: int
    message: str
    recipe: str


@dataclass(frozen=True)
class ObservedRun:
    """A run as seen from another process.

    Attributes:
        state: what the run says of itself.
        alive: whether its process is there.
        silent_s: seconds since its last sign of life: about 2 while it is well, more after a hang.
    """

    state: RunState
    alive: bool
    silent_s: float


class RunFolder:
    """The trainer's side: holds the lock, and keeps `run.json` fresh from a thread. A context manager.

    `create` or `attach` make one. Leaving the block with an error makes the state "failed" with the error's sentence;
    without one it becomes "finished" if all steps are done and "stopped" if not, unless `end` was called. What
    fails before it is "running" is taken back: the folder is as it was.

    Attributes:
        folder: the run's.
        before: the state that the last process left, None in a new run.
        killed: whether that process died without ending the run.
    """

    def __init__(self, folder: Path, recipe: str, steps: int, new: bool, allow_change: bool = False):
        self.folder, self._new = folder, new
        self._lock = FolderLock(folder / LOCK_NAME, "training")
        try:
            self.before = _state_before(folder, recipe, new, allow_change)
            self.killed = self.before is not None and self.before.state not in ENDED
            self._state = _first_state(recipe, steps, self.before.step if self.before else 0)
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
    def create(cls, folder: Path, recipe: str, steps: int) -> RunFolder:
        """Begin a run; the folder is made if it is not there.

        Args:
            folder: of the run; must not hold one.
            recipe: hash of the recipe.
            steps: how many steps the run will have.

        Raises:
            UsageError: the folder holds a run, or another process trains in it (it is named).
            FileAccessError: the folder cannot be made or written to.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileAccessError(f"cannot make {folder}: {error.strerror or error}", HINT) from error
        return cls(folder, recipe, steps, new=True)

    @classmethod
    def attach(cls, folder: Path, recipe: str, steps: int, allow_change: bool = False) -> RunFolder:
        """Continue the run in a folder. A run without any checkpoint was killed before its first one: begin at step 0.

        Args:
            folder: of the run.
            recipe: hash of the recipe, the same as before.
            steps: how many steps the run will have, counted from its beginning.
            allow_change: continue although the recipe's hash is another one.

        Raises:
            UsageError: there is no run, its recipe is another one, or another process trains in it (it is named).
            FileAccessError: the folder cannot be written to.
        """
        if not (folder / STATE_NAME).exists():
            raise UsageError(f"{folder} holds no run that could be resumed", "Check the folder, or start a new run.")
        return cls(folder, recipe, steps, new=False, allow_change=allow_change)

    def update(self, state: StateName | None = None, step: int | None = None, message: str | None = None) -> None:
        """Change what the state file says: a new `state` is written at once, the others with the next heartbeat."""
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
        self.update(state, message=message)
        self._thread.join(timeout=5 * HEARTBEAT_SECONDS)
        with suppress(OSError):
            (self.folder / STOP_NAME).unlink(missing_ok=True)
        self._lock.release()

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
        try:
            self._write()
        except OSError as error:  # a full disk is the checkpoint's to report; the lock still says that the run lives
            logger.warning("the state file cannot be written: %s", error.strerror or error)

    def _write(self) -> None:
        self._state = replace(self._state, heartbeat=time.time(), heartbeat_monotonic=time.monotonic())
        data = json.dumps(asdict(self._state), indent=1).encode()
        write_durably(self.folder / STATE_NAME, data, sync=self._state.state in ("starting", *ENDED))


def read_state(folder: Path) -> ObservedRun:
    """Look at a run from another process.

    Raises:
        FileAccessError: there is no run in the folder, or its state file cannot be read.
    """
    state = _read(folder)
    same_clock = state.host == socket.gethostname()
    silent = time.monotonic() - state.heartbeat_monotonic if same_clock else -1.0
    if silent < 0:  # another computer, or it was started anew since
        silent = max(0.0, time.time() - state.heartbeat)
    locked = is_locked(folder / LOCK_NAME)
    alive = locked if locked is not None else silent < SILENT_SECONDS and state.state not in ENDED
    return ObservedRun(state, alive, silent)


def request_stop(folder: Path) -> None:
    """Ask the run in a folder to finish its step, save and end.

    Raises:
        UsageError: no process trains there.
        FileAccessError: there is no run, or the request cannot be written.
    """
    observed = read_state(folder)
    if not observed.alive:
        raise UsageError(f"no process trains in {folder}", f"Its last state was {observed.state.state!r}.")
    try:
        (folder / STOP_NAME).write_text("stop\n", encoding="utf-8")
    except OSError as error:
        raise FileAccessError(f"cannot write to {folder}: {error.strerror or error}") from error


def _first_state(recipe: str, steps: int, step: int) -> RunState:
    now, clock = time.time(), time.monotonic()
    host = socket.gethostname()
    return RunState(FORMAT_VERSION, "starting", os.getpid(), host, now, now, clock, step, steps, "", recipe)


def _state_before(folder: Path, recipe: str, new: bool, allow_change: bool) -> RunState | None:
    """Return what the last process left; UsageError if a new run must not begin or this one not continue."""
    if new:
        if (folder / STATE_NAME).exists():
            raise UsageError(f"{folder} holds a run already", "Resume it, or choose another folder.")
        return None
    try:
        before = _read(folder)
    except FileAccessError as error:  # only a note about the run: the checkpoints decide whether it can continue
        logger.warning("%s", error.message)
        return None
    if before.recipe != recipe and not allow_change:
        hint = "Restore the recipe, or allow the change explicitly."
        raise UsageError(f"the run in {folder} was trained with another recipe", hint)
    return before


def _read(folder: Path) -> RunState:
    path = folder / STATE_NAME
    for attempt in range(10):
        try:
            record = json.loads(path.read_bytes())
            return RunState(**{field.name: record[field.name] for field in fields(RunState)})
        except FileNotFoundError as error:
            raise FileAccessError(f"there is no run in {folder}", f"{STATE_NAME} is missing.") from error
        except PermissionError:  # Windows, while it is being replaced
            time.sleep(0.02 * (attempt + 1))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileAccessError(f"{path} cannot be read", "It may be damaged; the checkpoints are not.") from error
    raise FileAccessError(f"{path} cannot be read: permission denied")
