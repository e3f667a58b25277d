"""Rules for .ui files: classes, properties and connections that every Slicer version and both Qts have."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from linting import facts
from linting.code_rules import Problem

SPECIAL_CLASSES = {"Line"}  # Designer's name of a QFrame
SPECIAL_PROPERTIES = {"buttonGroupId", "shortcut", "windowModality"}


def widgets_of(path: Path) -> dict[str, str]:
    """Name to class of every widget of the file, and of its layouts."""
    root = ElementTree.parse(path).getroot()
    found = {widget.get("name"): _class(widget) for widget in root.iter("widget")}
    found |= {layout.get("name"): layout.get("class") for layout in root.iter("layout") if layout.get("name")}
    return {name: class_name for name, class_name in found.items() if facts.is_known(class_name)}


def check_ui(path: Path) -> list[Problem]:
    """Problems of one file. Lines are not known to the XML reader: 0."""
    root = ElementTree.parse(path).getroot()
    declared = {entry.findtext("class") for entry in root.iter("customwidget")}
    texts: list[str] = []
    for widget in root.iter("widget"):
        texts += _check_widget(widget, declared)
    names = {widget.get("name"): _class(widget) for widget in root.iter("widget")}
    for connection in root.iter("connection"):
        texts += _check_connection(connection, names)
    return [Problem(str(path), 0, text) for text in texts]


def _check_widget(widget: ElementTree.Element, declared: set[str]) -> list[str]:
    class_name, name = _class(widget), widget.get("name")
    missing = facts.class_missing(class_name)
    if missing:
        return [f"{name}: class {class_name} does not exist in {', '.join(missing)}"]
    if not facts.is_known(class_name):
        return [f"{name}: no facts about class {class_name}, add it to facts/"]
    texts = []
    if facts.manifest.is_own(class_name) and class_name not in declared:
        texts.append(f"{name}: {class_name} is not listed in <customwidgets>")
    for entry in widget.findall("property"):
        key = entry.get("name")
        if entry.get("stdset") == "0" or key in SPECIAL_PROPERTIES:
            continue
        found = facts.member(class_name, key)
        if found is None or found.kind != "property":
            texts.append(f"{name}: {class_name} has no property {key}")
        elif found.missing:
            texts.append(f"{name}: {class_name}.{key} does not exist in {', '.join(found.missing)}")
        else:
            texts += _check_values(name, class_name, entry)
    return texts


def _check_values(name: str, class_name: str, entry: ElementTree.Element) -> list[str]:
    """Enumeration values that are written with their class."""
    if entry[0].tag not in ("enum", "set"):
        return []
    texts = []
    for part in (entry[0].text or "").split("|"):
        *scope, value = part.strip().split("::")
        owner = scope[0] if scope else class_name
        if value and facts.is_known(owner) and facts.member(owner, value) is None:
            texts.append(f"{name}: {owner} has no value {value}")
        if len(scope) > 1:
            texts.append(f"{name}: {part.strip()} is read by Qt 6.8 and newer only, write {owner}::{value}")
    return texts


def _check_connection(connection: ElementTree.Element, names: dict[str, str]) -> list[str]:
    sender, signal, receiver, slot = (connection.findtext(key) for key in ("sender", "signal", "receiver", "slot"))
    texts = [f"connection: no widget named {name}" for name in (sender, receiver) if name not in names]
    if texts:
        return texts
    missing = facts.signal_missing(names[sender], signal.replace(" ", ""))
    if missing:
        texts.append(f"connection: {names[sender]} has no signal {signal} in {', '.join(missing)}")
    if not facts.slot_exists(names[receiver], slot.replace(" ", "")):
        texts.append(f"connection: {names[receiver]} has no slot {slot}")
    return texts


def _class(widget: ElementTree.Element) -> str:
    name = widget.get("class", "")
    return "QFrame" if name in SPECIAL_CLASSES else name
