"""Setup: one question, then the right installer; what fails is a sentence, and declining leaves a working module."""

from __future__ import annotations

import re
import sys
from subprocess import CalledProcessError

import pytest
import slicer
from BrainFMLib import Dependencies as DependenciesFile
from BrainFMLib import PackageInstaller
from setup_stand_ins import (
    BROKEN_RICH,
    BROKEN_TORCH,
    MISSING_NIBABEL,
    MISSING_TORCH,
    REQUIREMENTS,
    finish,
    installers,
    report,
    row,
    setup,
)

__all__ = ["installers", "setup"]
pytestmark = pytest.mark.usefixtures("scene")


def test_one_question_then_pytorch_by_its_extension_and_the_rest_by_slicer(setup, installers, pump):
    dependencies = setup(report(MISSING_TORCH, MISSING_NIBABEL), later=report())
    told = []
    result = dependencies.install(callback=told.append)
    assert (result.state, result.message) == ("installed", "Installed: PyTorch, nibabel.")
    assert installers.calls == [
        ("pip_ensure", ["nibabel>=5.2"], False, "BrainFM"),
        ("install torch", False, ">=2.6"),
    ]
    (question,) = dependencies.questions
    for words in ("PyTorch 2.6+ (about 200 MB", "2.5 GB", "nibabel 5.2+ (about 4 MB)", "50 GB are free", "internet"):
        assert words in question
    assert dependencies.checking and finish(dependencies, pump).ready and told == [dependencies.health]


def test_declined(setup, installers):
    dependencies = setup(report(MISSING_TORCH, MISSING_NIBABEL), answer=False)
    result = dependencies.install()
    assert result.state == "declined" and "Nothing was installed" in result.message
    assert installers.calls == [] and len(dependencies.questions) == 1 and not dependencies.checking
    assert dependencies.summary() == "Not installed yet: PyTorch, nibabel. Press Install."
    assert dependencies.install().state == "declined"


def test_slicer_510_has_no_packaging(setup, installers, monkeypatch):
    monkeypatch.setattr(PackageInstaller, "slicerPackaging", lambda: None)
    monkeypatch.setattr(
        slicer.util, "pip_install", lambda wanted: installers.note("slicer.util", list(wanted)), raising=False
    )
    assert setup(report(MISSING_NIBABEL)).install().state == "installed"
    assert installers.calls == [("slicer.util", ["nibabel>=5.2"])]
    installers.calls.clear()
    assert setup(report(BROKEN_RICH)).repair().state == "installed"
    assert installers.calls[0] == ("slicer.util", ["--force-reinstall", "--no-deps", "rich>=13"])


def test_slicers_own_packaging_is_used(setup, installers, monkeypatch):
    """Its stand-in, or with SLICER_SOURCE the real one: the calls fit its signature."""
    monkeypatch.undo()
    monkeypatch.delenv("BRAINFM_PYTHON", raising=False)
    packaging = PackageInstaller.slicerPackaging()
    if packaging is None:
        pytest.skip("no slicer.packaging here")
    calls = []
    monkeypatch.setattr(packaging, "pip_install", lambda *given, **options: calls.append(list(given[0])))
    PackageInstaller.installPackages(REQUIREMENTS, ["Typer", "rich", "not-listed"])
    PackageInstaller.reinstallPackages(REQUIREMENTS, ["rich"])
    assert ["--force-reinstall", "--no-deps", "rich>=13"] in calls


def test_repair(setup, installers, pump):
    dependencies = setup(report(BROKEN_TORCH, BROKEN_RICH, MISSING_NIBABEL), later=report())
    assert dependencies.summary() == "Damaged: PyTorch, rich. Press Repair."
    assert dependencies.repair().state == "installed"
    assert installers.calls == [
        ("pip_install", ["--force-reinstall", "--no-deps", "rich>=13"], "BrainFM"),
        ("pip_install", ["rich>=13"], "BrainFM"),
        ("pip_ensure", ["nibabel>=5.2"], False, "BrainFM"),
        ("uninstall torch",),
        ("install torch", False, ">=2.6"),
    ]
    assert len(dependencies.questions) == 1 and "again" in dependencies.questions[0]
    assert finish(dependencies, pump).ready


def test_install_leaves_what_is_damaged_to_repair(setup, installers):
    assert setup(report(BROKEN_TORCH)).install().state == "nothing"
    old = row("torch", "too old: 2.2.2, and 2.6 or newer is needed", "2.2.2", ">=2.6")
    assert setup(report(old)).install().state == "installed"
    assert installers.calls == [("install torch", False, ">=2.6")]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CalledProcessError(1, "pip"), "PyTorch could not be installed. Is the internet reachable?"),
        (ImportError("DLL load failed"), "PyTorch could not be installed: DLL load failed. Start Slicer again"),
        (RuntimeError(), "PyTorch could not be installed: RuntimeError."),
    ],
)
def test_an_installation_that_fails_is_a_sentence(setup, installers, pump, error, words):
    dependencies = setup(report(MISSING_TORCH))
    installers.error = error
    result = dependencies.install()
    assert result.state == "failed" and result.message.startswith(words) and "exit status" not in result.message
    assert not finish(dependencies, pump).ready  # what is there now is looked at again


def test_without_the_extension_pytorch(setup, installers, monkeypatch):
    dependencies = setup(report(MISSING_TORCH))
    monkeypatch.setitem(sys.modules, "PyTorchUtils", None)
    result = dependencies.install()
    assert result.state == "failed" and "Extensions Manager" in result.message
    assert dependencies.questions == [] and installers.calls == []


def test_another_python_is_not_touched(setup, installers, monkeypatch):
    dependencies = setup(report(MISSING_TORCH, MISSING_NIBABEL))
    monkeypatch.setenv("BRAINFM_PYTHON", "/my/python")
    result = dependencies.install()
    assert result.state == "failed" and installers.calls == [] and dependencies.questions == []
    assert '"/my/python" -m pip install "torch>=2.6" "nibabel>=5.2"' in result.message


def test_too_little_room_and_no_rights(setup, installers, monkeypatch, tmp_path):
    dependencies = setup(report(MISSING_TORCH))
    monkeypatch.setattr(PackageInstaller, "freeBytes", lambda: int(3e9))
    assert dependencies.install().state == "installed"
    assert "this may be too little room" in dependencies.questions[0]
    monkeypatch.setattr(PackageInstaller, "freeBytes", lambda: int(1e9))
    assert "1.0 GB are free, at least 1.5 GB are needed" in dependencies.install().message
    monkeypatch.undo()
    with pytest.raises(PackageInstaller.InstallError, match="cannot be written to"):
        PackageInstaller._checkWritable(tmp_path / "missing")
    PackageInstaller._checkWritable(tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "report.json"] and PackageInstaller.packageFolder().is_dir()


def test_a_slicer_for_intel_macs(setup, installers, monkeypatch):
    dependencies = setup(report(MISSING_TORCH))
    monkeypatch.setattr(PackageInstaller.sys, "platform", "darwin")
    monkeypatch.setattr(PackageInstaller.platform, "machine", lambda: "x86_64")
    assert "Intel Macs" in dependencies.install().message


def test_packages_of_slicer_are_not_installed(setup, installers):
    dependencies = setup(report(row("SimpleITK", "not installed", None, ">=2.3")))
    result = dependencies.install()
    assert result.state == "nothing" and "SimpleITK belongs to Slicer itself" in result.message


def test_nobody_is_asked_in_a_test(slicer_app, monkeypatch):
    monkeypatch.setattr(DependenciesFile.slicer.util, "confirmOkCancelDisplay", pytest.fail)
    assert not DependenciesFile.askUser("Install?")


def test_the_requirements_are_those_of_the_engine():
    from BrainFMEngine.health import REQUIREMENTS as NEEDED

    bounds = {entry.name: f"{entry.name}>={entry.minimum}" for entry in NEEDED}
    listed = PackageInstaller.readRequirements(REQUIREMENTS)
    assert listed and set(listed) <= set(bounds.values())
    part_of_slicer = {"torch", "numpy", "SimpleITK"}
    needed = {bounds[entry.name] for entry in NEEDED if entry.name not in part_of_slicer and not entry.optional}
    assert needed <= set(listed)
    assert {re.split("[>=]", line)[0] for line in listed} <= set(PackageInstaller.MEGABYTES)
