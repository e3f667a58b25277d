"""Where something is missing the tests are skipped, and the reason names what to install."""

import subprocess
import sys
from pathlib import Path

import pytest
from harness import requirements

HERE = Path(__file__).resolve().parent


@pytest.fixture
def fresh():
    requirements.reason_to_skip.cache_clear()
    yield
    requirements.reason_to_skip.cache_clear()


def test_the_reason_names_the_packages(monkeypatch, fresh):
    monkeypatch.setattr(requirements, "missing_python", lambda: ["slicer-core", "PySide6-Essentials"])
    monkeypatch.setattr(requirements, "missing_libraries", lambda: ["libegl1"])
    reason = requirements.reason_to_skip()
    assert "pip install slicer-core PySide6-Essentials" in reason and "apt-get install libegl1" in reason


def test_everything_there_is_no_reason(monkeypatch, fresh):
    for name in ("missing_python", "missing_libraries"):
        monkeypatch.setattr(requirements, name, lambda: [])
    monkeypatch.setattr(requirements, "rendering_problem", lambda: "")
    assert requirements.reason_to_skip() is None


def test_missing_names_are_found(monkeypatch):
    monkeypatch.setattr(requirements, "PYTHON_PACKAGES", {"no_such_module": "no-such-package"})
    monkeypatch.setattr(requirements, "LIBRARIES", {"libnosuch.so.9": "libnosuch9"})
    assert requirements.missing_python() == ["no-such-package"]
    if sys.platform.startswith("linux"):
        assert "libnosuch9" in requirements.missing_libraries()


def test_pytest_skips_with_the_reason(tmp_path):
    """As on a machine without the packages: nothing fails, and the reason is printed."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name in ('slicer', 'PySide6') else find(name, *a)\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", str(HERE / "test_harness_scene.py")]
    done = subprocess.run(
        command,
        cwd=HERE.parents[1],
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode in (0, 5), done.stdout + done.stderr
    assert "pip install slicer-core PySide6-Essentials" in done.stdout
