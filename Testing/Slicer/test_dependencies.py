"""Setup: what is missing or damaged is named by a check in a child process, and so is the device."""

from __future__ import annotations

import re
import sys

import pytest
from BrainFMLib.Dependencies import Dependencies
from BrainFMLib.EngineCommand import engineFolder
from BrainFMLib.Health import Health
from setup_stand_ins import (
    REQUIREMENTS,
    SEGFAULT,
    finish,
    installers,
    report,
    row,
    setup,
)

__all__ = ["installers", "setup"]
pytestmark = pytest.mark.usefixtures("scene")


def test_all_is_well(setup):
    dependencies = setup(report())
    assert dependencies.health.ready
    assert dependencies.summary() == "Ready: Python 3.12.10, PyTorch 2.9.1."
    assert dependencies.deviceSentence() == "Runs on RTX 5090 (cuda:0): the fastest device here, with 32 GB of its own."
    assert dependencies.install().state == "nothing" and dependencies.questions == []


def test_the_processor_and_why():
    reason = "there is an NVIDIA GPU, but this PyTorch was built without support for it"
    health = Health.fromReport(report(device="cpu", reason=reason))
    assert health.deviceSentence().startswith(f"Runs on the processor: {reason}.")


def test_the_self_test_is_told():
    passed = Health.fromReport(report(self_test={"ok": True, "seconds": 0.52, "problem": None}))
    assert passed.selfTestSentence() == "Self-test passed: a small network ran on cuda:0 in 0.5 s."
    failed = Health.fromReport(report(self_test={"ok": False, "seconds": None, "problem": "out of memory"}))
    assert failed.selfTestSentence() == "Self-test failed: out of memory."
    assert Health.fromReport(report()).selfTestSentence() == ""


def test_an_optional_package_is_no_obstacle(setup):
    dependencies = setup(report(row("scikit-image", "not installed", None, ">=0.22", "cortical surfaces")))
    assert dependencies.health.ready
    assert "Without scikit-image there is nothing of: cortical surfaces." in dependencies.summary()


def test_missing_packages_are_named_by_the_real_check(installers, pump):
    dependencies = Dependencies([sys.executable, "-S", "-m", "BrainFMEngine.health"], REQUIREMENTS)
    changes, found = [], []
    dependencies.onChanged = lambda: changes.append(dependencies.checking)
    dependencies.check(found.append)
    assert dependencies.summary() == "Checking what is installed…"
    assert pump(lambda: found, 60)
    assert changes == [True, False] and found == [dependencies.health] and not found[0].ready
    assert re.match(r"Not installed yet: PyTorch, .*nibabel.*\. Press Install\.", dependencies.summary())
    assert dependencies.deviceSentence() == "No device can be used before PyTorch works."
    assert "nibabel >=5.2: not installed" in dependencies.health.details()


def test_a_pytorch_that_crashes_is_named_by_the_real_check(installers, pump, tmp_path, monkeypatch):
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(SEGFAULT)
    info = tmp_path / "torch-2.9.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.9.1\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    dependencies = Dependencies([sys.executable, "-m", "BrainFMEngine.health"], REQUIREMENTS)
    dependencies.check()
    health = finish(dependencies, pump)
    assert [entry.name for entry in health.damaged if entry.name == "torch"] == ["torch"]
    assert dependencies.summary() == "Damaged: PyTorch. Press Repair."


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("print('hello')", "ended without a result"),
        (SEGFAULT, "crashed"),
        ("raise SystemExit('no such module')", "did not say why"),
        ("import json; print(json.dumps({'event': 'health'}))", "No device"),
    ],
)
def test_a_check_that_fails_is_told(installers, pump, code, words):
    dependencies = Dependencies([sys.executable, "-c", code], REQUIREMENTS)
    dependencies.check()
    assert not finish(dependencies, pump).ready
    assert words in dependencies.summary()
    assert dependencies.install().state == "nothing"


def test_python_that_is_not_there(installers, pump, tmp_path):
    dependencies = Dependencies([str(tmp_path / "nothing")], REQUIREMENTS)
    dependencies.check()
    assert not finish(dependencies, pump).ready and "could not be started" in dependencies.summary()


def test_checks_at_the_same_time_are_one(setup, pump):
    dependencies = setup(report())
    told = []
    for _each in range(5):
        dependencies.check(told.append)
    assert finish(dependencies, pump).ready and len(told) == 5
    dependencies.check(told.append)
    dependencies.check(told.append, selfTest=True)  # asks for more: another check follows
    assert pump(lambda: len(told) == 7, 30)


def test_discarded_in_mid_check(setup, pump):
    dependencies = setup(report())
    told = []
    dependencies.check(told.append)
    dependencies.discard()
    assert not dependencies.checking
    pump(lambda: False, 0.5)
    assert told == [] and dependencies.health.ready


def test_nothing_that_has_to_be_installed_is_imported():
    for path in (engineFolder() / "BrainFMLib").rglob("*.py"):
        imported = re.findall(r"^\s*(?:import|from)\s+(\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert not {"torch", "nibabel", "safetensors", "typer", "rich", "PIL", "skimage"} & set(imported), path
