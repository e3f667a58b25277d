"""One question to the tables of `facts/`: does this class have that member in every Slicer and both Qts?"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness import manifest

FOLDER = Path(__file__).resolve().parents[1] / "facts"
QTS = ("5", "6")
# PythonQt gives these to every QObject or, for the last ones, to every wrapped object.
FROM_PYTHONQT = {"className", "connect", "disconnect", "name", "exec_", "help", "delete"}
ROOTS = {"properties": [], "signals": [], "names": ""}


@dataclass(frozen=True)
class Member:
    """What one member is where it exists. `missing` names the versions without it."""

    kind: str
    writable: bool = False
    returns: str = ""
    missing: tuple[str, ...] = ()


@cache
def qt_table() -> dict:
    """`qt.json`."""
    return json.loads((FOLDER / "qt.json").read_text(encoding="utf-8"))


@cache
def python_table() -> dict:
    """`python.json`."""
    return json.loads((FOLDER / "python.json").read_text(encoding="utf-8"))


def slicer_versions() -> list[str]:
    """Oldest first."""
    return list(manifest.versions())


def is_known(name: str) -> bool:
    """Whether any table describes the class."""
    return name in qt_table()["classes"] or any(manifest.known(name, version) for version in slicer_versions())


def class_missing(name: str) -> tuple[str, ...]:
    """The versions that have no class of this name; empty when all have it."""
    if manifest.is_own(name):
        return tuple(f"Slicer {version}" for version in slicer_versions() if not manifest.known(name, version))
    known = {key: set(text.split()) for key, text in qt_table()["all"].items()}
    if name in known["both"] or name == "Qt":
        return ()
    return tuple(f"Qt {qt}" for qt in QTS if name not in known[qt])


@cache
def member(class_name: str, name: str) -> Member | None:
    """The member, or None where no version has it."""
    found, missing = None, []
    for version in slicer_versions() if manifest.is_own(class_name) else [""]:
        for qt in QTS:
            one = _member_in(class_name, name, version, qt)
            if one is None:
                missing.append(_label(class_name, name, version, qt))
            found = found or one
    return None if found is None else Member(found.kind, found.writable, found.returns, tuple(dict.fromkeys(missing)))


def signal_missing(class_name: str, signature: str) -> tuple[str, ...]:
    """The versions in which the class has no such signal."""
    missing = []
    for version in slicer_versions() if manifest.is_own(class_name) else [""]:
        if version and manifest.known(class_name, version):
            if signature in manifest.signal_signatures(class_name, version):
                continue
        for qt in QTS:
            if signature not in _qt_members(_qt_base(class_name, version), qt)["signals"]:
                missing.append(_label(class_name, signature.split("(")[0], version, qt))
    return tuple(dict.fromkeys(missing))


def slot_exists(class_name: str, signature: str) -> bool:
    """Whether every Slicer version has this slot or signal, or Qt a method of that name."""
    name = signature.split("(")[0]
    for version in slicer_versions():
        own = manifest.members(class_name, version).get(name) if manifest.known(class_name, version) else None
        if own is not None and own.overloads:
            if signature not in [overload.text for overload in own.overloads]:
                return False
        elif any(name not in _qt_members(_qt_base(class_name, version), qt)["names"] for qt in QTS):
            return False
    return True


def module_names(module: str, version: str) -> set[str]:
    """Public names of `slicer.<module>` in a version."""
    return set(python_table()["modules"][version].get(module, []))


def new_method_since(name: str) -> str:
    """The version that brought this MRML method, empty for older ones."""
    return next((version for version, names in python_table()["new_methods"].items() if name in names), "")


def _member_in(class_name: str, name: str, version: str, qt: str) -> Member | None:
    if version:
        if not manifest.known(class_name, version):
            return None
        own = manifest.members(class_name, version).get(name)
        if own is not None:
            returns = (own.overloads[0].returns or "") if own.overloads else ""
            return Member(own.kind, own.writable, returns.rstrip("*"))
    known = _qt_members(_qt_base(class_name, version), qt)
    if name in known["properties"]:
        return Member("property", known["properties"][name])
    if name in {signal.split("(")[0] for signal in known["signals"]}:
        return Member("signal")
    if name in known["names"] or name in FROM_PYTHONQT:
        return Member("method")
    return None


def _qt_base(class_name: str, version: str) -> str:
    return manifest.lineage(class_name, version)[1] if version else class_name


@cache
def _qt_members(class_name: str, qt: str) -> dict:
    """Members of a Qt class and of its bases, in one Qt."""
    entry = qt_table()["classes"].get(class_name, {})
    found: dict = {"properties": {}, "signals": set(), "names": set()}
    for base in entry.get("bases", []):
        inherited = _qt_members(base, qt)
        found["properties"].update(inherited["properties"])
        found["signals"] |= inherited["signals"]
        found["names"] |= inherited["names"]
    for key in ("", qt):
        for name in entry.get(f"properties{key}", []):
            found["properties"][name.rstrip("-")] = not name.endswith("-")
        found["signals"] |= set(entry.get(f"signals{key}", []))
        found["names"] |= set(entry.get(f"names{key}", "").split())
    return found


def _label(class_name: str, name: str, version: str, qt: str) -> str:
    """The name of the version that lacks it: of Slicer when no Qt of it has it, else of Qt."""
    if not version:
        return f"Qt {qt}"
    in_other = _member_in(class_name, name, version, "6" if qt == "5" else "5") is not None
    return f"Qt {qt}" if in_other else f"Slicer {version}"
