"""Stand-in of slicer.packaging: checks for real, installs nothing. What would have been installed is in `asked`.

A test says with `answer` how the user would answer; in testing mode Slicer itself skips the installation.
"""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from packaging.requirements import Requirement

asked: list[tuple[str, list[str]]] = []
answer = True


def load_requirements(path) -> list[Requirement]:
    """The lines of a requirements file, without comments."""
    lines = (line.split("#", 1)[0].strip() for line in Path(path).read_text(encoding="utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def pip_check(req) -> bool:
    """Whether every requirement is installed in a version that fits."""
    return all(_fits(requirement) for requirement in _listed(req))


def pip_ensure(
    requirements,
    constraints=None,
    skip_packages=None,
    prompt_install=True,
    prompt_restart=True,
    requester=None,
    skip_in_testing=True,
    show_progress=True,
):
    """Install what is missing after one question; RuntimeError when the user declines."""
    missing = [requirement for requirement in _listed(requirements) if not _fits(requirement)]
    if not missing:
        return []
    asked.append((requester or "", [str(requirement) for requirement in missing]))
    if prompt_install and not answer:
        raise RuntimeError("The installation was declined")
    return []


def pip_install(
    requirements,
    constraints=None,
    no_deps_requirements=None,
    skip_packages=None,
    blocking=True,
    show_progress=True,
    requester=None,
    logCallback=None,
    completedCallback=None,
):
    """Only noted; a non-blocking one reports success at once."""
    listed = requirements.split() if isinstance(requirements, str) else [str(entry) for entry in requirements]
    asked.append((requester or "", listed))
    if completedCallback is not None:
        completedCallback(0)
    return []


def pip_uninstall(requirements, blocking=True, logCallback=None, completedCallback=None) -> None:
    """Only noted."""
    listed = requirements.split() if isinstance(requirements, str) else [str(entry) for entry in requirements]
    asked.append(("uninstall", listed))


def _listed(requirements) -> list[Requirement]:
    if isinstance(requirements, str | Requirement):
        requirements = [requirements]
    return [entry if isinstance(entry, Requirement) else Requirement(str(entry)) for entry in requirements]


def _fits(requirement: Requirement) -> bool:
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)
