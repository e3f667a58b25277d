"""The style's own icons in labels, so that they fit every platform and theme."""

from __future__ import annotations

from typing import Any

_SIZE = 18


def setIcon(label: Any, standardIcon: Any) -> None:
    """Show one of the style's standard icons in a label."""
    label.setPixmap(label.style().standardIcon(standardIcon).pixmap(_SIZE, _SIZE))
