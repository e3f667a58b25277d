"""The same tests inside a real Slicer, where SLICER_EXECUTABLE names one."""

import os
import sys

import pytest
from harness import bed, real_slicer


def test_the_tests_pass_in_a_real_slicer():
    if bed.in_real_slicer() or not real_slicer.executable():
        pytest.skip("SLICER_EXECUTABLE does not name a Slicer")
    done = real_slicer.run(real_slicer.executable(), [])
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]


def test_the_command_line(tmp_path):
    command = real_slicer.command("Slicer")
    assert command[0] == "Slicer" and "--testing" in command
    assert command[-2:] == ["--python-script", str(real_slicer.PAYLOAD)]
    assert any(path.endswith("BrainFM") for path in command)


@pytest.mark.skipif(os.name == "nt", reason="a shell script stands in for Slicer")
@pytest.mark.parametrize("passes", [True, False])
def test_what_pytest_says_inside_is_told(tmp_path, monkeypatch, passes):
    """A program that runs the script as Slicer does, with a `slicer` that can only exit."""
    (tmp_path / "slicer.py").write_text("import os, types\nutil = types.SimpleNamespace(exit=os._exit)\n")
    (tmp_path / "test_inside.py").write_text(f"def test_it():\n    assert {passes}\n")
    program = tmp_path / "Slicer"
    program.write_text(f'#!/bin/sh\nfor last; do true; done\nPYTHONPATH={tmp_path} exec {sys.executable} "$last"\n')
    program.chmod(0o755)
    done = real_slicer.run(str(program), [str(tmp_path / "test_inside.py"), "--rootdir", str(tmp_path)], 120)
    assert done.returncode == (0 if passes else 1), done.stdout + done.stderr
    assert ("1 passed" if passes else "1 failed") in done.stdout
