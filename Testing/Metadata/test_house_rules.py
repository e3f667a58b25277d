"""The rules that keep the engine a house: who may import whom, what loads when, how long a file may be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENGINE = ROOT / "BrainFM" / "BrainFMEngine"
LAYERS = [
    "errors",
    "progress",
    "parent",
    "health",
    "hashing",
    "durable_file",
    "folder_lock",
    "tasks",
    "image",
    "anatomy",
    "network",
    "models",
    "inference",
    "outputs",
    "generator",
    "dataset",
    "evaluation",
    "training",
    "preview",
    "health_probe",
    "cli",
]
SLICER_SIDE = {"slicer", "qt", "ctk", "vtk", "PythonQt"}
MAX_LINES = 300


def engine_files() -> list[Path]:
    return sorted(ENGINE.rglob("*.py"))


def imported_modules(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def layer_of(path: Path) -> str:
    return path.relative_to(ENGINE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", engine_files(), ids=lambda p: p.relative_to(ENGINE).as_posix())
def test_file_keeps_to_its_layer(path):
    modules = imported_modules(path)
    assert not {name.split(".")[0] for name in modules} & SLICER_SIDE
    layer = layer_of(path)
    if layer not in LAYERS:
        return
    used = {name.split(".")[1] for name in modules if name.startswith("BrainFMEngine.")}
    outer = {name for name in used if name in LAYERS and LAYERS.index(name) > LAYERS.index(layer)}
    assert not outer, f"{layer} imports {outer}"


@pytest.mark.parametrize("path", engine_files(), ids=lambda p: p.relative_to(ENGINE).as_posix())
def test_file_is_short_and_does_not_print(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    calls = [node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    assert not [call for call in calls if isinstance(call, ast.Name) and call.id in {"print", "eval", "exec"}]


def test_every_layer_exists_and_every_package_is_a_layer():
    packages = {path.parent.name for path in ENGINE.glob("*/__init__.py")}
    assert packages <= set(LAYERS)


@pytest.mark.parametrize(
    "module", ["BrainFMEngine", "BrainFMEngine.tasks", "BrainFMEngine.cli", "BrainFMEngine.cli.app"]
)
def test_opening_the_door_does_not_load_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_readme_commands_exist():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test"):
        assert f"make {target}" in readme
        assert f"\n{target}:" in makefile
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_no_file_names_a_folder_of_one_machine():
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if tracked.returncode:
        pytest.skip("not a git checkout")
    here = Path(__file__).resolve()
    for name in tracked.stdout.decode().split("\0"):
        path = ROOT / name
        if path.suffix not in {".py", ".md", ".toml", ".txt", ".json", ".csv", ".cff", ""} or not path.is_file():
            continue
        if path != here:
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not re.search(r"/(?:work|root|home)/|C:\\Users", text), name
