"""What the preview's form says, saved with the scene and kept between sessions."""

from __future__ import annotations

from typing import Any

import slicer
from BrainFMLib import Settings
from slicer import vtkMRMLDisplayableNode, vtkMRMLScalarVolumeNode
from slicer.parameterNodeWrapper import parameterNodeWrapper
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

MODULE = "BrainFMTrain"
PREFIX = "Train/preview/"
NODES = ("anatomyNode", "t1Node", "t2Node", "flairNode", "ctNode")


@parameterNodeWrapper
class PreviewParameterNode:
    """The parameters.

    Attributes:
        anatomyNode: label map or segmentation.
        t1Node, t2Node, flairNode, ctNode: real images of the same head.
        anatomy: "scene", "file" or the title of a bundled head.
        anatomyFile, t1File, t2File, flairFile, ctFile: files, where there is no node.
        severity: 0 to 1, of all samples unless `mildToSevere`.
        samples: how many.
        size: voxels along each edge, unless `wholeHead`.
        contrast: as the engine calls it, "" for that of the recipe.
        seed, seedLocked: whether Generate keeps it.
        ranges: changed ranges of the generator as JSON, path -> value.
        written: whether these values are somebody's, and not just the defaults.
    """

    anatomyNode: vtkMRMLDisplayableNode
    t1Node: vtkMRMLScalarVolumeNode
    t2Node: vtkMRMLScalarVolumeNode
    flairNode: vtkMRMLScalarVolumeNode
    ctNode: vtkMRMLScalarVolumeNode
    anatomy: str = ""
    anatomyFile: str = ""
    t1File: str = ""
    t2File: str = ""
    flairFile: str = ""
    ctFile: str = ""
    severity: float = 0.5
    mildToSevere: bool = True
    samples: int = 4
    size: int = 112
    wholeHead: bool = False
    contrast: str = ""
    seed: int = 1
    seedLocked: bool = False
    ranges: str = "{}"
    written: bool = False


DEFAULTS: dict[str, Any] = {
    "anatomy": "",
    "anatomyFile": "",
    "t1File": "",
    "t2File": "",
    "flairFile": "",
    "ctFile": "",
    "severity": 0.5,
    "mildToSevere": True,
    "samples": 4,
    "size": 112,
    "wholeHead": False,
    "contrast": "",
    "seed": 1,
    "seedLocked": False,
    "ranges": "{}",
}
"""What is also kept between sessions, with the values of a first start."""


class SceneParameters:
    """The parameters of the scene that is there now."""

    def __init__(self) -> None:
        self._parameters: PreviewParameterNode | None = None

    def read(self) -> PreviewParameterNode | None:
        """Return what somebody set in this scene, None if there is nothing."""
        node = slicer.mrmlScene.GetSingletonNode(MODULE, "vtkMRMLScriptedModuleNode")
        if node is None or not node.GetParameter("written"):
            return None
        parameters = self._of(node)
        return parameters if parameters.written else None

    def write(self, values: dict[str, Any], nodes: dict[str, Any]) -> None:
        """Write the form into the parameters, which are made if needed."""
        logic = ScriptedLoadableModuleLogic()
        logic.moduleName = MODULE
        parameters = self._of(logic.getParameterNode())
        with slicer.util.NodeModify(parameters.parameterNode):
            for name, value in {**values, **nodes, "written": True}.items():
                if getattr(parameters, name) != value:
                    setattr(parameters, name, value)

    def _of(self, node: Any) -> PreviewParameterNode:
        if self._parameters is None or self._parameters.parameterNode is not node:
            self._parameters = PreviewParameterNode(node)
        return self._parameters


def remember(values: dict[str, Any]) -> None:
    """Write the form into the settings."""
    for name, value in values.items():
        if Settings.read(PREFIX + name) != str(value):
            Settings.write(PREFIX + name, value)


def recall() -> dict[str, Any]:
    """Return the values of the last session; what is not kept, or no such value, is as at a first start."""
    return {name: _parsed(Settings.read(PREFIX + name, str(default)), default) for name, default in DEFAULTS.items()}


def _parsed(text: str, default: Any) -> Any:
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(text.lower(), default)
    try:
        return type(default)(text)
    except ValueError:
        return default
