"""Which scans a run works on: the chosen one, its study, its sequence, the scene, or a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from BrainFMLib.PredictionRequest import Source, VolumeSource, scansIn
from BrainFMLib.ResultSequences import framesOf

SCAN, STUDY, SEQUENCE, SCENE, FOLDER = "scan", "study", "sequence", "scene", "folder"


@dataclass(frozen=True)
class Choice:
    """One way to choose scans: its key and what users read."""

    key: str
    title: str


def choicesFor(volumeNode: Any | None) -> list[Choice]:
    """Return the ways that make sense for a scan, the scan alone first."""
    choices = [Choice(SCAN, _("The scan chosen above"))]
    study = volumesOfStudy(volumeNode)
    if len(study) > 1:
        choices.append(Choice(STUDY, _("All {n} volumes of its study").format(n=len(study))))
    frames = framesOf(volumeNode)
    if len(frames) > 1:
        choices.append(Choice(SEQUENCE, _("All {n} frames of its sequence").format(n=len(frames))))
    scene = volumesOfScene()
    if len(scene) > 1:
        choices.append(Choice(SCENE, _("All {n} volumes of the scene").format(n=len(scene))))
    return [*choices, Choice(FOLDER, _("All files in a folder…"))]


def sourcesOf(key: str, volumeNode: Any | None, folder: Path | None) -> list[Source]:
    """Return the scans of a choice.

    The panel looks at a single scan before; whether each of several can be used is told when its turn comes.
    """
    if key == FOLDER:
        return list(scansIn(folder)) if folder is not None else []
    if key == SEQUENCE:
        return list(framesOf(volumeNode))
    volumes = {STUDY: volumesOfStudy, SCENE: lambda node: volumesOfScene()}.get(key, _only)(volumeNode)
    return [VolumeSource.of(volume, checked=key == SCAN) for volume in volumes]


def volumesOfScene() -> list[Any]:
    """Return the scans of the scene: scalar volumes that are no label maps and no results."""
    scene = slicer.mrmlScene
    count = scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
    return _scans([scene.GetNthNodeByClass(index, "vtkMRMLScalarVolumeNode") for index in range(count)])


def volumesOfStudy(volumeNode: Any | None) -> list[Any]:
    """Return the scans in the study of a volume, those of its patient if there is no study; itself alone otherwise."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    if volumeNode is None or hierarchy is None:
        return _only(volumeNode)
    constants = slicer.vtkMRMLSubjectHierarchyConstants
    levels = (constants.GetDICOMLevelStudy(), constants.GetDICOMLevelPatient())
    item = hierarchy.GetItemByDataNode(volumeNode)
    for level in levels:
        ancestor = hierarchy.GetItemAncestorAtLevel(item, level) if item else 0
        if ancestor:
            return [volume for volume in volumesOfScene() if _isBelow(hierarchy, volume, ancestor)]
    return _only(volumeNode)


def _isBelow(hierarchy: Any, volumeNode: Any, ancestor: int) -> bool:
    item = hierarchy.GetItemByDataNode(volumeNode)
    while item and item != ancestor and item != hierarchy.GetSceneItemID():
        item = hierarchy.GetItemParent(item)
    return item == ancestor


def _only(volumeNode: Any | None) -> list[Any]:
    return [volumeNode] if volumeNode is not None else []


def _scans(volumes: Sequence[Any]) -> list[Any]:
    return [
        volume
        for volume in volumes
        if not volume.IsA("vtkMRMLLabelMapVolumeNode")
        and not volume.IsA("vtkMRMLVectorVolumeNode")
        and not volume.GetAttribute("BrainFM.Kind")
        and not volume.GetHideFromEditors()
    ]


def likelyInput() -> Any | None:
    """Return the scan that the user most likely means: the one that the views show, else the first."""
    scans = volumesOfScene()
    selection = slicer.app.applicationLogic().GetSelectionNode()
    active = selection.GetActiveVolumeID() if selection is not None else None
    return next((scan for scan in scans if scan.GetID() == active), scans[0] if scans else None)
