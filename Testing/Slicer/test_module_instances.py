"""Two Slicers of one user at the same time: same temporary folder, same model cache, no harm."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from module_bed import AFFINE, SHAPE
from result_folder import ResultFolder

pytestmark = pytest.mark.gui
SCRIPT = Path(__file__).parent / "workers" / "second_slicer.py"
WAIT_S = 120


@pytest.mark.timeout(2 * WAIT_S)
def test_f13_two_slicers_run_at_the_same_time(tmp_path):
    results = ResultFolder(tmp_path, "made", SHAPE, AFFINE).write()
    shared = tmp_path / "Slicer"
    shared.mkdir()
    command = [sys.executable, str(SCRIPT), str(results.folder), str(shared)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    ends = [process.communicate(timeout=WAIT_S) for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    one, other = (json.loads(output.splitlines()[-1]) for output, _errors in ends)
    assert one["state"] == other["state"] == "done", (one, other)
    assert one["own"] != other["own"]
    assert list(shared.iterdir()) == []
