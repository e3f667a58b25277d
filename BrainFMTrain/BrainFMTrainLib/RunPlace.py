"""Whether a run can have a folder of a name somewhere, told in words before anything is started."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path, PureWindowsPath

from BrainFMEngine.errors import BrainFMError
from BrainFMEngine.training.run_folder import STATE_NAME, read_state
from slicer.i18n import tr as _

from BrainFMTrainLib.TrainerProcess import TrainerProcess

_BAD_CHARACTERS = r'[<>:"/\\|?*\x00-\x1f]'
_RESERVED = r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?"
"""Names that Windows keeps for itself; a run may be moved there."""
MOST_NAME_BYTES = 200
LONGEST_INSIDE = 70
"""Characters that the longest path inside a run's folder may have."""
LONGEST_WINDOWS, LONGEST_OTHER = 259, 4095


def placeProblem(folder: Path | None, name: str, windows: bool = sys.platform == "win32") -> str:
    """Return why a new run cannot be made, "" if it can.

    Args:
        folder: for runs, None if none is chosen.
        name: of the run.
        windows: whether paths have the limits of Windows.
    """
    if folder is None:
        return _("Choose a folder for the runs.")
    if not folder.is_absolute() and not (windows and PureWindowsPath(str(folder)).is_absolute()):
        return _("{folder} is no full path: choose the folder for the runs with the button beside it.").format(
            folder=folder
        )
    if not name or re.search(_BAD_CHARACTERS, name) or name.strip(". ") != name or re.fullmatch(_RESERVED, name):
        return _("Give the run a name that a folder can have: letters, digits, spaces, - and _ always do.")
    if len(os.fsencode(name)) > MOST_NAME_BYTES:
        return _("The name of the run is too long for a folder.")
    longest = LONGEST_WINDOWS if windows else LONGEST_OTHER
    if len(str(folder / name)) + LONGEST_INSIDE > longest:
        return _("The path of the run is too long for this computer: choose a shorter folder or name.")
    if TrainerProcess.of(folder / name) is not None:
        return _("A training is going on in this folder already. Choose another name.")
    try:
        return _taken(folder / name) or _notWritable(folder)
    except OSError as error:
        text = _("{folder} cannot be looked into: {reason}.")
        return text.format(folder=folder, reason=error.strerror or error)


def _taken(run: Path) -> str:
    """Return what is in the way of a new folder."""
    if (run / STATE_NAME).exists():
        return _training(run) or _("There is a run of this name already. Choose another name, or resume it below.")
    if run.is_dir() and not any(run.iterdir()):
        return ""
    if os.path.lexists(run):
        return _("There is a folder or file of this name already. Choose another name.")
    return ""


def _training(run: Path) -> str:
    """Return who trains in a folder, "" if nobody does."""
    try:
        seen = read_state(run)
    except BrainFMError:
        return ""
    if not seen.alive:
        return ""
    text = _("A training is going on in this folder already (process {pid} on {host}). Choose another name.")
    return text.format(pid=seen.state.pid, host=seen.state.host)


def _notWritable(folder: Path) -> str:
    """Return why no folder can be made in another, which need not be there itself."""
    there = folder
    while not there.exists():
        if there.parent == there:
            return _("{folder} does not exist; is the drive connected?").format(folder=folder)
        there = there.parent
    if not there.is_dir():
        return _("{path} is a file, not a folder. Choose another folder for the runs.").format(path=there)
    if not os.access(there, os.W_OK | os.X_OK):
        text = _("You may not write into {folder}. Choose another folder for the runs, or ask whoever owns it.")
        return text.format(folder=there)
    return ""
