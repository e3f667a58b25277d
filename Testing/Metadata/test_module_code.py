"""Rules for the code that Slicer loads: nothing happens at import, nothing foreign loads, nothing is patched."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from extension_facts import ROOT

MODULE = ROOT / "BrainFM"
TRAIN = ROOT / "BrainFMTrain"
FILES = sorted([*MODULE.glob("*.py"), *(MODULE / "BrainFMLib").rglob("*.py"), *TRAIN.rglob("*.py")])
ENGINE_FILES = sorted((MODULE / "BrainFMEngine").rglob("*.py"))
MAX_LINES = 300
PURE_FUNCTIONS = {"tuple", "frozenset", "dict", "fromkeys", "slice", "int", "iinfo", "diag", "resolve"}
"""What the value of a constant may be computed with, beside constructors."""
OWN = {"BrainFM", "BrainFMLib", "BrainFMEngine", "BrainFMTrainLib"}
WITH_SLICER = {"slicer", "qt", "ctk", "vtk", "numpy", "scipy", "SimpleITK"}
ENGINE_PACKAGES = ("torch", "nibabel", "SimpleITK", "safetensors", "typer", "rich", "PIL", "skimage")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def module_scope(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements that run at import, without definitions; those inside `if` and `try` too."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        statement = waiting.pop()
        if isinstance(statement, ast.If):
            yield ast.Expr(statement.test)
        if isinstance(statement, (ast.If, ast.Try)):
            waiting += [child for child in ast.iter_child_nodes(statement) if isinstance(child, ast.stmt)]
            waiting += [child for handler in getattr(statement, "handlers", []) for child in handler.body]
        elif not isinstance(statement, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield statement


def called_name(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", "?"))


def imported_names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.Import):
        return [alias.name.split(".")[0] for alias in statement.names]
    if isinstance(statement, ast.ImportFrom):
        return [] if statement.level else [(statement.module or "").split(".")[0]]
    return []


each_file = pytest.mark.parametrize("path", FILES, ids=relative)


@each_file
def test_nothing_happens_at_import(path):
    """Beside definitions there are constants, whose values need no more than constructors and pure functions."""
    wrong = []
    for statement in module_scope(parse(path)):
        names = {called_name(node) for node in ast.walk(statement) if isinstance(node, ast.Call)}
        if is_constant(statement):
            names = {name for name in names if name not in PURE_FUNCTIONS and not name[0].isupper()}
        wrong += [f"line {statement.lineno}: {name}" for name in names - {"getLogger", "TypeVar"}]
    assert not wrong


def is_constant(statement: ast.stmt) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return all(isinstance(target, ast.Name) and target.id.isupper() for target in targets)


@each_file
def test_only_what_slicer_brings_loads_at_import(path):
    names = {name for statement in module_scope(parse(path)) for name in imported_names(statement)}
    foreign = {name for name in names if name not in sys.stdlib_module_names | OWN | WITH_SLICER}
    assert not {name for name in foreign if not name.startswith("vtk")}


@each_file
def test_engine_packages_never_load_in_slicers_process(path):
    """Not even inside a function: torch and the rest belong to the child process."""
    names = {name for node in ast.walk(parse(path)) if isinstance(node, ast.stmt) for name in imported_names(node)}
    assert not names & {"torch", "nibabel", "safetensors", "typer", "rich", "skimage"}


@each_file
def test_file_is_short_quiet_and_does_not_spin(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    calls = {called_name(node) for node in ast.walk(parse(path)) if isinstance(node, ast.Call)}
    assert not calls & {"print", "eval", "exec", "processEvents"}


@pytest.mark.parametrize("path", [*FILES, *ENGINE_FILES], ids=relative)
def test_import_path_is_left_alone(path):
    tree = parse(path)
    assert not [change for change in changes_in(ast.walk(tree)) if change.startswith("sys.path")]
    at_import = (node for statement in module_scope(tree) for node in ast.walk(statement))
    assert not [change for change in changes_in(at_import) if change.startswith("sys.modules")]


def changes_in(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield what is assigned to, deleted, or called, as text."""
    for node in nodes:
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)
        elif isinstance(node, (ast.Assign, ast.Delete)):
            yield from (ast.unparse(target) for target in node.targets)
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            yield ast.unparse(node.target)


@pytest.mark.parametrize("path", [*FILES, *ENGINE_FILES], ids=relative)
def test_pip_never_installs_torch(path):
    """PyTorch comes through PyTorchUtils of its extension, which knows the graphics card."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Call) and called_name(node) in {"pip_install", "pip_ensure", "pip_check"}:
            words = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
            assert not [word for word in words if isinstance(word, str) and word.lstrip().startswith("torch")]


def engine_modules_used_by_slicer() -> list[str]:
    names = set()
    for path in FILES:
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("BrainFMEngine"):
                names.add(node.module or "")
            elif isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names if alias.name.startswith("BrainFMEngine")}
    return sorted(names)


@pytest.mark.parametrize("name", engine_modules_used_by_slicer() or ["BrainFMEngine.tasks"])
def test_engine_tables_load_before_anything_is_installed(name):
    """What Slicer's process imports of the engine needs none of the packages that the engine needs to run."""
    code = f"import sys; sys.modules.update(dict.fromkeys({ENGINE_PACKAGES!r})); import {name}"
    done = subprocess.run([sys.executable, "-c", code], cwd=MODULE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
