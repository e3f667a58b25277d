"""Compare the files of a module with the lists in its CMakeLists.txt: what is not listed there is not installed.

python Testing/Metadata/list_files.py           says what is missing or too much
python Testing/Metadata/list_files.py --write   rewrites the lists
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LISTS = {"MODULE_PYTHON_SCRIPTS": True, "MODULE_PYTHON_RESOURCES": False}
"""Name of each list, and whether it holds the Python files or all others."""
BUILD_FILE = "CMakeLists.txt"
LEFTOVERS = {"__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache"}


def module_folders() -> list[Path]:
    """Return the folders of the modules: those with a CMakeLists.txt that builds one."""
    return sorted(
        path.parent for path in ROOT.glob(f"*/{BUILD_FILE}") if "slicerMacroBuildScriptedModule" in _read(path)
    )


def shipped_files(module: Path) -> list[str]:
    """Return what a module has to ship: what git tracks or would track in its folder, relative to it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "."]
    try:
        listing = subprocess.run(command, cwd=module, capture_output=True, check=True).stdout.decode()
        names = [name for name in listing.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = [path.relative_to(module).as_posix() for path in module.rglob("*") if not _is_leftover(path)]
    return sorted(name for name in set(names) if name != BUILD_FILE and (module / name).is_file())


def _is_leftover(path: Path) -> bool:
    return bool(LEFTOVERS & set(path.parts)) or any(part.endswith(".egg-info") for part in path.parts)


def listed_files(module: Path) -> dict[str, list[str]]:
    """Return list name -> files that CMakeLists.txt of the module names."""
    text = _read(module / BUILD_FILE)
    return {name: _pattern(name).search(text)[2].split() for name in LISTS}  # type: ignore[index]


def wanted_lists(module: Path) -> dict[str, list[str]]:
    """Return list name -> files that it should hold, sorted."""
    files = shipped_files(module)
    return {name: [file for file in files if file.endswith(".py") == python] for name, python in LISTS.items()}


def write_lists(module: Path) -> bool:
    """Rewrite the lists of a module; return whether anything changed."""
    path = module / BUILD_FILE
    before = text = _read(path)
    for name, files in wanted_lists(module).items():
        body = "".join(f"  {file}\n" for file in files)
        text = _pattern(name).sub(lambda match, body=body: f"{match[1]}{body}{match[3]}", text)
    path.write_text(text, encoding="utf-8", newline="\n")
    return text != before


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(set\({name}\n)(.*?)(  \)\n)", re.DOTALL)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def differences(module: Path) -> list[str]:
    """Return one line for each file that is missing in the lists or too much there."""
    lines = []
    for name, wanted in wanted_lists(module).items():
        listed = listed_files(module)[name]
        lines += [f"{module.name}/{file} is not in {name}" for file in wanted if file not in listed]
        lines += [f"{name} of {module.name} names {file}, which is not there" for file in listed if file not in wanted]
        lines += [f"{name} of {module.name} names {file} twice" for file in set(listed) if listed.count(file) > 1]
    return sorted(lines)


def main() -> int:
    """Report or rewrite; exit code 1 when the lists differ from the folders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="rewrite the lists")
    write = parser.parse_args().write
    lines = [line for module in module_folders() for line in differences(module)]
    sys.stdout.writelines(f"{line}\n" for line in lines)
    if write:
        sys.stdout.writelines(f"{module.name}: rewritten\n" for module in module_folders() if write_lists(module))
    return 0 if write or not lines else 1


if __name__ == "__main__":
    sys.exit(main())
