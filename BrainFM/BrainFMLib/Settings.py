"""What is remembered between sessions, in the application's settings under "BrainFM/"."""

from __future__ import annotations

import enum

import qt

from BrainFMLib.Parameters import BrainFMParameterNode, Grid, Modality, ResultMode

PREFIX = "BrainFM/"
_REMEMBERED = {
    "contrasts": bool,
    "anatomy": bool,
    "distance": bool,
    "bias": bool,
    "registration": bool,
    "surfaces": bool,
    "model": str,
    "device": str,
    "grid": Grid,
    "modality": Modality,
    "flip": bool,
    "resultMode": ResultMode,
    "showResults": bool,
}


def read(key: str, default: str = "") -> str:
    """Return a setting as text."""
    value = qt.QSettings().value(PREFIX + key)
    return default if value is None else str(value)


def write(key: str, value: object) -> None:
    """Keep a setting; numbers and booleans as text, which every settings format gives back unchanged."""
    qt.QSettings().setValue(PREFIX + key, str(value))


def readFloat(key: str, default: float) -> float:
    """Return a setting as a number, `default` if it is none."""
    try:
        return float(read(key, str(default)))
    except ValueError:
        return default


def recall(parameters: BrainFMParameterNode) -> None:
    """Fill fresh parameters with the user's last choices; parameters that came with a scene stay as they are."""
    if parameters.remembered:
        return
    settings = qt.QSettings()
    for name, kind in _REMEMBERED.items():
        stored = settings.value(PREFIX + name)
        value = _parsed(str(stored), kind) if stored else None
        if value is not None:
            setattr(parameters, name, value)
    parameters.remembered = True


def remember(parameters: BrainFMParameterNode) -> None:
    """Keep the user's choices for the next session; what did not change is not written again."""
    settings = qt.QSettings()
    for name in _REMEMBERED:
        value = getattr(parameters, name)
        text = str(value.value if isinstance(value, enum.Enum) else value)
        if settings.value(PREFIX + name) != text:
            settings.setValue(PREFIX + name, text)


def _parsed(text: str, kind: type) -> object | None:
    """Return the setting's value, None if it is not one (written by hand or by another version)."""
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower())
    if issubclass(kind, enum.Enum):
        return next((choice for choice in kind if choice.value == text), None)
    return text
