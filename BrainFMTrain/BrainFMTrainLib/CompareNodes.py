"""The images of a comparison in the scene: hidden from lists and never saved, unless the user keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import slicer
from BrainFMEngine.anatomy.structures import structures
from BrainFMEngine.errors import FileAccessError
from BrainFMLib import SubjectHierarchy
from BrainFMLib.ColorTables import RAMPS, SIZE
from BrainFMLib.NiftiFile import DAMAGED_HINT, readSteps
from BrainFMLib.ResultVolumes import CT_PRESETS_HU, DISTANCE_MM, SHOWN_MM, imageDataOf, percentiles
from BrainFMLib.SceneChange import removeNode
from slicer.i18n import tr as _
from slicer.util import vtkMatrixFromArray

from BrainFMTrainLib.CompareResult import COLUMNS, REFERENCE, SEGMENTATION, ComparedMap, CompareResult

ATTRIBUTE = "BrainFMTrain.Compare"
IMAGE = "image"
CLASSES = ("vtkMRMLScalarVolumeNode", "vtkMRMLColorTableNode")
BIAS_REACH = 0.3
SOFT_TISSUE = CT_PRESETS_HU[1]


def nodeOf(column: str, name: str) -> Any | None:
    """Return the volume of a map in a column; that of the image for IMAGE; None if it is not in the scene."""
    return _find(f"{column}/{name}")


def nodes() -> list[Any]:
    """Return everything that belongs to the comparison."""
    scene, found = slicer.mrmlScene, []
    for kind in CLASSES:
        every = [scene.GetNthNodeByClass(index, kind) for index in range(scene.GetNumberOfNodesByClass(kind))]
        found += [node for node in every if node.GetAttribute(ATTRIBUTE) and node not in found]
    return found


def removeNodes() -> None:
    """Take the comparison out of the scene."""
    for node in nodes():
        removeNode(slicer.mrmlScene, node)


def keepNodes(result: CompareResult) -> int:
    """Make what is shown the user's own, in a folder of its own; return how many images they are."""
    scene = slicer.mrmlScene
    folder = SubjectHierarchy.createFolder(
        scene, SubjectHierarchy.treeOf(scene).GetSceneItemID(), _("{subject} compared").format(subject=result.subject)
    )
    kept = 0
    for node in nodes():
        node.RemoveAttribute(ATTRIBUTE)
        node.SetHideFromEditors(False)
        node.SetSaveWithScene(True)
        if node.IsA("vtkMRMLScalarVolumeNode"):
            SubjectHierarchy.moveInto(scene, node, folder)
            kept += 1
    return kept


def loadSteps(result: CompareResult, shown: str) -> Iterator[float]:
    """Read the image, the segmentations and one kind of map into the scene, in short steps; other maps leave it.

    Raises:
        FileAccessError: a file cannot be read.
    """
    wanted = [entry for entry in (result.map(SEGMENTATION), result.map(shown)) if entry is not None]
    _forget({entry.name for entry in wanted})
    files = [("", IMAGE, result.image, None)]
    files += [(column, entry.name, entry.files[column], entry) for entry in wanted for column in _order(entry)]
    for index, (column, name, file, entry) in enumerate(files):
        if nodeOf(column, name) is not None:
            continue
        for fraction in _readSteps(result, column, name, file, entry):
            yield (index + fraction) / len(files)


def _order(entry: ComparedMap) -> list[str]:
    """Return the columns of a map, the reference first: it decides how bright the others are."""
    return [column for column in (REFERENCE, *COLUMNS[:2]) if column in entry.files]


def _readSteps(result: CompareResult, column: str, name: str, file: str, entry: ComparedMap | None) -> Iterator[float]:
    steps = readSteps(result.folder / file)
    while True:
        try:
            yield next(steps)
        except StopIteration as stop:
            image = stop.value
            break
    if image.header.shape != result.shape:
        raise FileAccessError(f"{file} does not have the size that the comparison states", DAMAGED_HINT)
    isLabels = entry is not None and entry.display == "labels"
    node = _newNode("vtkMRMLLabelMapVolumeNode" if isLabels else "vtkMRMLScalarVolumeNode", f"{column}/{name}")
    node.SetName(_nameOf(result, column, entry))
    node.CreateDefaultDisplayNodes()
    for index in range(node.GetNumberOfDisplayNodes()):
        node.GetNthDisplayNode(index).SetSaveWithScene(False)
    _LOOKS[entry.display if entry is not None else "grey"](node, image.array(), entry)
    node.SetIJKToRASMatrix(vtkMatrixFromArray(result.affine))
    node.SetAndObserveImageData(imageDataOf(image))
    yield 1.0


def _nameOf(result: CompareResult, column: str, entry: ComparedMap | None) -> str:
    if entry is None:
        return result.subject
    who = dict(zip(COLUMNS, (*result.titles, _("reference")), strict=True))[column]
    return f"{result.subject} {entry.title} ({who})"


def _newNode(kind: str, place: str) -> Any:
    node = slicer.mrmlScene.CreateNodeByClass(kind)
    node.UnRegister(None)
    node.SetAttribute(ATTRIBUTE, place)
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    return slicer.mrmlScene.AddNode(node)


def _find(place: str) -> Any | None:
    return next((node for node in nodes() if node.GetAttribute(ATTRIBUTE) == place), None)


def _forget(names: set[str]) -> None:
    for node in nodes():
        column, _slash, name = node.GetAttribute(ATTRIBUTE).partition("/")
        if column in COLUMNS and name not in names:
            removeNode(slicer.mrmlScene, node)


# How each kind looks: the same in every column


def _lookGrey(node: Any, array: np.ndarray, entry: ComparedMap | None) -> None:
    display, first = node.GetDisplayNode(), _firstOf(entry)
    display.AutoWindowLevelOff()
    if first is not None:
        display.SetWindowLevel(first.GetDisplayNode().GetWindow(), first.GetDisplayNode().GetLevel())
    else:
        display.SetWindowLevelMinMax(*percentiles(array, 1.0, 99.5))


def _lookCT(node: Any, array: np.ndarray, entry: ComparedMap | None) -> None:
    node.GetDisplayNode().AutoWindowLevelOff()
    node.GetDisplayNode().SetWindowLevel(*SOFT_TISSUE)


def _lookDistance(node: Any, array: np.ndarray, entry: ComparedMap | None) -> None:
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetAndObserveColorNodeID(_ramp("Distance").GetID())
    display.SetWindowLevelMinMax(-DISTANCE_MM, DISTANCE_MM)
    display.SetThreshold(-SHOWN_MM, SHOWN_MM)
    display.ApplyThresholdOn()


def _lookRatio(node: Any, array: np.ndarray, entry: ComparedMap | None) -> None:
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetAndObserveColorNodeID(_ramp("Bias").GetID())
    display.SetWindowLevelMinMax(1 - BIAS_REACH, 1 + BIAS_REACH)


def _lookLabels(node: Any, array: np.ndarray, entry: ComparedMap | None) -> None:
    node.GetDisplayNode().SetAndObserveColorNodeID(_structureColors().GetID())


_LOOKS: dict[str, Callable[[Any, np.ndarray, ComparedMap | None], None]] = {
    "grey": _lookGrey,
    "ct": _lookCT,
    "signed_mm": _lookDistance,
    "ratio": _lookRatio,
    "labels": _lookLabels,
}


def _firstOf(entry: ComparedMap | None) -> Any | None:
    """Return a volume of this map that is there already."""
    columns: Iterable[str] = COLUMNS[::-1] if entry is not None else ()
    found = (nodeOf(column, entry.name) for column in columns if entry is not None)
    return next((node for node in found if node is not None and node.GetImageData() is not None), None)


def _ramp(key: str) -> Any:
    node = _find(f"colors/{key}")
    if node is None:
        node = _newNode("vtkMRMLColorTableNode", f"colors/{key}")
        name, stops = RAMPS[key]
        node.SetName(name)
        places = np.linspace(0, SIZE - 1, len(stops))
        columns = np.transpose([np.interp(np.arange(SIZE), places, column) for column in np.transpose(stops)]) / 255
        node.SetTypeToUser()
        node.SetNumberOfColors(SIZE)
        for index, (red, green, blue) in enumerate(columns.tolist()):
            node.SetColor(index, f"{index}", red, green, blue, 1.0)
    return node


def _structureColors() -> Any:
    """Return the colours of the structures; what lies around the brain stays clear."""
    node = _find("colors/structures")
    if node is None:
        node = _newNode("vtkMRMLColorTableNode", "colors/structures")
        node.SetName(_("Structures"))
        node.SetTypeToUser()
        node.SetNumberOfColors(max(structures()) + 1)
        for label, structure in structures().items():
            red, green, blue = (value / 255 for value in structure.colour)
            opacity = 0.0 if structure.extracerebral or not label else 1.0
            node.SetColor(label, structure.name, red, green, blue, opacity)
    return node
