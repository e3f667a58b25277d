"""Make `python.json`: public names of Slicer's Python modules by version, and MRML method names that are new.

    python Testing/Slicer/facts/make_python.py path/to/Slicer.git 5.10.0=v5.10.0 5.12.3=v5.12.3 main=HEAD

A method name counts as new when no header or source of the version before it mentions it.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

FACTS = Path(__file__).with_name("python.json")
MODULES = ("util", "packaging", "i18n", "ScriptedLoadableModule", "testing", "cli", "logic")
PACKAGES = ("parameterNodeWrapper",)
FOLDER = "Base/Python/slicer"
HEADERS = ("Libs/MRML", "Libs/vtkSegmentationCore", "Modules/Loadable", "Base/Logic")
METHOD = re.compile(r"\b([A-Z][A-Za-z0-9]+)\s*\(")


class Repository:
    """Slicer's history."""

    def __init__(self, path: str):
        self.path = path

    def git(self, *arguments: str) -> str:
        command = ["git", "--git-dir", self.path, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, errors="replace").stdout

    def names(self, revision: str, module: str) -> list[str]:
        """Public top-level names of one module; empty when it is not there."""
        source = self.git("show", f"{revision}:{FOLDER}/{module}.py")
        return sorted(set(top_level(ast.parse(source))))

    def package_names(self, revision: str, package: str) -> list[str]:
        """Names that `from package import *` gives."""
        listed = self.git("ls-tree", "--name-only", f"{revision}:{FOLDER}/{package}").split()
        found = set()
        for name in listed:
            for node in ast.parse(self.git("show", f"{revision}:{FOLDER}/{package}/{name}")).body:
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
                    found |= set(ast.literal_eval(node.value))
        return sorted(found)

    def methods(self, revision: str) -> set[str]:
        """Names followed by a parenthesis in the MRML and logic headers."""
        paths = [f"{folder}/*.h" for folder in HEADERS]
        return set(METHOD.findall(self.git("grep", "-h", "-E", r"[A-Z][A-Za-z0-9]+\s*\(", revision, "--", *paths)))

    def mentions(self, revision: str, name: str) -> bool:
        """Whether any C++ or Python source of the revision has this word."""
        return bool(self.git("grep", "-l", "-w", name, revision, "--", "*.h", "*.cxx", "*.py").strip())


def top_level(tree: ast.Module):
    """Functions, classes and constants that do not start with an underscore."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        else:
            names = []
        yield from (name for name in names if not name.startswith("_"))


def collected(repository: Repository, revisions: dict[str, str]) -> dict:
    """Both tables."""
    modules: dict[str, dict[str, list[str]]] = {}
    for version, revision in revisions.items():
        modules[version] = {module: repository.names(revision, module) for module in MODULES}
        modules[version] |= {package: repository.package_names(revision, package) for package in PACKAGES}
    new, before = {}, None
    for version, revision in revisions.items():
        methods = repository.methods(revision)
        if before is not None:
            added = sorted(methods - before[1])
            new[version] = [name for name in added if not repository.mentions(before[0], name)]
        before = (revision, methods)
    return {"modules": modules, "new_methods": new}


def main(arguments: list[str]) -> None:
    repository, *pairs = arguments
    facts = collected(Repository(repository), dict(pair.split("=", 1) for pair in pairs))
    FACTS.write_text(json.dumps(facts, separators=(",", ":")).replace("},", "},\n") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
