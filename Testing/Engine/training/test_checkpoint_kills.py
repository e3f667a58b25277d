"""SIGKILL at any instant of a save: there is always a complete checkpoint, and nothing that was saved is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLER = Path(__file__).with_name("checkpoint_killer.py")


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    command = [sys.executable, str(KILLER), str(tmp_path_factory.mktemp("killed"))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def test_random_kills_leave_a_complete_checkpoint(outcome):
    random = outcome["random"]
    assert random["wrong"] == []
    assert random["kills"] >= 30
    assert random["half_written"] >= 10
    assert random["steps"] > 6


def test_a_kill_before_every_change_of_the_disk_loses_nothing(outcome):
    every = outcome["every"]
    assert every["wrong"] == []
    assert every["kills"] >= 15
