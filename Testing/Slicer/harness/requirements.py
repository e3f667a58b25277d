"""What this machine lacks for the Slicer tests, in words that say what to install."""

from __future__ import annotations

import ctypes
import glob
import importlib.util
import os
import subprocess
import sys
from functools import cache

PYTHON_PACKAGES = {"slicer": "slicer-core", "vtk": "vtk", "numpy": "numpy", "PySide6": "PySide6-Essentials"}
LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
}
DRIVERS = ("dri/*_dri.so", "libgallium-*.so", "libEGL_nvidia.so.0")
LIBRARY_FOLDERS = ("/usr/lib/*-linux-gnu*", "/usr/lib64", "/usr/lib")
RENDER = (
    "import vtkmodules.vtkRenderingOpenGL2; from vtkmodules.vtkRenderingCore import vtkRenderWindow;"
    "w = vtkRenderWindow(); w.SetOffScreenRendering(1); w.Render(); assert w.SupportsOpenGL()"
)
RENDER_S = 120


@cache
def reason_to_skip() -> str | None:
    """One sentence, or None when everything is there and a picture can be rendered."""
    parts = []
    if python := missing_python():
        parts.append(f"pip install {' '.join(python)}")
    if libraries := missing_libraries():
        parts.append(f"apt-get install {' '.join(libraries)}")
    if parts:
        return f"the Slicer tests need: {'; '.join(parts)}"
    problem = rendering_problem()
    return f"the Slicer tests need off-screen rendering (EGL and Mesa): {problem}" if problem else None


def missing_python() -> list[str]:
    """Names of the PyPI packages that can not be imported here."""
    return [package for module, package in PYTHON_PACKAGES.items() if importlib.util.find_spec(module) is None]


def missing_libraries() -> list[str]:
    """Names of the Debian packages that off-screen rendering and Qt need and that are not installed (Linux only)."""
    if not sys.platform.startswith("linux"):
        return []
    packages = [package for library, package in LIBRARIES.items() if not _loads(library)]
    if not any(glob.glob(f"{folder}/{driver}") for folder in LIBRARY_FOLDERS for driver in DRIVERS):
        packages.append("libgl1-mesa-dri")
    return packages


def rendering_problem() -> str:
    """Render once in a process of its own: a driver that crashes must not take the tests with it."""
    environment = {**os.environ}
    if not environment.get("VTK_DEFAULT_OPENGL_WINDOW") and sys.platform.startswith("linux"):
        environment["VTK_DEFAULT_OPENGL_WINDOW"] = "vtkEGLRenderWindow"
    command = [sys.executable, "-c", RENDER]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", check=False, timeout=RENDER_S
        )
    except subprocess.TimeoutExpired:
        return f"no picture after {RENDER_S} s"
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
