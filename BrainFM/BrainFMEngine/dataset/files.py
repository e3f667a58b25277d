"""Files that appear complete or not at all."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from BrainFMEngine.errors import FileAccessError, InputImageError

TRIES = 20
PAUSE_SECONDS = 0.1


def write_file(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file beside its place, bring it to the disk, and rename it.

    Args:
        path: in a folder that is made if it is not there.
        write: is given the open file.

    Raises:
        FileAccessError: the disk is full, or permission is missing; a file that was there is as before.
    """
    temporary = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        _replace(temporary, path)
    except OSError as error:
        reason = error.strerror or error
        raise FileAccessError(f"cannot write {path}: {reason}", "Check free disk space and permissions.") from error
    finally:
        temporary.unlink(missing_ok=True)


def _replace(temporary: Path, path: Path) -> None:
    """Rename; on Windows, wait a while for a program that has the file open, such as a virus scanner."""
    for attempt in range(TRIES):
        try:
            os.replace(temporary, path)
            return
        except PermissionError:
            if os.name != "nt" or attempt == TRIES - 1:
                raise
            time.sleep(PAUSE_SECONDS)


def write_json(path: Path, value: Any) -> None:
    """Write JSON as `write_file` does."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_file(path, lambda file: file.write(text.encode("utf-8")))


def read_json(path: Path) -> dict[str, Any]:
    """Read a table of values.

    Raises:
        FileAccessError: the file cannot be read.
        InputImageError: it is no JSON table.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileAccessError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise InputImageError(f"{path.name} is not JSON", "It may be cut off; prepare the dataset again.") from error
    if not isinstance(value, dict):
        raise InputImageError(f"{path.name} holds no table of values", "Prepare the dataset again.")
    return value
