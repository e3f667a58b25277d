"""Run the same tests inside a real Slicer: `python Testing/Slicer/harness/real_slicer.py [pytest arguments]`.

SLICER_EXECUTABLE names the program. Its Python needs pytest (and pytest-timeout), which are never installed from here:
`PythonSlicer -m pip install pytest pytest-timeout`. Tests of the test bed itself are left out there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAYLOAD = ROOT / "Testing" / "Slicer" / "run_in_slicer.py"
ARGUMENTS = "BRAINFM_PYTEST_ARGUMENTS"
DEFAULT = ["Testing/Slicer", "-q"]


def executable() -> str:
    """The Slicer to use, empty when none is named."""
    return os.environ.get("SLICER_EXECUTABLE", "")


def module_paths() -> list[str]:
    """Folders of the modules under test."""
    return [str(path.parent) for path in sorted(ROOT.glob("*/*.py")) if path.stem == path.parent.name]


def command(program: str) -> list[str]:
    """The command line: no user settings, no splash, our modules, then the script."""
    options = ["--testing", "--ignore-slicerrc", "--no-splash", "--additional-module-paths", *module_paths()]
    return [program, *options, "--python-script", str(PAYLOAD)]


def run(program: str, arguments: list[str], timeout_s: float = 3600) -> subprocess.CompletedProcess:
    """Start Slicer, run pytest in it, return what it said; the exit status is pytest's."""
    environment = {**os.environ, ARGUMENTS: json.dumps(arguments or DEFAULT)}
    environment.pop("QT_QPA_PLATFORM", None)
    return subprocess.run(
        command(program), env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=timeout_s
    )


def main(arguments: list[str]) -> int:
    if not executable():
        sys.stderr.write("SLICER_EXECUTABLE does not name a Slicer\n")
        return 2
    done = run(executable(), arguments)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
