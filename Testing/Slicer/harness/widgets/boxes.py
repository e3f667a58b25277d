"""Layout that the composed widgets share."""

from __future__ import annotations

from PySide6 import QtWidgets


def row_layout(widget: QtWidgets.QWidget) -> QtWidgets.QHBoxLayout:
    """A row without margins on the widget."""
    layout = QtWidgets.QHBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    return layout


def column_layout(widget: QtWidgets.QWidget) -> QtWidgets.QVBoxLayout:
    """A column without margins on the widget."""
    layout = QtWidgets.QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(0)
    return layout
