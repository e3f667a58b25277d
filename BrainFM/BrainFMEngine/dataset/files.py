"""Files that appear complete or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from BrainFMEngine.durable_file import write_durably
from BrainFMEngine.errors import FileAccessError, InputImageError

HEADER = "dataset.json"
FORMAT_VERSION = 1


def read_header(folder: Path) -> dict[str, Any]:
    """Read what a dataset says of itself.

    Raises:
        FileAccessError: the file cannot be read.
        InputImageError: it is no JSON table, or of a version that this program does not know.
    """
    record = read_json(folder / HEADER)
    version = record.get("format_version")
    if version != FORMAT_VERSION:
        raise InputImageError(f"{folder} is a dataset of version {version}, this program knows {FORMAT_VERSION}")
    return record


def write_file(path: Path, data: bytes | memoryview) -> None:
    """Write a file as `write_durably` does, in a folder that is made if it is not there.

    Raises:
        FileAccessError: the disk is full, or permission is missing; a file that was there is as before.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, data)
    except OSError as error:
        reason = error.strerror or error
        raise FileAccessError(f"cannot write {path}: {reason}", "Check free disk space and permissions.") from error


def write_json(path: Path, value: Any) -> None:
    """Write JSON as `write_file` does."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_file(path, text.encode("utf-8"))


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
