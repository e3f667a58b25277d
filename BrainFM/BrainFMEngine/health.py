"""`python -m BrainFMEngine.health` tells what is needed, what is there, what works, and on which device it would run.

It prints one JSON object in one line and never fails: only the standard library is used here, and packages are
imported in processes of their own (`health_probe`), so that one that crashes while it is imported is told, too.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from BrainFMEngine.parent import start_own_session

EVENT = "health"
TIMEOUT_SECONDS = 180
"""How long importing may take: the first time after installing, on a slow disk with a virus scanner."""
NO_TORCH = "PyTorch does not work here"
NOT_FOUND = "not found"
"""What the probe says of a module that is not there."""


@dataclass(frozen=True)
class Requirement:
    """A package that is needed.

    Attributes:
        name: what pip calls it.
        module: what Python calls it.
        minimum: oldest version that will do.
        optional: what cannot be done without it; "" if nothing can.
    """

    name: str
    module: str
    minimum: str
    optional: str = ""


REQUIREMENTS = (
    Requirement("torch", "torch", "2.6"),
    Requirement("numpy", "numpy", "1.26"),
    Requirement("nibabel", "nibabel", "5.2"),
    Requirement("SimpleITK", "SimpleITK", "2.3"),
    Requirement("safetensors", "safetensors", "0.4.5"),
    Requirement("typer", "typer", "0.12"),
    Requirement("rich", "rich", "13"),
    Requirement("pillow", "PIL", "10.1"),
    Requirement("scikit-image", "skimage", "0.22", "cortical surfaces"),
)
TORCH = REQUIREMENTS[0].name


@dataclass(frozen=True)
class Found:
    """What was found of a package: its version (None if it is not there), and what is wrong ("" if nothing).

    Problems are words that follow the package's name: "nibabel: not installed".
    """

    version: str | None
    problem: str = ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report; `--self-test` also runs a tiny network on the device."""
    start_own_session()
    arguments = sys.argv[1:] if arguments is None else arguments
    report = examine("--self-test" in arguments)
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()
    return 0


def examine(self_test: bool = False) -> dict[str, Any]:
    """Return the report as JSON values; see the how-to for Slicer for what is in it."""
    found = _examine_packages([row for row in REQUIREMENTS if row.name != TORCH])
    torch, told = _examine_torch(self_test)
    found[TORCH] = torch
    return {
        "event": EVENT,
        "python": sys.version.split()[0],
        "executable": sys.executable,
        "packages": [_package_row(row, found[row.name]) for row in REQUIREMENTS],
        "torch": {"version": torch.version, "ok": not torch.problem, "problem": torch.problem or None},
        "devices": told.get("devices", []),
        "device": told.get("device"),
        "reason": told.get("reason", NO_TORCH),
        "self_test": told.get("self_test"),
    }


def _package_row(row: Requirement, found: Found) -> dict[str, Any]:
    return {
        "name": row.name,
        "needed": f">={row.minimum}",
        "optional": row.optional or None,
        "installed": found.version,
        "ok": not found.problem,
        "problem": found.problem or None,
    }


def _examine_packages(rows: Sequence[Requirement]) -> dict[str, Found]:
    """Import the packages in one process; after a crash go on behind the one that crashed."""
    found: dict[str, Found] = {}
    left = list(rows)
    while left:
        probe = run_probe("packages", *(row.module for row in left))
        told = {entry["module"]: entry for entry in probe.entries if "module" in entry}
        for row in left:
            if row.module in told:
                entry = told[row.module]
                found[row.name] = _judge(row, entry.get("version"), entry.get("problem", ""))
        left = [row for row in left if row.name not in found]
        if left:  # the first of them ended the process
            found[left[0].name] = _judge(left[0], None, probe.ending)
            left = left[1:]
    return found


def _examine_torch(self_test: bool) -> tuple[Found, dict[str, Any]]:
    """Return PyTorch's state, and what it told of devices and of the test."""
    row = REQUIREMENTS[0]
    probe = run_probe("torch", *(["--self-test"] if self_test else []))
    told: dict[str, Any] = {}
    for entry in probe.entries:
        told |= entry
    found = _judge(row, told.get("version"), told.get("problem", "") if "module" in told else probe.ending)
    if not found.problem and "device" not in told:
        found = replace(found, problem=f"looking for devices failed: {probe.ending}")
    elif not found.problem and self_test and "self_test" not in told:
        told["self_test"] = {"ok": False, "seconds": None, "problem": probe.ending}
    return found, told


def _judge(row: Requirement, version: str | None, problem: str) -> Found:
    """Complete what the import told by what the installation says of itself."""
    try:
        version = metadata.version(row.name) or version
    except metadata.PackageNotFoundError:
        if problem == NOT_FOUND:
            return Found(None, "not installed")
    except Exception as error:  # a half-deleted installation may say anything of itself
        return Found(version, f"damaged: {type(error).__name__}: {error}")
    if problem:
        return Found(version, problem)
    if version is not None and _release(version) < _release(row.minimum):
        return Found(version, f"too old: {version}, and {row.minimum} or newer is needed")
    return Found(version)


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers of a version: "2.6.0+cpu" is (2, 6, 0)."""
    leading = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(number) for number in leading.group().split(".")) if leading else ()


@dataclass(frozen=True)
class Probe:
    """What a probe printed, and how it ended, in words that follow the package's name."""

    entries: list[dict[str, Any]]
    ending: str


def run_probe(*arguments: str) -> Probe:
    """Run `health_probe` in its own process."""
    flags = ["-S"] if sys.flags.no_site else []
    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    try:
        process = subprocess.run(
            [sys.executable, *flags, "-m", "BrainFMEngine.health_probe", *arguments],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        return Probe(_entries(late.stdout or b""), f"did not finish in {TIMEOUT_SECONDS} seconds")
    except OSError as error:
        return Probe([], f"Python could not be started: {error.strerror or error}")
    return Probe(_entries(process.stdout), _ending(process.returncode, process.stderr))


def _entries(output: bytes) -> list[dict[str, Any]]:
    """Return the JSON objects among the lines; packages may print what they like when they are imported."""
    entries = []
    for line in output.decode("utf-8", "replace").splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            entries.append(entry)
    return entries


def _ending(code: int, stderr: bytes) -> str:
    lines = [line for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    last = f": {lines[-1][:200]}" if lines else ""
    if code < 0:
        return f"crashes when it is used (signal {-code}){last}"
    return f"crashes when it is used (code {code & 0xFFFFFFFF:#x}){last}" if code else f"ended early{last}"


if __name__ == "__main__":
    sys.exit(main())
