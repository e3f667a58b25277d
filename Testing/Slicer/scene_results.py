"""Helpers of the tests about results in the scene."""

from __future__ import annotations

import numpy as np
import slicer
from BrainFMLib.Results import importSteps


def turn(degrees=20.0, shift=(5.0, -8.0, 3.0)) -> np.ndarray:
    """A rigid motion."""
    angle = np.deg2rad(degrees)
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = shift
    return matrix


LEFT_HANDED = np.array([[2.0, 0, 0, -19.0], [0, 0, 2.2, -24.0], [0, 2.1, 0, -20.0], [0, 0, 0, 1.0]])
SHEARED = np.array([[2.0, 0.4, 0, -21.0], [0, 2.0, 0.3, -26.0], [0.2, 0, 2.0, -20.0], [0, 0, 0, 1.0]])
OBLIQUE = turn(12, (20.0, 25.0, 28.0)) @ np.array([[-1.9, 0, 0, 0], [0, 0, -2.4, 0], [0, -2.1, 0, 0], [0, 0, 0, 1.0]])
AFFINES = {"oblique": OBLIQUE, "left-handed": LEFT_HANDED, "sheared": SHEARED}
SHAPE = (20, 24, 22)


def add_scan(affine=OBLIQUE, shape=SHAPE, name="MRHead", array=None):
    """A volume in the scene; shape is (X, Y, Z)."""
    if array is None:
        array = np.random.default_rng(1).integers(0, 900, shape[::-1]).astype(np.int16)
    return slicer.util.addVolumeFromArray(array, ijkToRAS=affine, name=name)


def put_under(node, matrix, name="moved"):
    """A linear transform above a node."""
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", name)
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def import_results(results, scan, name="MRHead", **options):
    """Import a `ResultFolder` at once."""
    return finish(importSteps(results.folder, results.stem, scan, name, slicer.mrmlScene, **options))


def finish(steps):
    """Run a generator to its end; what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def node_names() -> list[str]:
    """What is in the scene."""
    scene = slicer.mrmlScene
    nodes = (scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes()))
    return sorted(f"{node.GetClassName()} {node.GetName()}" for node in nodes)
