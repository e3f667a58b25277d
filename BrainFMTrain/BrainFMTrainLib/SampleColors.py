"""Colour tables of targets, made once in a scene.

Slicer first turns a value into one of 256 steps of the window and then takes the colour of that step, so a table has
256 colours; a colour is either there or not, however small its opacity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import slicer
from BrainFMEngine.anatomy.structures import structures
from BrainFMLib.ColorTables import RAMPS

ATTRIBUTE = "BrainFMTrain.Colors"
SIZE = 256
ATLAS_WINDOW_MM = (-127.5, 127.5)
"""One colour a millimetre, its middle at whole millimetres."""
NOWHERE_MM = 1000.0
"""A coordinate that is none; beyond the window, whose last colour is no line."""
AXES = ("x", "y", "z")
AXIS_COLORS = {"x": (237, 213, 76), "y": (110, 176, 75), "z": (243, 74, 51)}
"""As Slicer colours the views that run along these lines: sagittal, coronal, axial."""
GRID_COLOR = (80, 225, 255)
_LINE = (0.15, 0.85)
"""Between two kinds of cubes, where the border is drawn."""

Color = tuple[float, float, float, float]


def distance() -> Any:
    """Return blue inside, pale at the surface, red outside; nothing where the maps end."""
    return _table("Distance", lambda: _diverging("Distance", clearEnds=True))


def bias() -> Any:
    """Return violet where it gets darker, dark where nothing changes, green where it gets brighter."""
    return _table("Bias", lambda: _diverging("Bias"))


def atlasLines(axis: str, spacing: int) -> Any:
    """Return lines every `spacing` mm along an axis of the atlas, a thick one at 0; for `ATLAS_WINDOW_MM`."""
    return _table(f"Atlas-{axis}-{spacing}", lambda: _lines(axis, spacing))


def grid() -> Any:
    """Return the borders between cubes of two kinds, for values from 0 to 1."""
    steps = np.linspace(0, 1, SIZE)
    return _table("Grid", lambda: [_color(GRID_COLOR, _LINE[0] < step < _LINE[1]) for step in steps])


def labels() -> Any:
    """Return FreeSurfer's colours and names."""
    return _table("Labels", _structures, [structure.name for structure in _everyID()])


def ramp(key: str) -> list[tuple[int, int, int]]:
    """Return some colours (0 to 255) of a diverging table, from low to high."""
    return list(RAMPS[key][1])


def _table(key: str, colors: Callable[[], Iterable[Color]], names: list[str] | None = None) -> Any:
    scene, kind = slicer.mrmlScene, "vtkMRMLColorTableNode"
    for number in range(scene.GetNumberOfNodesByClass(kind)):
        node = scene.GetNthNodeByClass(number, kind)
        if node.GetAttribute(ATTRIBUTE) == key:
            return node
    node = scene.AddNewNodeByClass(kind, f"BrainFMTrain_{key}")
    node.SetAttribute(ATTRIBUTE, key)
    node.SetSaveWithScene(False)
    node.SetTypeToUser()
    made = list(colors())
    node.SetNumberOfColors(len(made))
    for index, color in enumerate(made):
        node.SetColor(index, names[index] if names else str(index), *color)
    return node


def _color(color: Iterable[float], isThere: bool = True) -> Color:
    red, green, blue = (value / 255 for value in color)
    return red, green, blue, float(isThere)


def _diverging(key: str, clearEnds: bool = False) -> list[Color]:
    stops = ramp(key)
    places = np.linspace(0, SIZE - 1, len(stops))
    columns = [np.interp(np.arange(SIZE), places, column) for column in np.transpose(stops)]
    ends = (0, SIZE - 1) if clearEnds else ()
    return [_color(color, index not in ends) for index, color in enumerate(np.transpose(columns).tolist())]


def _lines(axis: str, spacing: int) -> list[Color]:
    first = round(ATLAS_WINDOW_MM[0] + 0.5)
    millimetres = range(first, first + SIZE)
    return [_color(AXIS_COLORS[axis], mm % spacing == 0 or abs(mm) == 1) for mm in millimetres]


def _everyID() -> list[Any]:
    known = structures()
    return [known.get(number, known[0]) for number in range(max(known) + 1)]


def _structures() -> list[Color]:
    return [_color(structure.colour, structure.id != 0) for structure in _everyID()]
