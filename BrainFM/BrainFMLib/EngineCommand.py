"""How the engine is started: which Python, which command, which environment."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

PYTHON_VARIABLE = "BRAINFM_PYTHON"
"""Environment variable with the path of another Python that has the engine's packages."""


def pythonExecutable() -> str:
    """Return the Python that runs the engine: that of BRAINFM_PYTHON, else this Slicer's PythonSlicer."""
    return os.environ.get(PYTHON_VARIABLE) or slicerPython()


def slicerPython() -> str:
    """Return this Slicer's own Python, which has VTK."""
    return shutil.which("PythonSlicer") or sys.executable


def usesOwnPython() -> bool:
    """Return whether BRAINFM_PYTHON names another Python than Slicer's."""
    return bool(os.environ.get(PYTHON_VARIABLE))


def engineCommand() -> list[str]:
    """Return program and first arguments of the engine's command line."""
    return [pythonExecutable(), "-m", "BrainFMEngine"]


def healthCommand() -> list[str]:
    """Return program and arguments of the check of what is installed."""
    return [pythonExecutable(), "-m", "BrainFMEngine.health"]


def engineFolder() -> Path:
    """Return the folder that holds the package BrainFMEngine."""
    return Path(__file__).resolve().parents[1]


def engineEnvironment() -> dict[str, str]:
    """Return the variables that are set for the engine in addition to Slicer's own.

    The engine is found first and nothing is imported from the working folder; text is UTF-8 and comes at once; a crash
    leaves its stack in the log; and the engine makes a session of its own, so that all its processes can be ended.
    """
    paths = [str(engineFolder()), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    return {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(path for path in paths if path)),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        "PYTHONIOENCODING": "utf-8",
        "PYTHONFAULTHANDLER": "1",
        "BRAINFM_OWN_SESSION": "1",
    }
