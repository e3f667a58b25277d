"""Check module code and .ui files against the API of Slicer 5.10, 5.12 and main, with Qt 5.15 and Qt 6.

    python Testing/Slicer/api_lint.py            every module of the repository
    python Testing/Slicer/api_lint.py FOLDER     one module

Needs no Slicer, no Qt: the facts are in `Testing/Slicer/facts`. Finds unknown attributes of widgets, calls of
properties, assignments that PythonQt refuses, unknown signals, what only Qt 5 or Qt 6 has, what a Slicer version lacks.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from linting.code_rules import Problem, check_source  # noqa: E402
from linting.ui_rules import check_ui, widgets_of  # noqa: E402

ENGINE = "BrainFMEngine"


def modules() -> list[Path]:
    """Folders of the repository that hold a scripted module."""
    return [path.parent for path in sorted(ROOT.glob("*/*.py")) if path.stem == path.parent.name]


def check_module(folder: Path) -> list[Problem]:
    """Problems of a module: its file, its packages, its .ui files."""
    problems, widgets = [], {}
    for path in sorted(folder.glob("Resources/UI/*.ui")):
        problems += check_ui(path)
        widgets.update(widgets_of(path))
    for path in sorted(folder.rglob("*.py")):
        if ENGINE not in path.relative_to(folder).parts:
            problems += check_source(path.read_text(encoding="utf-8"), path, widgets)
    return problems


def main(arguments: list[str]) -> int:
    folders = [Path(argument) for argument in arguments] or modules()
    problems = [problem for folder in folders for problem in check_module(folder)]
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
