"""Diverging colour tables: one side, a middle that says nothing, the other side; made once in a scene and shared.

The middle is pale where a band of colour lies on the scan, and dark where the whole scan is covered: so it stays to be
seen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from BrainFMLib.SceneChange import SceneChange

ATTRIBUTE = "BrainFM.Colors"
SIZE = 256
RAMPS = {
    "Distance": ("BrainFM_Distance", ((20, 60, 150), (90, 160, 230), (245, 245, 245), (240, 150, 90), (165, 30, 35))),
    "Bias": ("BrainFM_Bias", ((205, 140, 255), (120, 60, 175), (12, 12, 16), (20, 125, 75), (110, 235, 160))),
}
"""Key of a table to its node's name, and its colours (0-255) from the lowest to the highest value."""


def diverging(change: SceneChange, key: str) -> Any:
    """Return the colour node of that key, made if the scene has none."""
    scene = change.scene
    for index in range(scene.GetNumberOfNodesByClass("vtkMRMLColorTableNode")):
        node = scene.GetNthNodeByClass(index, "vtkMRMLColorTableNode")
        if node.GetAttribute(ATTRIBUTE) == key:
            return node
    name, stops = RAMPS[key]
    node = change.add("vtkMRMLColorTableNode", name)
    node.SetAttribute(ATTRIBUTE, key)
    node.SetTypeToUser()
    node.SetNumberOfColors(SIZE)
    places = np.linspace(0, SIZE - 1, len(stops))
    columns = np.transpose([np.interp(np.arange(SIZE), places, column) for column in np.transpose(stops)]) / 255
    for index, (red, green, blue) in enumerate(columns.tolist()):
        node.SetColor(index, f"{index}", red, green, blue, 1.0)
    return node


def showLegend(volumeNode: Any, title: str, labelFormat: str, visible: bool = True) -> Any:
    """Give a volume a colour legend in the views that show it, or hide the one it has; returns its display node."""
    legend = slicer.vtkSlicerColorLogic.GetColorLegendDisplayNode(volumeNode)
    if legend is None:
        legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(volumeNode)
        legend.SetTitleText(title)
        legend.SetLabelFormat(labelFormat)
    legend.SetVisibility(visible)
    return legend
