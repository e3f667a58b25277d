"""What `run.json` says, and how any other process reads it, sees whether the run is alive, and asks it to stop.

Torch-free. A state of "running" that is not alive is a run that was killed: it can be resumed.
"""

from __future__ import annotations

import json
import math
import socket
import sys
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from BrainFMEngine.errors import FileAccessError, UsageError
from BrainFMEngine.folder_lock import is_locked

STATE_NAME, STOP_NAME, LOCK_NAME = "run.json", "stop", "run.lock"
FORMAT_VERSION = 1
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
        dataset: absolute path of the data set; None in runs of older versions.
        resources: what the process uses, see `resources.ResourceMeter`; None before the first step.
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
    dataset: str | None = None
    resources: dict[str, float | None] | None = None


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


def read_state(folder: Path) -> ObservedRun:
    """Look at a run from another process.

    Raises:
        FileAccessError: there is no run in the folder, or its state file cannot be read.
    """
    state = read_run_json(folder)
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


def read_run_json(folder: Path) -> RunState:
    """Return what `run.json` says.

    Raises:
        FileAccessError: there is none, or it cannot be read.
    """
    path = folder / STATE_NAME
    for attempt in range(10):
        try:
            return _state_of(json.loads(path.read_bytes()))
        except FileNotFoundError as error:
            raise FileAccessError(f"there is no run in {folder}", f"{STATE_NAME} is missing.") from error
        except PermissionError as error:
            if sys.platform != "win32":
                raise FileAccessError(f"{path} cannot be read: permission denied") from error
            time.sleep(0.02 * (attempt + 1))  # it is being replaced
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise FileAccessError(f"{path} cannot be read", "It may be damaged; the checkpoints are not.") from error
    raise FileAccessError(f"{path} cannot be read: permission denied")


def _state_of(record: dict[str, Any]) -> RunState:
    """Return what a record says; ValueError, KeyError or TypeError where it is none of ours."""
    state = RunState(**{field.name: record[field.name] for field in fields(RunState) if field.name in record})
    texts = (state.state, state.host, state.message, state.recipe, state.dataset or "")
    counts = (state.version, state.pid, state.step, state.steps)
    times = (state.started, state.heartbeat, state.heartbeat_monotonic)
    right = all(isinstance(text, str) for text in texts) and all(type(count) is int for count in counts)
    if not right or not all(type(value) in (int, float) and math.isfinite(value) for value in times):
        raise ValueError("a value is of the wrong kind")
    if not isinstance(state.resources, (dict, type(None))):
        raise ValueError("the resources are no table")
    return state
