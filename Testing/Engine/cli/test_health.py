"""`python -m BrainFMEngine.health`: says in one line of JSON what is missing or broken, in any state of packages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from BrainFMEngine import health

ROOT = Path(__file__).resolve().parents[3]
ENGINE_FOLDER = ROOT / "BrainFM"
SEGFAULT = "import ctypes; ctypes.string_at(0)"


def report_of(*arguments, path: tuple[Path, ...] = (), flags: tuple[str, ...] = ()) -> dict:
    """Run the check as a program; `path` comes first on Python's path."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*path, ENGINE_FOLDER)))}
    command = [sys.executable, *flags, "-m", "BrainFMEngine.health", *arguments]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0 and process.stderr == ""
    assert process.stdout.count("\n") == 1
    return json.loads(process.stdout)


@pytest.fixture
def fake(tmp_path):
    """Function that writes a package whose __init__ is `code`; returns the folder for Python's path."""

    def write(name: str, module: str, code: str, version: str | None) -> Path:
        (tmp_path / module).mkdir()
        (tmp_path / module / "__init__.py").write_text(code)
        if version is not None:
            info = tmp_path / f"{name}-{version}.dist-info"
            info.mkdir()
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        return tmp_path

    return write


def row_of(report: dict, name: str) -> dict:
    return next(row for row in report["packages"] if row["name"] == name)


def test_all_is_well_here_and_a_network_runs():
    pytest.importorskip("torch")
    report = report_of("--self-test")
    assert report["event"] == "health" and report["executable"] == sys.executable
    assert all(row["ok"] for row in report["packages"] if row["optional"] is None)
    assert report["torch"]["ok"] and report["torch"]["problem"] is None
    assert report["device"] in [device["name"] for device in report["devices"]]
    assert report["devices"][-1]["name"] == "cpu" and report["reason"]
    assert report["self_test"]["ok"] and report["self_test"]["seconds"] > 0


def test_nothing_is_installed():
    report = report_of(flags=("-S",))
    assert {row["installed"] for row in report["packages"]} == {None}
    assert {row["problem"] for row in report["packages"]} == {"not installed"}
    assert report["torch"] == {"version": None, "ok": False, "problem": "not installed"}
    assert report["device"] is None and report["devices"] == [] and report["self_test"] is None


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("raise ImportError('DLL load failed')", "cannot be imported: ImportError: DLL load failed"),
        ("import torch._C", "cannot be imported: ModuleNotFoundError: No module named 'torch._C'"),
        ("import sys; sys.exit('bye')", "cannot be imported: SystemExit: bye"),
        ("import os; os._exit(0)", "ended early"),
        ("import os; os._exit(3)", "crashes when it is used (code 0x3)"),
        pytest.param(
            SEGFAULT, "crashes when it is used (signal 11)", marks=pytest.mark.skipif(os.name == "nt", reason="signals")
        ),
    ],
)
def test_a_broken_pytorch_is_told(fake, code, problem):
    report = report_of("--self-test", path=(fake("torch", "torch", code, "2.9.1"),))
    assert report["torch"] == {"version": "2.9.1", "ok": False, "problem": problem}
    assert row_of(report, "torch")["problem"] == problem
    assert report["device"] is None and report["self_test"] is None


def test_a_package_that_crashes_does_not_hide_the_others(fake):
    fake("nibabel", "nibabel", SEGFAULT, "5.3.0")
    report = report_of(path=(fake("rich", "rich", "print('hello'); import nothing_like_it", "14.0"),))
    assert row_of(report, "nibabel")["problem"].startswith("crashes when it is used")
    assert row_of(report, "rich")["problem"].endswith("No module named 'nothing_like_it'")
    others = [row for row in report["packages"] if row["name"] in ("numpy", "typer", "pillow")]
    assert all(row["ok"] for row in others)


def test_a_version_that_is_too_old(fake):
    report = report_of(path=(fake("torch", "torch", "__version__ = '2.2.2'", "2.2.2"),))
    assert report["torch"]["problem"].startswith("cannot be imported")  # torch.nn is not there
    report = report_of(path=(fake("nibabel", "nibabel", "", "4.9.9"),))
    assert row_of(report, "nibabel")["problem"] == "too old: 4.9.9, and 5.2 or newer is needed"


def test_a_package_without_metadata_is_judged_by_what_it_says_itself(fake):
    report = report_of(path=(fake("SimpleITK", "SimpleITK", "__version__ = '2.4.0'", None),), flags=("-S",))
    assert row_of(report, "SimpleITK") == {
        "name": "SimpleITK",
        "needed": ">=2.3",
        "optional": None,
        "installed": "2.4.0",
        "ok": True,
        "problem": None,
    }


def test_an_empty_folder_is_no_package(tmp_path):
    (tmp_path / "nibabel").mkdir()
    report = report_of(path=(tmp_path,), flags=("-S",))
    assert row_of(report, "nibabel")["problem"] == "not installed"


def test_an_import_that_takes_for_ever(fake, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(fake("torch", "torch", "import time; time.sleep(60)", "2.9.1")))
    monkeypatch.setattr(health, "TIMEOUT_SECONDS", 1)
    probe = health.run_probe("torch")
    assert probe.entries == [] and probe.ending == "did not finish in 1 seconds"


def test_python_that_cannot_be_started(monkeypatch):
    monkeypatch.setattr(sys, "executable", str(ROOT / "no such python"))
    assert health.run_probe("torch").ending.startswith("Python could not be started")


@pytest.mark.parametrize(
    ("version", "numbers"), [("2.6.0+cu126", (2, 6, 0)), ("13", (13,)), ("2.6a1", (2, 6)), ("?", ())]
)
def test_versions(version, numbers):
    assert health._release(version) == numbers


def test_the_table_is_that_of_the_package():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    asked = dict(re.findall(r'^    "([A-Za-z-]+)>=([\d.]+)",$', text, re.MULTILINE))
    assert {row.name: row.minimum for row in health.REQUIREMENTS if not row.optional} == asked
    optional = next(row for row in health.REQUIREMENTS if row.optional)
    assert f'surfaces = ["{optional.name}>={optional.minimum}"]' in text
