"""Reports of the health check, and stand-ins of the installers; shared by the tests of the setup."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path

import pytest
from BrainFMLib import PackageInstaller
from BrainFMLib.Dependencies import Dependencies
from BrainFMLib.EngineCommand import engineFolder
from BrainFMLib.Health import Health

REQUIREMENTS = engineFolder() / "Resources" / "requirements.txt"
SEGFAULT = "import ctypes; ctypes.string_at(0)"


def row(name, problem=None, installed="9.9", needed=">=1", optional=None):
    values = {"name": name, "needed": needed, "optional": optional, "installed": installed, "ok": not problem}
    return {**values, "problem": problem}


def report(*rows, **values) -> dict:
    """A health report in which everything is well, except what is given."""
    given = {entry["name"]: entry for entry in rows}
    names = ("torch", "numpy", "nibabel", "SimpleITK", "safetensors", "typer", "rich", "pillow")
    packages = [given.pop(name, None) or row(name) for name in names] + list(given.values())
    devices = [
        {"name": "cuda:0", "title": "RTX 5090", "memory_bytes": 32 << 30, "problem": None},
        {"name": "cpu", "title": "CPU, 8 threads", "memory_bytes": None, "problem": None},
    ]
    well = {"event": "health", "python": "3.12.10", "executable": "/opt/python", "packages": packages}
    well |= {"torch": {"version": "2.9.1", "ok": True, "problem": None}, "devices": devices, "device": "cuda:0"}
    return {**well, "reason": "the fastest device here, with 32 GB of its own", "self_test": None, **values}


MISSING_TORCH = row("torch", "not installed", None, ">=2.6")
MISSING_NIBABEL = row("nibabel", "not installed", None, ">=5.2")
BROKEN_TORCH = row("torch", "crashes when it is used (signal 11)", "2.9.1", ">=2.6")
BROKEN_RICH = row("rich", "cannot be imported: ImportError: half of it", "14.0", ">=13")


class Installers:
    """Stand-ins of PyTorchUtils and of Slicer's pip that note what is asked of them, and may fail."""

    def __init__(self):
        self.calls: list[tuple] = []
        self.error: Exception | None = None

    def note(self, *call) -> None:
        self.calls.append(call)
        if self.error is not None:
            raise self.error

    def torch_module(self):
        note = self.note

        class PyTorchUtilsLogic:
            def installTorch(self, askConfirmation=False, forceComputationBackend=None, torchVersionRequirement=None):
                note("install torch", askConfirmation, torchVersionRequirement)

            def uninstallTorch(self, askConfirmation=False, forceComputationBackend=None):
                note("uninstall torch")

        return types.SimpleNamespace(PyTorchUtilsLogic=PyTorchUtilsLogic)

    def packaging(self):
        def pip_ensure(requirements, prompt_install=True, requester=None, **options):
            self.note("pip_ensure", [str(entry) for entry in requirements], prompt_install, requester)

        def pip_install(requirements, requester=None, **options):
            self.note("pip_install", list(requirements), requester)

        return types.SimpleNamespace(
            load_requirements=lambda path: PackageInstaller.readRequirements(Path(path)),
            pip_ensure=pip_ensure,
            pip_install=pip_install,
        )


@pytest.fixture
def installers(monkeypatch):
    made = Installers()
    monkeypatch.delenv("BRAINFM_PYTHON", raising=False)
    monkeypatch.setitem(sys.modules, "PyTorchUtils", made.torch_module())
    monkeypatch.setattr(PackageInstaller, "slicerPackaging", made.packaging)
    monkeypatch.setattr(PackageInstaller, "freeBytes", lambda: int(50e9))
    monkeypatch.setattr(PackageInstaller, "_checkWritable", lambda folder: None)
    return made


@pytest.fixture
def setup(installers, tmp_path, pump):
    """Function that makes a Dependencies that has seen a report; `questions` of it are those that were asked."""
    made = []

    def make(seen: dict, answer: bool = True, later: dict | None = None) -> Dependencies:
        file = tmp_path / "report.json"
        file.write_text(json.dumps(seen), encoding="utf-8")
        command = [sys.executable, "-c", f"print(open({str(file)!r}).read())"]
        dependencies = Dependencies(command, REQUIREMENTS)
        made.append(dependencies)
        dependencies.questions = []

        def ask(text, parent):
            dependencies.questions.append(text)
            return answer

        dependencies.ask = ask
        dependencies.check()
        assert dependencies.checking and pump(lambda: not dependencies.checking, 30)
        if later is not None:
            file.write_text(json.dumps(later), encoding="utf-8")
        return dependencies

    yield make
    for dependencies in made:
        dependencies.discard()


def finish(dependencies, pump) -> Health:
    assert pump(lambda: not dependencies.checking, 60)
    return dependencies.health
