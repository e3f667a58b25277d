"""What `run.json` says, and how any other process reads it, sees whether the run is alive, and asks it to stop.

Torch-free. A state of "running" that is not alive is a run that was killed: it can be resumed.
"""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

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
            record = json.loads(path.read_bytes())
            return RunState(**{field.name: record[field.name] for field in fields(RunState) if field.name in record})
        except FileNotFoundError as error:
            raise FileAccessError(f"there is no run in {folder}", f"{STATE_NAME} is missing.") from error
        except PermissionError:  # Windows, while it is being replaced
            time.sleep(0.02 * (attempt + 1))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FileAccessError(f"{path} cannot be read", "It may be damaged; the checkpoints are not.") from error
    raise FileAccessError(f"{path} cannot be read: permission denied")
