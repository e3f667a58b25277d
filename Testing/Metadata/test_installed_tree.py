"""What CMake installs is the whole module, works from there, and carries the metadata that the Index will show."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import list_files
import pytest
from installed_tree import ROOT, InstalledTree, find_tools, install_extension, installed_tree

ENGINE_NEEDS = ("torch", "nibabel", "SimpleITK", "safetensors", "typer", "rich", "PIL")


@pytest.fixture(scope="module")
def tree() -> InstalledTree:
    found = installed_tree()
    if found is None:
        pytest.skip("cmake, or a build program for it, is missing")
    return found


def run_installed(tree: InstalledTree, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in an empty folder, with the installed modules first on its path."""
    environment = {**os.environ, "PYTHONPATH": str(tree.modules), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["BRAINFM_HOME"] = str(folder / "home")
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, check=False, timeout=300
    )


def test_tree_holds_every_file_of_the_modules_and_no_other(tree):
    paths = [path for path in tree.modules.rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    installed = {path.relative_to(tree.modules).as_posix() for path in paths}
    wanted = {name for module in list_files.module_folders() for name in list_files.shipped_files(module)}
    assert installed == wanted


def test_files_are_the_same(tree):
    for module in list_files.module_folders():
        for name in list_files.shipped_files(module):
            assert (tree.modules / name).read_bytes() == (module / name).read_bytes(), name


def test_only_modules_lie_at_the_top(tree):
    modules = [folder.name for folder in list_files.module_folders()]
    assert sorted(path.stem for path in tree.modules.glob("*.py")) == modules


def test_tests_inside_slicer_are_declared(tree):
    for module in list_files.module_folders():
        declared = (tree.build / module.name / "CTestTestfile.cmake").read_text(encoding="utf-8")
        assert f"py_{module.name}" in declared


def test_description_that_slicer_would_package_is_the_one_in_the_repository(tree):
    packaged = keys_of(tree.build / "BrainFM.s4ext")
    committed = keys_of(ROOT / "BrainFM.s4ext")
    assert packaged == {key: committed[key] for key in packaged}


def keys_of(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    return {line.split(" ", 1)[0]: line.partition(" ")[2] for line in lines}


def test_listed_file_that_does_not_exist_stops_cmake(tmp_path):
    tools = find_tools()
    if tools is None:
        pytest.skip("cmake, or a build program for it, is missing")
    source = tmp_path / "source"
    for name in ("CMakeLists.txt", "LICENSE.txt", "README.md"):
        source.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, source)
    (source / "BrainFM").mkdir()
    (source / "BrainFM" / "CMakeLists.txt").write_text(
        "slicerMacroBuildScriptedModule(NAME BrainFM SCRIPTS Forgotten.py RESOURCES WITH_GENERIC_TESTS)\n"
    )
    with pytest.raises(AssertionError, match="lists Forgotten.py, which does not exist"):
        install_extension(source, tmp_path / "out", *tools)


def test_engine_is_imported_from_the_tree_without_its_packages(tree, tmp_path):
    blocked = f"import sys; sys.modules.update(dict.fromkeys({ENGINE_NEEDS!r}))"
    names = "BrainFMEngine.tasks, BrainFMEngine.models.catalogue, BrainFMEngine.models.store"
    done = run_installed(tree, tmp_path, "-c", f"{blocked}; import {names}; print(BrainFMEngine.__file__)")
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(tree.modules)


def test_command_line_runs_from_the_tree(tree, tmp_path):
    pytest.importorskip("torch")
    done = run_installed(tree, tmp_path, "-m", "BrainFMEngine", "info", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["devices"][-1]["name"] == "cpu"


def test_bundled_model_is_whole_in_the_tree(tree, tmp_path):
    pytest.importorskip("torch")
    done = run_installed(tree, tmp_path, "-m", "BrainFMEngine", "models", "inspect", "compact", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["name"] == "compact"


def test_health_is_told_from_the_tree(tree, tmp_path):
    done = run_installed(tree, tmp_path, "-m", "BrainFMEngine.health")
    health = json.loads(done.stdout)
    assert "Traceback" not in done.stderr and {package["name"] for package in health["packages"]} >= {"nibabel"}
