"""Where tracebacks go: a file in the user's log folder, never the terminal."""

from __future__ import annotations

import logging
import os
import platform
import sys
import tempfile
import traceback
from datetime import datetime, timezone
from pathlib import Path

from BrainFMEngine import __version__


def log_to_stderr() -> None:
    """Show warnings of the engine and of libraries on standard error."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")


def write_error_log(error: BaseException) -> Path | None:
    """Write the traceback of an error to a new file; return its path, or None if nothing can be written."""
    now = datetime.now(timezone.utc)
    head = f"brainfm {__version__}, Python {platform.python_version()}, {platform.platform()}, {now.isoformat()}\n"
    text = head + "".join(traceback.format_exception(type(error), error, error.__traceback__))
    for folder in (_log_folder(), Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"brainfm-error-{now:%Y%m%d-%H%M%S}-{os.getpid()}.log"
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return path
    return None


def _log_folder() -> Path:
    try:
        home = Path.home()
    except RuntimeError:
        home = Path(tempfile.gettempdir())
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "BrainFM" / "Logs"
    if sys.platform == "darwin":
        return home / "Library" / "Logs" / "BrainFM"
    return Path(os.environ.get("XDG_STATE_HOME") or home / ".local" / "state") / "brainfm"
