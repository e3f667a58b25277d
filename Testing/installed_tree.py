"""The modules as CMake installs them, in a temporary folder: what tests of the shipped extension import.

CMake configures the extension against a stand-in for Slicer (`Testing/Slicer/cmake`). Nothing is compiled, so no
compiler is needed. Where CMake is missing, the source folder stands in and a warning says so.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STAND_IN = ROOT / "Testing" / "Slicer" / "cmake"
GENERATORS = {"ninja": "Ninja", "make": "Unix Makefiles"}


class NoCMakeWarning(UserWarning):
    """The installed tree could not be made; tests see the source folder."""


@dataclass(frozen=True)
class InstalledTree:
    """An installed extension.

    Attributes:
        modules: folder of the scripted modules, as on Slicer's module path.
        build: the build folder.
    """

    modules: Path
    build: Path


def installed_modules_folder() -> Path:
    """Return the folder to import BrainFM, BrainFMLib and BrainFMEngine from; made once per process."""
    tree = installed_tree()
    return tree.modules if tree else ROOT / "BrainFM"


@cache
def installed_tree() -> InstalledTree | None:
    """Configure and install the extension; None, with a warning, where CMake or a build program is missing.

    Raises:
        AssertionError: CMake refuses the extension; the message is CMake's.
    """
    tools = find_tools()
    if tools is None:
        message = "cmake, and ninja or make, are not here: the source folder is tested instead of the installed tree"
        warnings.warn(message, NoCMakeWarning, stacklevel=3)
        return None
    folder = Path(tempfile.mkdtemp(prefix="BrainFM-install-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return install_extension(ROOT, folder, *tools)


def find_tools() -> tuple[str, str] | None:
    """Return the path of cmake and the name of its generator."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    cmake = shutil.which("cmake", path=path)
    generator = next((name for program, name in GENERATORS.items() if shutil.which(program, path=path)), None)
    return (cmake, generator) if cmake and generator else None


def install_extension(source: Path, folder: Path, cmake: str, generator: str) -> InstalledTree:
    """Configure and install `source` into `folder`.

    Raises:
        AssertionError: CMake refuses it.
    """
    build, prefix = folder / "build", folder / "installed"
    no_compiler = [f"-DCMAKE_{name}_COMPILER={cmake}" for name in ("C", "CXX")]
    no_compiler += [f"-DCMAKE_{name}_COMPILER_FORCED=ON" for name in ("C", "CXX")]
    options = ["-G", generator, f"-DSlicer_DIR={STAND_IN}", "-DBUILD_TESTING=ON", "-Wno-dev", *no_compiler]
    _run([cmake, "-S", str(source), "-B", str(build), *options])
    _run([cmake, "--install", str(build), "--prefix", str(prefix)])
    (modules,) = prefix.glob("lib/Slicer-*/qt-scripted-modules")
    return InstalledTree(modules, build)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
