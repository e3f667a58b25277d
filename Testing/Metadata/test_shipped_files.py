"""Every file of a module is in its CMakeLists.txt, and the reverse; what is not listed is not installed."""

from __future__ import annotations

import re
from pathlib import Path

import list_files
import pytest
from extension_facts import ROOT

MODULES = list_files.module_folders()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_lists_are_those_of_the_folder(module):
    assert not list_files.differences(module), "run: python Testing/Metadata/list_files.py --write"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_module_is_part_of_the_extension(module):
    assert f"add_subdirectory({module.name})" in (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert [path.stem for path in module.glob("*.py")] == [module.name], "Slicer takes every .py there for a module"


def test_lists_are_compared_and_rewritten(tmp_path):
    module = tmp_path / "Module"
    (module / "Lib").mkdir(parents=True)
    (module / "CMakeLists.txt").write_text(
        "set(MODULE_PYTHON_SCRIPTS\n  Gone.py\n  )\n\nset(MODULE_PYTHON_RESOURCES\n  )\n# the rest\n", encoding="utf-8"
    )
    for name in ("Module.py", "Lib/new.py", "Lib/table.csv"):
        (module / name).write_text("", encoding="utf-8")
    assert list_files.differences(module) == [
        "MODULE_PYTHON_SCRIPTS of Module names Gone.py, which is not there",
        "Module/Lib/new.py is not in MODULE_PYTHON_SCRIPTS",
        "Module/Lib/table.csv is not in MODULE_PYTHON_RESOURCES",
        "Module/Module.py is not in MODULE_PYTHON_SCRIPTS",
    ]
    assert list_files.write_lists(module) and not list_files.write_lists(module)
    assert not list_files.differences(module)
    assert (module / "CMakeLists.txt").read_text(encoding="utf-8").endswith(")\n# the rest\n")


def test_packages_of_slicer_are_what_pip_installs():
    """Same bounds in both places; PyTorch comes with its extension, NumPy and SimpleITK with Slicer."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[\n(.*?)^\]", project, re.DOTALL | re.MULTILINE)
    wanted = [line for line in re.findall(r'"([^"]+)"', block[1]) if name_of(line) not in PROVIDED]  # type: ignore[index]
    path = ROOT / "BrainFM" / "Resources" / "requirements.txt"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    assert lines == wanted
    assert all(">=" in line for line in lines), "a pin would replace packages that other extensions use"


PROVIDED = {"torch", "numpy", "simpleitk"}


def name_of(requirement: str) -> str:
    return re.split(r"[<>=!~ \[]", requirement)[0].lower()


def test_no_name_differs_by_case_only():
    names = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "BrainFM").rglob("*"))]
    assert len({name.lower() for name in names}) == len(names)


def test_paths_are_short_enough_for_windows():
    """Slicer's folder for extensions alone takes about 110 characters; Windows allows 260."""
    longest = max((name for module in MODULES for name in list_files.shipped_files(module)), key=len)
    assert len(Path(longest).as_posix()) <= 100, longest
