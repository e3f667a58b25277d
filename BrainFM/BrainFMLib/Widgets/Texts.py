"""Small things about sentences."""

from __future__ import annotations


def sentence(text: str) -> str:
    """Return a text that begins with a capital and ends with a stop."""
    text = text.strip()
    if not text:
        return ""
    return f"{text[0].upper()}{text[1:]}{'' if text[-1] in '.!?…' else '.'}"


def megabytes(count: float) -> str:
    """Return a size in words, for example "8 MB" or "1.4 GB"."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count / 1e6, 0.1):.0f} MB"
