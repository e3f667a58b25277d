"""Installs what the engine needs into Slicer's Python: PyTorch through its extension, the rest through Slicer's pip.

Only for the main thread, after the user agreed: Slicer waits meanwhile. Nothing is imported from what is installed;
whether it works is found out by a new check in a child process.
"""

from __future__ import annotations

import importlib
import logging
import platform
import re
import shutil
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

import slicer
from slicer.i18n import tr as _

from BrainFMLib.EngineCommand import pythonExecutable, usesOwnPython
from BrainFMLib.Health import TORCH, PackageState

REQUESTER = "BrainFM"
MEGABYTES = {"nibabel": 4, "safetensors": 1, "typer": 1, "rich": 1, "pillow": 7, "scikit-image": 15, "SimpleITK": 50}
"""Downloads, about; for the question."""
TORCH_SPACE, TORCH_GPU_SPACE, OTHER_SPACE = 1.5e9, 8e9, 0.3e9
"""Room that the installation takes, in bytes."""


class InstallError(Exception):
    """The installation is impossible or failed: a sentence without its final period, and what can be done."""

    def __init__(self, message: str, hint: str = ""):
        super().__init__(message)
        self.message, self.hint = message, hint


def packageFolder() -> Path:
    """Return the folder that packages are installed to."""
    return Path(sysconfig.get_paths()["purelib"])


def checkPossible(packages: Sequence[PackageState]) -> None:
    """Find out, without the network, whether the packages can be installed.

    Raises:
        InstallError: they cannot.
    """
    if usesOwnPython():
        names = " ".join(f'"{row.name}{row.needed}"' for row in packages)
        message = _("The environment variable BRAINFM_PYTHON names a Python that Slicer does not manage")
        raise InstallError(
            message, _("Install there: {command}").format(command=f'"{pythonExecutable()}" -m pip install {names}')
        )
    needsTorch = any(row.name == TORCH for row in packages)
    if needsTorch and sys.platform == "darwin" and platform.machine() == "x86_64":
        message = _("This is the Slicer for Intel Macs, for which PyTorch 2.6 is not made")
        raise InstallError(message, _("Use another computer, or set BRAINFM_PYTHON to a Python with PyTorch."))
    if needsTorch and pyTorchLogic() is None:
        message = _("PyTorch is installed through the extension PyTorch, which is not here")
        raise InstallError(message, _("Install it in the Extensions Manager, start Slicer again and press Install."))
    needed, free = (TORCH_SPACE if needsTorch else OTHER_SPACE), freeBytes()
    if free < needed:
        text = _("There is too little room in {folder}: {free:.1f} GB are free, at least {needed:.1f} GB are needed")
        raise InstallError(text.format(folder=packageFolder(), free=free / 1e9, needed=needed / 1e9))
    _checkWritable(packageFolder())


def freeBytes() -> int:
    """Return the free room where packages go."""
    return shutil.disk_usage(packageFolder()).free


def _checkWritable(folder: Path) -> None:
    probe = folder / ".brainfm-probe"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        message = _("Slicer's folder cannot be written to: {folder}").format(folder=folder)
        hint = _("Start Slicer once with the rights to change it, or install Slicer into your own folder.")
        raise InstallError(message, hint) from error


def pyTorchLogic() -> Any | None:
    """Return the logic of the module PyTorchUtils, None without the extension."""
    try:
        import PyTorchUtils
    except ImportError:
        return None
    return PyTorchUtils.PyTorchUtilsLogic()


def _neededLogic() -> Any:
    logic = pyTorchLogic()
    if logic is None:
        raise InstallError(_("The extension PyTorch is missing"))
    return logic


def installTorch(needed: str) -> None:
    """Install PyTorch in the build that fits this computer; `needed` is the bound of its version.

    Raises:
        InstallError: it failed.
    """
    logic = _neededLogic()
    with slicer.util.WaitCursor():
        _guarded("PyTorch", lambda: logic.installTorch(askConfirmation=False, torchVersionRequirement=needed))


def reinstallTorch(needed: str) -> None:
    """Remove PyTorch and install it again.

    Raises:
        InstallError: it failed.
    """
    logic = _neededLogic()
    with slicer.util.WaitCursor():
        _guarded("PyTorch", logic.uninstallTorch)
    installTorch(needed)


def installPackages(requirements: Path, names: Sequence[str]) -> None:
    """Install packages that the requirements file lists; other names are left out.

    Raises:
        InstallError: it failed.
    """
    wanted = [line for line in readRequirements(requirements) if _isNamed(line, names)]
    packaging = slicerPackaging()
    if not wanted:
        return
    if packaging is None:  # Slicer 5.10
        with slicer.util.WaitCursor():
            _guarded(", ".join(names), lambda: slicer.util.pip_install(wanted))
        return
    listed = [entry for entry in packaging.load_requirements(str(requirements)) if _isNamed(str(entry), names)]
    _guarded(", ".join(names), lambda: packaging.pip_ensure(listed, prompt_install=False, requester=REQUESTER))


def reinstallPackages(requirements: Path, names: Sequence[str]) -> None:
    """Install packages again although they seem to be there, and then what they need.

    Raises:
        InstallError: it failed.
    """
    wanted = [line for line in readRequirements(requirements) if _isNamed(line, names)]
    if not wanted:
        return
    packaging = slicerPackaging()
    options = {} if packaging is None else {"requester": REQUESTER}
    pipInstall = (packaging or slicer.util).pip_install
    with slicer.util.WaitCursor():
        _guarded(", ".join(names), lambda: pipInstall(["--force-reinstall", "--no-deps", *wanted], **options))
        _guarded(", ".join(names), lambda: pipInstall(wanted, **options))


def slicerPackaging() -> Any | None:
    """Return slicer.packaging, None before Slicer 5.11."""
    try:
        return importlib.import_module("slicer.packaging")
    except ImportError:
        return None


def readRequirements(path: Path) -> list[str]:
    """Return the lines of a requirements file that name packages."""
    lines = (line.split("#", 1)[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("-")]


def isListed(name: str, requirements: Sequence[str]) -> bool:
    """Return whether a package is in the lines of a requirements file."""
    return any(_isNamed(line, [name]) for line in requirements)


def _isNamed(requirement: str, names: Sequence[str]) -> bool:
    name = re.match(r"[\w.-]+", requirement)
    return name is not None and _plain(name.group()) in {_plain(each) for each in names}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _guarded(names: str, install: Callable[[], Any]) -> None:
    """Run an installation; whatever it raises becomes a sentence."""
    try:
        install()
    except CalledProcessError as error:
        logging.error("BrainFM: installing %s failed: %s", names, error)
        message = _("{names} could not be installed").format(names=names)
        raise InstallError(message, _("Is the internet reachable? The Python console shows what pip said.")) from error
    except Exception as error:
        logging.error("BrainFM: installing %s failed", names, exc_info=error)
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        message = _("{names} could not be installed: {reason}").format(names=names, reason=reason)
        raise InstallError(message, _("Start Slicer again, and press Repair before anything else.")) from error
    finally:
        importlib.invalidate_caches()
