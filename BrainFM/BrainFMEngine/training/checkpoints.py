"""Checkpoints that survive SIGKILL, power loss, full disks and bad sectors.

A checkpoint NAME is two files: NAME.pt (`torch.save` of tensors and plain values) and NAME.json (step, bytes,
SHA-256). Everything is written and synced under temporary names before anything is renamed, so at every instant there
is a complete state that can be verified. "last" becomes "previous" when the next "last" arrives; "best" and
"step-00000100" are names like any other. Only one process saves into a folder (`folder_lock`).
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

import torch

from BrainFMEngine.durable_file import replace, staged, sync_folder, sync_stream, temporary_of
from BrainFMEngine.errors import FileAccessError, ModelFileError
from BrainFMEngine.hashing import file_sha256
from BrainFMEngine.training.plain_state import plain_state, refuse_not_finite, state_bytes
from BrainFMEngine.training.sidecar import (
    DamagedCheckpointError,
    Description,
    present,
    settle_sidecar,
    sidecar_of,
    stage_sidecar,
    verify,
)

logger = logging.getLogger(__name__)

LAST, PREVIOUS, BEST = "last", "previous", "best"
SPACE_FACTOR = 3
"""A save needs this many times the checkpoint's size to be free."""


def step_name(step: int) -> str:
    """Return the name of the periodic checkpoint of a step; names sort as steps do."""
    return f"step-{step:08d}"


def checkpoint_path(folder: Path, name: str) -> Path:
    """Return where the checkpoint of that name is."""
    return folder / f"{name}.pt"


def save_checkpoint(folder: Path, name: str, state: dict[str, Any]) -> Path:
    """Save a state; "last" moves to "previous" first. Whatever goes wrong, a complete older state is still there.

    Args:
        folder: made if it is not there; its parent, the run's folder, is not.
        name: "last", "best", `step_name(step)`.
        state: nested dict of tensors and plain values with an int "step".

    Returns:
        Path of the .pt file.

    Raises:
        NotFiniteError: a tensor holds NaN or infinity.
        FileAccessError: too little free space (three times the size is asked for), disk full, no permission.
        TypeError: the state holds something else than tensors and plain values.
    """
    plain = plain_state(state)
    if type(plain.get("step")) is not int:
        raise TypeError("a checkpoint's state needs an int 'step'")
    refuse_not_finite(plain)
    path = checkpoint_path(folder, name)
    try:
        folder.mkdir(exist_ok=True)
        temporary_of(path).unlink(missing_ok=True)
        require_space(folder, state_bytes(plain))
        _publish(path, _stage_state(path, plain))
    except OSError as error:
        raise _not_saved(path, error) from error
    return path


def keep_checkpoint(folder: Path, source: str, name: str) -> Path:
    """Keep a checkpoint under another name ("last" as "best") at no cost: a hard link where the disk can, else a copy.

    Raises:
        FileAccessError: there is no such checkpoint, or it cannot be written.
    """
    origin, path = checkpoint_path(folder, source), checkpoint_path(folder, name)
    description = present(origin)
    if description is None:
        raise FileAccessError(f"there is no complete checkpoint {origin}")
    try:
        _link_or_copy(origin, temporary_of(path))
        _publish(path, description)
    except OSError as error:
        raise _not_saved(path, error) from error
    finally:
        with suppress(OSError):  # renaming one link onto another of the same file leaves both
            temporary_of(path).unlink(missing_ok=True)
    return path


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Load NAME.pt onto the CPU if its SHA-256 is the one in NAME.json; never runs code.

    Raises:
        FileAccessError: it is not there or cannot be read.
        DamagedCheckpointError: other bytes than were saved, or no readable NAME.json beside it.
        ModelFileError: the bytes are right, but it cannot be loaded here (memory, version) or is no run's state.
    """
    try:
        with open(path, "rb") as stream:
            verify(path, stream)
            state = torch.load(stream, map_location="cpu", weights_only=True)
    except OSError as error:
        if error.errno == errno.EIO:
            raise DamagedCheckpointError(f"the disk cannot read {path.name} any more") from error
        raise FileAccessError(f"cannot read the checkpoint {path}: {error.strerror or error}") from error
    except DamagedCheckpointError:
        raise
    except Exception as error:  # the bytes are verified, so the reason is memory, a newer torch, or a file made by hand
        reason = " ".join(str(error).split())[:200]
        raise ModelFileError(f"{path.name} is complete but cannot be loaded: {reason}") from error
    if not isinstance(state, dict) or type(state.get("step")) is not int:
        raise ModelFileError(f"{path.name} is not the state of a training run")
    return state


def resume_checkpoint(folder: Path, warn: Callable[[str], None] = logger.warning) -> tuple[str, dict[str, Any]] | None:
    """Load "last" or, if that is missing or damaged, "previous"; damaged files are renamed to *.damaged.

    Args:
        folder: of the checkpoints.
        warn: called with one sentence for each checkpoint that could not be used.

    Returns:
        (name, state), or None if nothing was ever saved here.

    Raises:
        DamagedCheckpointError: there are checkpoints, but none can be used. A run never begins anew by itself.
        FileAccessError: one is there but cannot be opened.
    """
    for name in (LAST, PREVIOUS):
        path = checkpoint_path(folder, name)
        if not path.exists():
            continue
        try:
            state = load_checkpoint(path)
        except DamagedCheckpointError as error:
            warn(f"{error.message}; it is kept as {_set_aside(path).name}")
            continue
        if name != LAST:
            warn(f"continuing from {path.name}, step {state['step']}")
        return name, state
    others = sorted(path.stem for path in folder.glob("*.pt"))
    if not others and not any(folder.glob("*.pt.damaged")):
        return None
    hint = "Start a new run in another folder."
    if others:
        listed = ", ".join(others)
        hint = f"There is {listed}; to go on from one, copy its .pt and .json to last.pt and last.json, then resume."
    raise DamagedCheckpointError(f"neither last.pt nor previous.pt in {folder} can be used", hint)


def prune_checkpoints(folder: Path, keep: int) -> list[str]:
    """Delete the oldest periodic checkpoints ("step-*") until `keep` are left; return the names deleted."""
    names = sorted(path.stem for path in folder.glob("step-*.pt"))
    surplus = names[: max(0, len(names) - keep)]
    for name in surplus:
        path = checkpoint_path(folder, name)
        with suppress(OSError):  # in use by a reader on Windows: it goes the next time
            path.unlink(missing_ok=True)
            sidecar_of(path).unlink(missing_ok=True)
    return surplus


def require_space(folder: Path, size: int) -> None:
    """Check that three times `size` bytes are free in an existing folder; call it before a run starts, too.

    Raises:
        FileAccessError: less is free; nothing has been written.
    """
    free, needed = shutil.disk_usage(folder).free, SPACE_FACTOR * size
    if free < needed:
        hint = "Free some space; checkpoints that are already there are untouched."
        raise FileAccessError(f"{folder} has {_mb(free)} free; saving a checkpoint needs {_mb(needed)}", hint)


class _HashingWriter:
    """The stream that `torch.save` writes to: hashes, counts, and keeps the first error, which torch may hide."""

    def __init__(self, stream: IO[bytes]):
        self.stream, self.digest, self.bytes = stream, hashlib.sha256(), 0
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        if self.error is None:
            try:
                self.stream.write(data)
                self.digest.update(data)
            except OSError as error:
                self.error = error
        self.bytes += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: the file is synced at the end."""


def _stage_state(path: Path, state: dict[str, Any]) -> Description:
    """Write and sync the state under its temporary name, and read it back."""
    with staged(path) as stream:
        writer = _HashingWriter(stream)
        torch.save(state, cast(Any, writer))
        if writer.error is not None:
            raise writer.error
    description = Description(state["step"], writer.bytes, writer.digest.hexdigest())
    if file_sha256(temporary_of(path)) != description.sha256:
        temporary_of(path).unlink(missing_ok=True)
        raise OSError(errno.EIO, "the disk returned other bytes than were written")
    return description


def _publish(path: Path, description: Description) -> None:
    """Give the staged data its name; "last" becomes "previous". From the first rename on no space is needed."""
    moves = [(temporary_of(path), path, description)]
    old = present(path) if path.stem == LAST else None
    if old is not None:  # what cannot be verified is not worth the place of "previous"
        moves.insert(0, (path, checkpoint_path(path.parent, PREVIOUS), old))
    sidecars: list[Path] = []
    try:
        for _, target, described in moves:
            sidecars.append(stage_sidecar(target, described))
        for (source, target, _), sidecar in zip(moves, sidecars, strict=True):
            replace(temporary_of(sidecar), sidecar)
            sync_folder(path.parent)
            replace(source, target)
            sync_folder(path.parent)
    except BaseException:
        for leftover in (*sidecars, path):
            with suppress(OSError):
                temporary_of(leftover).unlink(missing_ok=True)
        raise
    for _, target, described in moves:
        settle_sidecar(target, described)


def _link_or_copy(origin: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    try:
        os.link(origin, target)
    except OSError:  # FAT, some network drives
        require_space(target.parent, origin.stat().st_size)
        try:
            shutil.copyfile(origin, target)
            with open(target, "rb+") as stream:
                sync_stream(stream)
        except BaseException:
            with suppress(OSError):
                target.unlink(missing_ok=True)
            raise


def _set_aside(path: Path) -> Path:
    """Rename a damaged checkpoint and its description; a folder that cannot be written to stays as it is."""
    aside = path.with_name(f"{path.name}.damaged")
    for source, target in ((path, aside), (sidecar_of(path), aside.with_name(f"{sidecar_of(path).name}.damaged"))):
        with suppress(OSError):
            replace(source, target)
    return aside


def _not_saved(path: Path, error: OSError) -> FileAccessError:
    hint = "The checkpoint before is still there; free some space or check permissions, then resume the run."
    return FileAccessError(f"{path} was not saved: {error.strerror or error}", hint)


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
