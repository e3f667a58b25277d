"""Slicer closes while a run goes on: nothing is said, and nobody is left behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from engine_recorder import POSIX, is_alive

SCRIPT = Path(__file__).parent / "workers" / "closing_slicer.py"
WAIT_S = 60
NOISE = "This plugin does not support propagateSizeHints()"
"""What Qt says without a screen."""


@POSIX
@pytest.mark.timeout(2 * WAIT_S)
@pytest.mark.parametrize(
    ("way", "behaviour"), [("quit", "grandchild"), ("end", "grandchild"), ("cancel", "grandchild"), ("discard", "hang")]
)
def test_slicer_closes_while_a_run_goes_on(tmp_path, way, behaviour):
    pids = tmp_path / "pids"
    command = [sys.executable, str(SCRIPT), way, "--pids", str(pids), behaviour]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    said = [line for line in ended.stderr.splitlines() if line.strip() and line.strip() != NOISE]
    assert (ended.returncode, ended.stdout, said) == (0, "goes on\n", [])
    left = [int(line) for line in pids.read_text().split()] if pids.exists() else []
    assert len(left) == (3 if behaviour == "grandchild" else 0)
    until = time.monotonic() + 5
    while any(is_alive(pid) for pid in left) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in left if is_alive(pid)]
