"""Who works with a dataset: trainings that learn from it, and the one process that writes into it. Torch-free.

```
DATASET/prepare.lock        held by who prepares or changes the split
DATASET/split.lock          held for the moment in which the split is replaced
DATASET/.in-use/*.lock      one held by every training that learns from it
```

A training holds its lock first and then waits until nobody replaces the split; who replaces it holds `split.lock` first
and then looks for trainings. So a training never begins with a split that is gone a moment later.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from BrainFMEngine.dataset.source_subject import safe_name
from BrainFMEngine.errors import FileAccessError, UsageError
from BrainFMEngine.folder_lock import FolderLock, is_locked, read_holder

PREPARE_LOCK, SPLIT_LOCK, IN_USE = "prepare.lock", "split.lock", ".in-use"
PATIENCE_SECONDS = 5.0
"""Replacing a split takes milliseconds."""


@contextmanager
def learning_from(folder: Path) -> Iterator[None]:
    """Tell others meanwhile that this process learns from a dataset; without a word where nothing can be written."""
    name = safe_name(f"{socket.gethostname()}-{os.getpid()}-{time.monotonic_ns()}")
    lock = None
    if folder.is_dir():
        with suppress(FileAccessError, UsageError):
            lock = FolderLock(folder / IN_USE / f"{name}.lock", "training")
    try:
        patience = time.monotonic() + PATIENCE_SECONDS
        while lock is not None and is_locked(folder / SPLIT_LOCK) and time.monotonic() < patience:
            time.sleep(0.02)
        yield
    finally:
        if lock is not None:
            lock.release(remove=True)
            with suppress(OSError):  # others are at work
                (folder / IN_USE).rmdir()


def learners(folder: Path) -> list[str]:
    """Return who learns from a dataset, a phrase each; what processes that were killed left behind is deleted."""
    found = []
    for path in sorted((folder / IN_USE).glob("*.lock")):
        holder = read_holder(path)
        try:
            FolderLock(path, "training").release(remove=True)
        except (UsageError, FileAccessError):
            found.append(str(holder or "another process"))
    return found
