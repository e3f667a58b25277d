"""The data set that a run has noted, so that it can go on without being told again. Torch-free."""

from __future__ import annotations

from pathlib import Path

from BrainFMEngine.errors import FileAccessError, UsageError
from BrainFMEngine.training.run_state import read_state

HINT = "Say where it is: brainfm train DATASET -o RUN --resume."


def noted_dataset(folder: Path) -> Path:
    """Return the data set of the run in a folder.

    Raises:
        FileAccessError: there is no run, or its data set was moved or deleted.
        UsageError: the run has not noted its data set, as those of older versions.
    """
    noted = read_state(folder).state.dataset
    if noted is None:
        raise UsageError(f"the run in {folder} has not noted its data set", HINT)
    if not Path(noted).is_dir():
        raise FileAccessError(f"the data set of the run was moved or deleted: {noted}", HINT)
    return Path(noted)
