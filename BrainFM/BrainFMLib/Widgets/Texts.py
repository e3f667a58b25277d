"""Small things about texts that are shown."""

from __future__ import annotations

from math import ceil
from typing import Any

_OF_NAMES = "._/\\0123456789"


def sentence(text: str) -> str:
    """Return a text that begins with a capital, unless it begins with the name of a file, and ends with a stop."""
    text = text.strip()
    if not text:
        return ""
    first = text.split(maxsplit=1)[0].rstrip(".,:;!?…")
    begin = text[0] if any(sign in first for sign in _OF_NAMES) else text[0].upper()
    return f"{begin}{text[1:]}{'' if text[-1] in '.!?…' else '.'}"


def showText(label: Any, text: str) -> None:
    """Show a text in a label; without one the label takes no place."""
    label.text, label.visible = text, bool(text)


def megabytes(count: float) -> str:
    """Return a size in words, for example "8 MB" or "1.4 GB"; less than a megabyte in kB, never rounded to nothing."""
    if count < 1e6:
        return f"{ceil(count / 1e3)} kB"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
