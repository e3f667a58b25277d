"""Files that appear together: written aside, then renamed into a folder; nothing of the user's is replaced unasked."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from BrainFMEngine.errors import FileAccessError, UsageError

TEMPORARY_PREFIX = ".brainfm-"


@contextmanager
def temporary_in(folder: Path) -> Iterator[Path]:
    """Give a temporary folder inside `folder` (same file system), which is made if it is not there.

    Whatever happens, the temporary folder is gone afterwards; so is `folder` if it is new and nothing came of it.

    Raises:
        FileAccessError: disk full, no permission, here or in the block.
    """
    existed = folder.exists()
    temporary = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY_PREFIX, dir=folder))
        yield temporary
    except OSError as error:
        reason = error.strerror or error
        hint = "Check free disk space and permissions."
        raise FileAccessError(f"results cannot be written to {folder}: {reason}", hint) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        if not existed:
            with suppress(OSError):
                os.rmdir(folder)  # only if nothing came of it: a folder with results is not empty


@contextmanager
def published(folder: Path, overwrite: bool) -> Iterator[Path]:
    """Give a temporary folder to write into; its files move to `folder` when the block ends well.

    Args:
        folder: made if it is not there, gone again if nothing came of it.
        overwrite: whether files of the same names may be replaced.

    Raises:
        UsageError: a file of that name is there.
        FileAccessError: the folder cannot be written to; nothing has changed in it.
    """
    with temporary_in(folder) as temporary:
        yield temporary
        names = sorted(path.name for path in temporary.iterdir())
        taken = next((name for name in names if (folder / name).exists()), None)
        if taken and not overwrite:
            raise UsageError(f"{folder} already has {taken}", "Choose another folder, or replace it with --overwrite.")
        for name in names:
            os.replace(temporary / name, folder / name)
