"""Behaves as PythonSlicer does: starts the real Python with the same pipes, and hides how it ended if it crashed."""

from __future__ import annotations

import subprocess
import sys

if __name__ == "__main__":
    code = subprocess.Popen([sys.executable, *sys.argv[1:]]).wait()
    if code < 0:
        sys.stderr.write(f"error: [{sys.executable}] exit abnormally - Report the problem.\n")
        sys.exit(1)
    sys.exit(code)
