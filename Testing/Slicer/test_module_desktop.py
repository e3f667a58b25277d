"""The panel on other desktops: twice the pixels, dark, right to left, decimal comma."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from module_bed import AFFINE, SHAPE
from result_folder import ResultFolder

pytestmark = pytest.mark.gui
SCRIPT = Path(__file__).parent / "workers" / "odd_desktop.py"


@pytest.mark.timeout(240)
def test_f17_scaled_dark_right_to_left_and_decimal_comma(tmp_path):
    results = ResultFolder(tmp_path, "made", SHAPE, AFFINE).write()
    odd = {"QT_SCALE_FACTOR": "2", "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}
    command = [sys.executable, str(SCRIPT), str(results.folder), str(tmp_path)]
    ended = subprocess.run(command, env={**os.environ, **odd}, capture_output=True, text=True, timeout=200)
    assert ended.returncode == 0 and "Traceback" not in ended.stderr, ended.stderr
    found = json.loads(ended.stdout.splitlines()[-1])
    assert found["scale"] == 2 and found["number"] == "0,25"
    assert found["state"] == "done" and found["notice"] == ""
    assert found["overlay"] == 0.25, "the setting was written or read with the wrong decimal sign"
    assert found["cut"] == [], "these have less room than their text needs"
    with (tmp_path / "volumes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert {len(row) for row in rows} == {6}
    assert all("." in row[1] and float(row[1]) >= 0 for row in rows[1:])
    assert (tmp_path / "odd.png").stat().st_size > 10_000
