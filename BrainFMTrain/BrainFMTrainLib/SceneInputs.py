"""What a preview needs from the scene as files: written once, and again when a node changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from BrainFMEngine.errors import InputImageError
from BrainFMLib.InputExport import exportSteps
from BrainFMLib.Steps import FractionSteps
from slicer.i18n import tr as _

from BrainFMTrainLib.SegmentationExport import segmentationSteps

State = tuple[Any, ...]
_ENDING = ".nrrd"


class SceneInputs:
    """Files of nodes, by what they are for.

    Attributes:
        unknown: names of the segments that the last segmentation was written without.
        names: name of a file that was written -> name of its node.
    """

    def __init__(self) -> None:
        self.unknown: list[str] = []
        self.names: dict[str, str] = {}
        self._written: dict[str, tuple[State, Path, list[str]]] = {}
        self._number = 0

    def fileSteps(self, purpose: str, node: Any, folder: Path) -> FractionSteps[Path]:
        """Write a volume or a segmentation, unless that was done; yields the fraction done, returns the file.

        Args:
            purpose: "anatomy" or a contrast.
            node: what to write.
            folder: where.

        Raises:
            InputImageError: it cannot be used; says why.
            OSError: it cannot be written.
        """
        state = (str(folder), *_stateOf(node))
        former = self._written.get(purpose)
        self.names[f"{purpose}{_ENDING}"] = node.GetName()
        if former is not None and former[0] == state and former[1].is_file():
            if purpose == "anatomy":
                self.unknown = former[2]
            return former[1]
        self._number += 1
        place = folder / f"{purpose}-{self._number}"
        place.mkdir()
        unknown: list[str] = []
        if node.IsA("vtkMRMLSegmentationNode"):
            exported = yield from segmentationSteps(node, place)
            unknown, path = exported.unknown, exported.path
        else:
            _checkTransform(node)
            path = (yield from exportSteps(node, place)).path
        path = path.replace(place / f"{purpose}{_ENDING}")
        if former is not None:
            former[1].unlink(missing_ok=True)
        self._written[purpose] = (state, path, unknown)
        if purpose == "anatomy":
            self.unknown = unknown
        return path


def _stateOf(node: Any) -> State:
    """Return what a file of a node depends on."""
    if node.IsA("vtkMRMLSegmentationNode"):
        segmentation = node.GetSegmentation()
        segments = [segmentation.GetSegment(segmentID) for segmentID in segmentation.GetSegmentIDs()]
        images = [one.GetRepresentation(segmentation.GetSourceRepresentationName()) for one in segments]
        content: State = tuple(
            (one.GetMTime(), image.GetMTime() if image is not None else 0)
            for one, image in zip(segments, images, strict=True)
        )
    else:
        image = node.GetImageData()
        content = (image.GetMTime() if image is not None else 0,)
    parent = node.GetParentTransformNode()
    return node.GetID(), node.GetMTime(), content, parent.GetMTime() if parent is not None else 0


def _checkTransform(node: Any) -> None:
    parent = node.GetParentTransformNode()
    if parent is not None and not parent.IsTransformToWorldLinear():
        hint = _("Harden the transform in the module 'Data', or take the volume out of it.")
        raise InputImageError(_("{name} is under a transform that bends space").format(name=node.GetName()), hint)
